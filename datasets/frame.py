"""How an image of any size stands in the square that models see, and how masks get back from it."""

from dataclasses import dataclass

import cv2
import numpy as np

from datasets.scene import GRID, GRID_SIZE, GRID_STRIDE, IMAGE_SIZE

PADDING = 128
"""Grey of what the image leaves of the square: zero for networks that see -1 to 1."""


@dataclass(frozen=True)
class Frame:
    """Place of an image in the square of IMAGE_SIZE pixels.

    height, width: of the image in pixels. scale: pixels of the square for one of the image. top, left: of the image in
    the square, in its pixels; negative where it begins outside. flipped: whether it is mirrored left to right.
    """

    height: int
    width: int
    scale: float
    top: int = 0
    left: int = 0
    flipped: bool = False

    @classmethod
    def fitting(cls, height: int, width: int) -> "Frame":
        """The image's long side fills the square, from its top left corner on."""
        return cls(height, width, IMAGE_SIZE / max(height, width))

    @property
    def scaled_size(self) -> tuple[int, int]:
        """(height, width) of the resized image, at least one pixel each."""
        return max(1, round(self.height * self.scale)), max(1, round(self.width * self.scale))

    def image(self, image: np.ndarray) -> np.ndarray:
        """The square that a model sees. image: (H, W, 3) uint8. Returns (256, 256, 3) uint8."""
        height, width = self.scaled_size
        if (height, width) != image.shape[:2]:
            method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
            image = cv2.resize(image, (width, height), interpolation=method)
        if self.flipped:
            image = image[:, ::-1]
        square = np.full((IMAGE_SIZE, IMAGE_SIZE, 3), PADDING, np.uint8)
        top, left = max(self.top, 0), max(self.left, 0)
        part = image[max(-self.top, 0) :, max(-self.left, 0) :][: IMAGE_SIZE - top, : IMAGE_SIZE - left]
        square[top : top + part.shape[0], left : left + part.shape[1]] = part
        return square

    def masks(self, masks: np.ndarray) -> np.ndarray:
        """Masks in the square, by nearest pixel. masks: (n, H, W) bool. Returns (n, 256, 256) bool."""
        rows, rows_inside = self._sources(self.height, self.scaled_size[0], self.top)
        columns, columns_inside = self._sources(self.width, self.scaled_size[1], self.left, self.flipped)
        return masks[:, rows[:, None], columns] & rows_inside[:, None] & columns_inside

    def grid_masks(self, masks: np.ndarray) -> np.ndarray:
        """`masks` at the grid's pixels alone: (n, H, W) to (n, 64, 64) bool."""
        rows, rows_inside = self._sources(self.height, self.scaled_size[0], self.top)
        columns, columns_inside = self._sources(self.width, self.scaled_size[1], self.left, self.flipped)
        inside = rows_inside[GRID, None] & columns_inside[GRID]
        return masks[:, rows[GRID, None], columns[GRID]] & inside

    def restore(self, grid_masks: np.ndarray) -> np.ndarray:
        """Masks of the grid at the image's own size: (n, 64, 64) bool to (n, H, W) bool, by bilinear interpolation."""
        if self.flipped:
            raise ValueError("masks are restored to images that are not mirrored")
        rows = self._weights(self.height, self.scaled_size[0], self.top)
        columns = self._weights(self.width, self.scaled_size[1], self.left)
        return (
            np.stack([rows @ mask.astype(np.float32) @ columns.T >= 0.5 for mask in grid_masks])
            if len(grid_masks)
            else np.zeros((0, self.height, self.width), bool)
        )

    @staticmethod
    def _sources(
        length: int, scaled: int, start: int, flipped: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        """For each pixel along a side of the square: the image's pixel there, and whether there is one."""
        position = np.arange(IMAGE_SIZE) - start
        inside = (position >= 0) & (position < scaled)
        if flipped:
            position = scaled - 1 - position
        return np.clip(((position + 0.5) * length / scaled).astype(int), 0, length - 1), inside

    @staticmethod
    def _weights(length: int, scaled: int, start: int) -> np.ndarray:
        """(length, 64) float32: how much each grid cell along a side counts for each pixel of the image."""
        in_square = (np.arange(length) + 0.5) * scaled / length + start
        cell = np.clip((in_square - GRID_STRIDE / 2 - 0.5) / GRID_STRIDE, 0, GRID_SIZE - 1)
        return np.clip(1 - np.abs(cell[:, None] - np.arange(GRID_SIZE)), 0, None).astype(np.float32)
