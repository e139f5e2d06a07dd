"""Drawing a scene with OpenCV (docs/protocol.md "Scenes and images": size, outlines and masks)."""

import math

import cv2
import numpy as np

from datasets.scene import GRID, GRID_SIZE, IMAGE_SIZE, Scene

# Worker processes share the cores. Not set in each of them: a forked child that ends the OpenCV threads of its parent
# waits for ever.
cv2.setNumThreads(1)

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

# Corners relative to the first one, before rotation, by category; the triangle repeats its last corner.
_TRIANGLE = np.array([(0, 0), (1, 0), (0.5, 0.866), (0.5, 0.866)]) * TRIANGLE_SIDE
_RECTANGLE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * RECTANGLE_SIDES


def _outlines(offset: float) -> np.ndarray:
    """Corners of all categories with every edge moved out by `offset` pixels: (categories + 1, 4, 2)."""
    outlines = np.zeros((4, 4, 2))
    centroid, inradius = _TRIANGLE[:3].mean(axis=0), TRIANGLE_SIDE * 0.866 / 3
    outlines[TRIANGLE] = centroid + (_TRIANGLE - centroid) * (1 + offset / inradius)
    outlines[RECTANGLE] = _RECTANGLE + offset * np.sign(_RECTANGLE - _RECTANGLE.mean(axis=0))
    return outlines


# OpenCV paints the pixels that an edge runs through too, half a pixel more on each side. OpenCV's own lines of width 2
# come out 3 pixels wide, so a line is drawn as the difference of two polygons, like the circle's of two discs.
_BORDER = 0.5
_NOMINAL = _outlines(0)
_LINE_OUTSIDE = _outlines(LINE_WIDTH / 2 - _BORDER)
_LINE_INSIDE = _outlines(-LINE_WIDTH / 2 - _BORDER)


def draw_image(scene: Scene) -> np.ndarray:
    """The picture a model sees: (256, 256) uint8, 0 on outlines and 255 elsewhere."""
    image = np.full((IMAGE_SIZE, IMAGE_SIZE), BACKGROUND, np.uint8)
    for outside, inside in zip(
        _shapes(scene, _LINE_OUTSIDE, LINE_WIDTH // 2), _shapes(scene, _LINE_INSIDE, -LINE_WIDTH // 2), strict=True
    ):
        _fill(image, outside, OUTLINE)
        _fill(image, inside, BACKGROUND)
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
    category, polygon, centre, radius = shape
    if category == CIRCLE:
        cv2.circle(canvas, centre, radius, value, cv2.FILLED)
    else:
        cv2.fillConvexPoly(canvas, polygon, value, shift=SHIFT)


def _shapes(scene: Scene, outlines: np.ndarray = _NOMINAL, growth: int = LINE_WIDTH // 2) -> list[tuple]:
    """Per shape its category, polygon in fixed point (4, 2) int32, circle centre and radius in pixels.

    A circle's mask is its disc grown by half the line; a polygon's is the nominal one.
    """
    corners = outlines[scene.categories]
    cos, sin = _TURNS[scene.angles].T[..., None]
    x, y = corners[..., 0], corners[..., 1]
    rotated = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
    polygons = np.rint((scene.corners[:, None] + rotated) * 2**SHIFT).astype(np.int32)
    centres = map(tuple, (scene.corners + CIRCLE_DIAMETER // 2).tolist())
    radius = CIRCLE_DIAMETER // 2 + growth
    return [
        (category, polygon, centre, radius)
        for category, polygon, centre in zip(scene.categories.tolist(), polygons, centres, strict=True)
    ]
