"""What the model learns from: one image, what is seen at each pixel, and amodal masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from datasets.render import Drawable, render_masks
from datasets.scene import GRID


@dataclass(frozen=True)
class MaskSample:
    """One training image on the evaluation grid.

    image: (256, 256) or (256, 256, 3) uint8. classes: (64, 64) uint8, category number of what is seen, 0 for
    background. masks: (n, 64, 64) uint8 of 0 and 1, amodal. categories: (n,) uint8, category number of instance 1 to n.
    """

    image: np.ndarray
    classes: np.ndarray
    masks: np.ndarray
    categories: np.ndarray


def render_sets(scene: Drawable) -> MaskSample:
    """The instances of an image that have a pixel on the evaluation grid, an unordered set."""
    sample = render_masks(scene)
    masks = np.ascontiguousarray(sample.masks[:, GRID, GRID]).view(np.uint8)
    classes = np.append(np.uint8(0), sample.categories)[sample.instance_map[GRID, GRID]]
    return MaskSample(sample.image, classes, masks, sample.categories)


def collate(samples: Sequence[MaskSample]) -> dict[str, Tensor]:
    """Batch of samples; masks and categories are padded with zeros to the most instances of an image."""
    return {
        "image": torch.from_numpy(np.stack([sample.image for sample in samples])),
        "classes": torch.from_numpy(np.stack([sample.classes for sample in samples])),
        "masks": pad_sequence([torch.from_numpy(sample.masks) for sample in samples], batch_first=True),
        "categories": pad_sequence([torch.from_numpy(sample.categories) for sample in samples], batch_first=True),
    }
