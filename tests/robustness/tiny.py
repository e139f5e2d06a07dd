"""A model of a few dozen parameters that the engine trains in a second, for the campaign."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from benchmark.adapter import Adapter, Detections
from benchmark.engine.checkpoint import load_weights
from benchmark.engine.fit import fit
from benchmark.engine.settings import TrainingSettings
from datasets.render import render_layers


@dataclass(frozen=True)
class Preset:
    training: TrainingSettings = TrainingSettings(images=24, batch_size=2, workers=1, log_every=4, checkpoint_every=4)


def render(scene):
    sample = render_layers(scene, 1)
    return {"image": sample.image[::4, ::4] / 255, "target": (sample.layers[0] > 0).astype("float32")}


def step(model, batch):
    logits = model(batch["image"][:, None].float())[:, 0]
    return {"loss": nn.functional.binary_cross_entropy_with_logits(logits, batch["target"])}


class Tiny(Adapter):
    presets = {"tiny": Preset()}

    def train(self, run):
        torch.manual_seed(run.seed)
        return fit(run, nn.Conv2d(1, 1, 5, padding=2), render, step, run.preset.training)

    def predict(self, dataset, run, variants):
        model = nn.Conv2d(1, 1, 5, padding=2)
        load_weights(run.weights, model)
        for image_id in dataset.image_ids:
            score = float(model.bias.detach().sigmoid())
            masks = dataset.masks(image_id)[:2]
            found = Detections(masks, np.full(len(masks), score), np.ones(len(masks), int))
            yield image_id, dict.fromkeys(variants, found)
