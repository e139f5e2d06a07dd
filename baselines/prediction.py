"""Prediction as all our detectors do it: load the run's weights, take the images in batches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.adapter import Detections, Run
from benchmark.engine.checkpoint import load_weights
from benchmark.engine.precision import autocast
from datasets.dataset import Dataset


def predict_in_batches(
    model: nn.Module,
    dataset: Dataset,
    run: Run,
    model_input: Callable[[np.ndarray], Any],
    detect: Callable[[nn.Module, list], list[dict[str, Detections]]],
) -> Iterator[tuple[int, dict[str, Detections]]]:
    """Yield (image id, {variant: detections}), in the precision and memory format of the run's training.

    model: built as for training; gets the run's weights here. model_input: image (256, 256, 3) uint8 -> what `detect`
    takes a list of, together with the model.
    """
    load_trained(model, run)
    for start in range(0, len(dataset.image_ids), run.preset.prediction_batch_size):
        image_ids = dataset.image_ids[start : start + run.preset.prediction_batch_size]
        inputs = [model_input(dataset.image(image_id)) for image_id in image_ids]
        with autocast(run.preset.training.precision, run.device):
            detections = detect(model, inputs)
        yield from zip(image_ids, detections, strict=True)


def propose_in_batches(
    model: nn.Module,
    images: Sequence[np.ndarray],
    run: Run,
    model_input: Callable[[np.ndarray], Any],
    propose: Callable[[nn.Module, list], list[Tensor]],
) -> Iterator[Tensor]:
    """Yield the boxes (P, 4) that a detector's first stage proposes for each of `images`, (256, 256, 3) uint8."""
    load_trained(model, run)
    for start in range(0, len(images), run.preset.prediction_batch_size):
        with autocast(run.preset.training.precision, run.device):
            yield from propose(
                model, [model_input(image) for image in images[start:][: run.preset.prediction_batch_size]]
            )


def load_trained(model: nn.Module, run: Run) -> None:
    """Give `model`, built as for training, the run's weights, device and memory format; ready to predict."""
    load_weights(run.weights, model)
    memory_format = torch.channels_last if run.preset.training.channels_last else torch.preserve_format
    model.to(run.device, memory_format=memory_format).eval()
