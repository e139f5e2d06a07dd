"""Dynamic masks behind the benchmark's interface."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from baselines.dynamic_masks.grid import GRID
from baselines.dynamic_masks.instances import find_instances
from baselines.dynamic_masks.loss import LossSettings, dynamic_mask_loss, sample_pixels, sample_points
from baselines.dynamic_masks.network import DynamicMaskNetwork, Maps
from baselines.dynamic_masks.pictures import LAYERS, steps
from baselines.dynamic_masks.presets import PRESETS
from baselines.prediction import load_trained
from baselines.visible_targets import collate, render_visible
from benchmark.adapter import DEFAULT, Adapter, Detections, Picture, Reading, Run
from benchmark.engine.fit import fit
from benchmark.engine.precision import autocast
from datasets.dataset import Dataset
from datasets.errors import InputError

PREDICTION_BATCH = 8


class DynamicMasks(Adapter):
    """Each visible pixel draws the whole object seen there; what draws the same is one instance."""

    presets = PRESETS
    prediction_settings = ("instances",)
    readings = {DEFAULT: Reading(text="candidates grouped and scored as the preset says", suppression="mask")}
    variants = tuple(readings)
    grid = GRID

    def train(self, run: Run) -> bool:
        """Train with the shared engine; see `Adapter.train`."""
        torch.manual_seed(run.seed)
        network = new_network(run)
        step = partial(training_step, settings=run.preset.loss)
        return fit(run, network, render_visible, step, run.preset.training, collate)

    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """One pass of the network for all variants; see `Adapter.predict`."""
        network = load_network(run)
        settings = [GRID.get(name, run.preset.instances) for name in variants]
        for start in range(0, len(dataset.image_ids), PREDICTION_BATCH):
            image_ids = dataset.image_ids[start : start + PREDICTION_BATCH]
            images = np.stack([dataset.image(image_id) for image_id in image_ids])
            maps = predict_maps(network, images, run)
            for place, image_id in enumerate(image_ids):
                of_image = Maps(*(values[place : place + 1] for values in maps))
                with torch.inference_mode(), autocast(run.preset.training.precision, run.device):
                    found = find_instances(network, of_image, settings)
                yield image_id, dict(zip(variants, found, strict=True))

    def pictures(self, dataset: Dataset, run: Run, image_id: int) -> list[Picture]:
        """Classes, quality, what one pixel draws, and instances; see `Adapter.pictures`."""
        network = load_network(run)
        maps = predict_maps(network, dataset.image(image_id)[None], run)
        with autocast(run.preset.training.precision, run.device):
            (found,) = find_instances(network, maps, [run.preset.instances])
            return steps(network, maps, found, dataset.layers(image_id, LAYERS))


def new_network(run: Run) -> DynamicMaskNetwork:
    """A network for the categories and channels of the run's training images."""
    return DynamicMaskNetwork(run.preset.network, len(run.source.categories), run.source.channels)


def load_network(run: Run) -> DynamicMaskNetwork:
    """The trained network of `run` on its device, ready to predict."""
    network = new_network(run)
    load_trained(network, run)
    return network


def training_step(model: nn.Module, batch: dict[str, Tensor], settings: LossSettings) -> dict[str, Tensor]:
    """Loss and its terms on a batch from `collate`; random visible pixels of every instance draw its masks."""
    pixels = sample_pixels(batch, settings)
    points = sample_points(settings.block, pixels.device)
    drawn = model(batch["image"], pixels, points)
    with torch.autocast(pixels.device.type, enabled=False):
        return dynamic_mask_loss(drawn, points, batch, settings)


@torch.inference_mode()
def predict_maps(network: DynamicMaskNetwork, images: np.ndarray, run: Run) -> Maps:
    """What the network says about images (B, 256, 256, 3) uint8."""
    with autocast(run.preset.training.precision, run.device):
        maps = network.maps(torch.from_numpy(images).to(run.device))
    if not all(values.isfinite().all() for values in maps):
        raise InputError(f"{run.weights}: the network's output is not finite, expected the weights of a finished run")
    return maps
