"""What models of whole masks learn from: one image, the instance seen at each pixel, and amodal masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence

from datasets.render import Drawable, render_masks
from datasets.scene import GRID


@dataclass(frozen=True)
class VisibleSample:
    """One training image on the evaluation grid.

    image: (256, 256) or (256, 256, 3) uint8. instance_map: (64, 64) uint8, the instance number seen at each pixel, 1
    in front, 0 for background. masks: (n, 64, 64) uint8 of 0 and 1, amodal. categories: (n,) uint8, category number
    of instance 1 to n.
    """

    image: np.ndarray
    instance_map: np.ndarray
    masks: np.ndarray
    categories: np.ndarray


def render_visible(scene: Drawable) -> VisibleSample:
    """All instances that are ground truth; one without a pixel in `instance_map` draws nothing."""
    sample = render_masks(scene)
    masks = np.ascontiguousarray(sample.masks[:, GRID, GRID]).view(np.uint8)
    instance_map = np.ascontiguousarray(sample.instance_map[GRID, GRID])
    return VisibleSample(sample.image, instance_map, masks, sample.categories)


def collate(samples: Sequence[VisibleSample]) -> dict[str, Tensor]:
    """Batch of samples; masks and categories are padded with zeros to the most instances of an image."""
    return {
        "image": torch.from_numpy(np.stack([sample.image for sample in samples])),
        "instance_map": torch.from_numpy(np.stack([sample.instance_map for sample in samples])),
        "masks": pad_sequence([torch.from_numpy(sample.masks) for sample in samples], batch_first=True),
        "categories": pad_sequence([torch.from_numpy(sample.categories) for sample in samples], batch_first=True),
    }


def visible_classes(batch: dict[str, Tensor]) -> Tensor:
    """Category number of what is seen at each pixel of a batch from `collate`, 0 for background: (B, 64, 64) int64."""
    instance_map = batch["instance_map"]
    table = pad(batch["categories"], (1, 0)).long()
    return table.gather(1, instance_map.flatten(1).long()).view(instance_map.shape)
