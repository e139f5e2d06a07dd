"""Drawing a scene with OpenCV (protocol "Scenes and images": size, outlines and masks)."""

import math

import cv2
import numpy as np

from datasets.scene import GRID, GRID_SIZE, IMAGE_SIZE, Scene

CIRCLE, TRIANGLE, RECTANGLE = 1, 2, 3
CIRCLE_DIAMETER = IMAGE_SIZE // 4
TRIANGLE_SIDE = 0.3 * IMAGE_SIZE
RECTANGLE_SIDES = (0.1 * IMAGE_SIZE, 0.8 * IMAGE_SIZE)
LINE_WIDTH = int(0.01 * IMAGE_SIZE)
BACKGROUND, OUTLINE = 255, 0

SHIFT = 4
"""Corners are drawn at a precision of 2**-SHIFT pixels."""

# Rounded far below the drawing precision, so that a C library that is off by one bit draws the same pixels.
_TURNS = np.round([(math.cos(math.radians(a)), math.sin(math.radians(a))) for a in range(360)], 12)

# Corners relative to the first one, before rotation; the triangle repeats its last corner.
_TRIANGLE_HEIGHT = 0.866 * TRIANGLE_SIDE
_OUTLINES = np.zeros((4, 4, 2))
_OUTLINES[TRIANGLE] = [(0, 0), (TRIANGLE_SIDE, 0), (TRIANGLE_SIDE / 2, _TRIANGLE_HEIGHT)] + [
    (TRIANGLE_SIDE / 2, _TRIANGLE_HEIGHT)
]
_OUTLINES[RECTANGLE] = [(0, 0), (RECTANGLE_SIDES[0], 0), RECTANGLE_SIDES, (0, RECTANGLE_SIDES[1])]


def draw_image(scene: Scene) -> np.ndarray:
    """The picture a model sees: (256, 256) uint8, 0 on outlines and 255 elsewhere."""
    image = np.full((IMAGE_SIZE, IMAGE_SIZE), BACKGROUND, np.uint8)
    for category, polygon, centre in _shapes(scene):
        if category == CIRCLE:
            cv2.circle(image, centre, CIRCLE_DIAMETER // 2 + 1, OUTLINE, cv2.FILLED)
            cv2.circle(image, centre, CIRCLE_DIAMETER // 2 - 1, BACKGROUND, cv2.FILLED)
        else:
            cv2.fillConvexPoly(image, polygon, BACKGROUND, shift=SHIFT)
            cv2.polylines(image, [polygon], True, OUTLINE, LINE_WIDTH, shift=SHIFT)
    return image


def draw_masks(scene: Scene) -> np.ndarray:
    """Amodal masks in draw order, clipped at the image edge: (N, 256, 256) uint8 of 0 and 1."""
    masks = np.zeros((len(scene.categories), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for mask, shape in zip(masks, _shapes(scene), strict=True):
        _fill(mask, shape, 1)
    return masks


def draw_grid_masks(scene: Scene) -> np.ndarray:
    """`draw_masks` sampled to the evaluation grid: (N, 64, 64) uint8, without ever holding the large masks."""
    masks = np.empty((len(scene.categories), GRID_SIZE, GRID_SIZE), np.uint8)
    canvas = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for mask, shape in zip(masks, _shapes(scene), strict=True):
        _fill(canvas, shape, 1)
        mask[:] = canvas[GRID, GRID]
        _fill(canvas, shape, 0)
    return masks


def draw_instance_map(scene: Scene) -> np.ndarray:
    """What is seen at each pixel: (256, 256) uint8, 0 for background, else the position in draw order plus one."""
    instance_map = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    for number, shape in enumerate(_shapes(scene), start=1):
        _fill(instance_map, shape, number)
    return instance_map


def _fill(canvas: np.ndarray, shape: tuple, value: int) -> None:
    category, polygon, centre = shape
    if category == CIRCLE:
        cv2.circle(canvas, centre, CIRCLE_DIAMETER // 2 + 1, value, cv2.FILLED)
    else:
        cv2.fillConvexPoly(canvas, polygon, value, shift=SHIFT)


def _shapes(scene: Scene) -> list[tuple[int, np.ndarray, tuple[int, int]]]:
    """Per shape its category, polygon in fixed point (4, 2) int32, and circle centre in pixels."""
    outlines = _OUTLINES[scene.categories]
    cos, sin = _TURNS[scene.angles].T[..., None]
    rotated = np.stack(
        [cos * outlines[..., 0] - sin * outlines[..., 1], sin * outlines[..., 0] + cos * outlines[..., 1]], -1
    )
    polygons = np.rint((scene.corners[:, None] + rotated) * 2**SHIFT).astype(np.int32)
    centres = scene.corners + CIRCLE_DIAMETER // 2
    return list(zip(scene.categories.tolist(), polygons, map(tuple, centres.tolist()), strict=True))
