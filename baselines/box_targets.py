"""What a detector with boxes learns from: one training image as image, boxes, classes and amodal masks."""

from dataclasses import dataclass

import numpy as np

from datasets.render import Drawable, render_masks


@dataclass(frozen=True)
class BoxSample:
    """One training image, small enough to hand from process to process.

    image: (256, 256) or (256, 256, 3) uint8. boxes: (n, 4) float32, x0, y0, x1, y1 in pixels, far edges excluded.
    categories: (n,) uint8. packed_masks: (n, 256, 32) uint8, the amodal masks with eight pixels to a byte.
    """

    image: np.ndarray
    boxes: np.ndarray
    categories: np.ndarray
    packed_masks: np.ndarray

    @property
    def masks(self) -> np.ndarray:
        """(n, 256, 256) bool, amodal."""
        return np.unpackbits(self.packed_masks, axis=-1).view(bool)


def render_boxes(scene: Drawable) -> BoxSample:
    """All instances that are ground truth, front to back, with the boxes of their amodal masks."""
    sample = render_masks(scene)
    return BoxSample(sample.image, boxes_of_masks(sample.masks), sample.categories, np.packbits(sample.masks, axis=-1))


def boxes_of_masks(masks: np.ndarray) -> np.ndarray:
    """masks: (n, H, W) bool, none of them empty. Returns (n, 4) float32: x0, y0, x1, y1, the far edges excluded."""
    _, height, width = masks.shape
    rows, columns = np.asarray(masks.any(axis=2)), np.asarray(masks.any(axis=1))
    edges = [
        columns.argmax(axis=1),
        rows.argmax(axis=1),
        width - columns[:, ::-1].argmax(axis=1),
        height - rows[:, ::-1].argmax(axis=1),
    ]
    return np.stack(edges, axis=1).astype(np.float32)
