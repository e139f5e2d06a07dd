"""Mask2Former behind the benchmark's interface."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from baselines.mask2former.instances import GRID, find_instances
from baselines.mask2former.loss import LossSettings, set_loss
from baselines.mask2former.network import Mask2FormerNetwork
from baselines.mask2former.presets import PRESETS
from baselines.prediction import load_trained
from baselines.visible_targets import collate, render_visible
from benchmark.adapter import DEFAULT, Adapter, Detections, Reading, Run
from benchmark.engine.fit import fit
from benchmark.engine.precision import autocast
from datasets.dataset import Dataset
from datasets.errors import InputError

PREDICTION_BATCH = 16


class Mask2Former(Adapter):
    """A set of queries, each of which draws one whole object or none; nothing is suppressed."""

    presets = PRESETS
    prediction_settings = ("instances",)
    readings = {DEFAULT: Reading(text="each query's mask, by the probability of its class and how certain its mask is")}
    variants = tuple(readings)
    grid = GRID

    def train(self, run: Run) -> bool:
        """Train with the shared engine; see `Adapter.train`."""
        torch.manual_seed(run.seed)
        step = partial(training_step, settings=run.preset.loss)
        return fit(run, new_network(run), render_visible, step, run.preset.training, collate)

    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """One pass of the network for all variants; see `Adapter.predict`."""
        settings = [GRID.get(name, run.preset.instances) for name in variants]
        network = new_network(run)
        load_trained(network, run)
        for start in range(0, len(dataset.image_ids), PREDICTION_BATCH):
            image_ids = dataset.image_ids[start : start + PREDICTION_BATCH]
            images = torch.from_numpy(np.stack([dataset.image(image_id) for image_id in image_ids]))
            with torch.inference_mode(), autocast(run.preset.training.precision, run.device):
                output = network(images.to(run.device))
            last = (output.class_logits[-1], output.mask_logits[-1], output.shown_logits)
            if not all(values.isfinite().all() for values in last):
                raise InputError(
                    f"{run.weights}: the network's output is not finite, expected weights of a finished run"
                )
            for image_id, classes, masks, shown in zip(image_ids, *last, strict=True):
                found = find_instances(classes, masks, shown, settings)
                yield image_id, dict(zip(variants, found, strict=True))


def new_network(run: Run) -> Mask2FormerNetwork:
    """A network for the categories and channels of the run's training images."""
    return Mask2FormerNetwork(run.preset.network, len(run.source.categories), run.source.channels)


def training_step(model: nn.Module, batch: dict[str, Tensor], settings: LossSettings) -> dict[str, Tensor]:
    """Loss and its terms on a batch from `collate`."""
    output = model(batch["image"])
    with torch.autocast(batch["image"].device.type, enabled=False):
        return set_loss(output, batch, settings)
