"""Prediction as all our detectors do it: load the run's weights, take the images in batches."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.adapter import Detections
from benchmark.run import Run
from datasets.exported import ExportedDataset


def predict_in_batches(
    model: nn.Module,
    dataset: ExportedDataset,
    run: Run,
    model_input: Callable[[np.ndarray], Any],
    detect: Callable[[nn.Module, list], list[dict[str, Detections]]],
) -> Iterator[tuple[int, dict[str, Detections]]]:
    """Yield (image id, {variant: detections}), in the precision and memory format of the run's training.

    model: built as for training; gets the run's weights here. model_input: image (256, 256, 3) uint8 -> what `detect`
    takes a list of, together with the model.
    """
    settings = run.preset.training
    model.load_state_dict(load_file(run.weights))
    memory_format = torch.channels_last if settings.channels_last else torch.preserve_format
    model.to(run.device, memory_format=memory_format).eval()
    for start in range(0, len(dataset.image_ids), run.preset.prediction_batch_size):
        image_ids = dataset.image_ids[start : start + run.preset.prediction_batch_size]
        inputs = [model_input(dataset.image(image_id)) for image_id in image_ids]
        with torch.autocast(run.device, torch.bfloat16, enabled=settings.precision == "bf16"):
            detections = detect(model, inputs)
        yield from zip(image_ids, detections, strict=True)
