"""Box samples as Detectron2 takes them."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from baselines.box_targets import BoxSample
from baselines.detectron2_mask_rcnn.library import BitMasks, Boxes, Instances
from datasets.render import as_rgb


def collate(samples: Sequence[BoxSample]) -> list[dict]:
    """A training batch: one dict per image with ``image`` and ``instances`` (gt_boxes, gt_classes from 0, gt_masks)."""
    return [
        model_input(as_rgb(sample.image))
        | {
            "instances": Instances(
                sample.image.shape[:2],
                gt_boxes=Boxes(torch.from_numpy(sample.boxes)),
                gt_classes=torch.from_numpy(sample.categories.astype(np.int64) - 1),
                gt_masks=BitMasks(torch.from_numpy(sample.masks)),
            )
        }
        for sample in samples
    ]


def model_input(image: np.ndarray) -> dict[str, Tensor | int]:
    """image: (256, 256, 3) uint8. Returns the dict of one image: (3, 256, 256) float32 of 0 to 255, no resizing."""
    pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float()
    return {"image": pixels, "height": image.shape[0], "width": image.shape[1]}
