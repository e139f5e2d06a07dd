"""Pictures of a failure case: the truth on the image, and beside it what the model says there (paper Fig. 5)."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from benchmark.report.pictures.colors import to_rgb

TRUTH_COLORS = ("#0072B2", "#D55E00")
"""Outlines of the instance and of a second one; all colours here are of Okabe and Ito's colour-blind safe palette."""

DETECTION_COLORS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9")

PICTURE_SIZE = 256
MARGIN = 5
"""Pixels of the evaluation grid around what a crop has to show."""

_SMALLEST_CROP = 26
_GREYS = 6
"""Shades of the image: enough for its lines, and few colours keep the file small."""


class Window(NamedTuple):
    """A square part of the evaluation grid: its first row and column, and its side, in pixels."""

    row: int
    column: int
    side: int

    @classmethod
    def around(cls, masks: np.ndarray) -> "Window":
        """The window that shows all of (n, H, W) bool masks with a margin, H = W, within the grid."""
        size = masks.shape[-1]
        rows, columns = np.nonzero(masks.any(axis=0))
        if not len(rows):
            return cls(0, 0, size)
        around = max(np.ptp(rows), np.ptp(columns)) + 1 + 2 * MARGIN
        side = int(np.clip(around, _SMALLEST_CROP, size))
        top, left = ((bounds.min() + bounds.max() + 1 - side) // 2 for bounds in (rows, columns))
        return cls(int(np.clip(top, 0, size - side)), int(np.clip(left, 0, size - side)), side)

    def of(self, picture: np.ndarray, size: int) -> np.ndarray:
        """This part of a (K, K) picture of the whole grid, at (size, size); masks stay masks."""
        scale = picture.shape[0] / size
        row, column, side = (round(value * scale) for value in self)
        part = picture[row : row + side, column : column + side]
        mask = picture.dtype == bool
        large = cv2.resize(
            part.astype(np.uint8),
            (PICTURE_SIZE, PICTURE_SIZE),
            interpolation=cv2.INTER_NEAREST if mask else cv2.INTER_AREA,
        )
        return large.astype(bool) if mask else large


def truth_picture(image: np.ndarray, masks: np.ndarray, visible: np.ndarray, window: Window) -> np.ndarray:
    """The image with the amodal outlines of at most two instances; what one sees of them is tinted more strongly.

    image: (256, 256, 3) uint8. masks, visible: (n, 64, 64) bool. Returns (256, 256, 3) uint8.
    """
    canvas = _greys(image, window, masks.shape[-1])
    colors = to_rgb(TRUTH_COLORS)
    for mask, seen, color in zip(masks, visible, colors, strict=False):
        _tint(canvas, window.of(mask & ~seen, len(mask)), color, 0.16)
        _tint(canvas, window.of(seen, len(mask)), color, 0.45)
    for mask, color in zip(masks[::-1], colors[: len(masks)][::-1], strict=False):
        canvas[_outline(window.of(mask, len(mask)), 4)] = color
    return canvas


def model_picture(
    image: np.ndarray, detections: np.ndarray, others: np.ndarray, truth: np.ndarray, window: Window
) -> np.ndarray:
    """Detections filled and outlined on the faded image, `others` as grey outlines, the truth dashed.

    image: (256, 256, 3) uint8. detections, others, truth: (n, 64, 64) bool. Returns (256, 256, 3) uint8.
    """
    size = truth.shape[-1]
    canvas = 255 - (255 - _greys(image, window, size)) // 6
    for mask in others:
        canvas[_outline(window.of(mask, size), 2)] = 150
    palette = to_rgb(DETECTION_COLORS)
    colors = [palette[i % len(palette)] for i in range(len(detections))]
    for mask, color in zip(detections[::-1], colors[::-1], strict=True):
        _tint(canvas, window.of(mask, size), color, 0.4)
        canvas[_outline(window.of(mask, size), 4)] = color
    rows, columns = np.indices(canvas.shape[:2])
    dash = (rows + columns) % 16 < 9
    for mask, color in zip(truth[::-1], to_rgb(TRUTH_COLORS)[: len(truth)][::-1], strict=True):
        canvas[_outline(window.of(mask, size), 3) & dash] = color
    return canvas


def _greys(image: np.ndarray, window: Window, grid: int) -> np.ndarray:
    """The window of the image in few shades: (256, 256, 3) uint8."""
    gray = window.of(np.ascontiguousarray(image[..., 0]), grid)
    step = 255 / (_GREYS - 1)
    return np.repeat((np.round(gray / step) * step).astype(np.uint8)[..., None], 3, axis=2)


def _tint(canvas: np.ndarray, mask: np.ndarray, color: Sequence[int], strength: float) -> None:
    canvas[mask] = np.round((1 - strength) * canvas[mask] + strength * np.asarray(color)).astype(np.uint8)


def _outline(mask: np.ndarray, width: int) -> np.ndarray:
    """The `width` outermost pixels of a bool mask, the picture's border included."""
    kernel = np.ones((2 * width - 1, 2 * width - 1), np.uint8)
    return mask & ~cv2.erode(mask.astype(np.uint8), kernel, borderValue=0).astype(bool)
