"""Images of any size in the square that models see, and masks back from it."""

import numpy as np
import pytest

from datasets.frame import PADDING, Frame
from datasets.scene import GRID


def disc(height, width):
    y, x = np.ogrid[:height, :width]
    return (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2


def iou(first, second):
    return (first & second).sum() / (first | second).sum()


def test_a_scene_is_its_own_square():
    frame = Frame.fitting(256, 256)
    image = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    mask = disc(256, 256)[None]
    assert np.array_equal(frame.image(image), image) and np.array_equal(frame.masks(mask), mask)
    assert np.array_equal(frame.grid_masks(mask), mask[:, GRID, GRID])
    assert iou(frame.restore(mask[:, GRID, GRID]), mask) > 0.97


@pytest.mark.parametrize(("height", "width"), [(375, 1242), (640, 480), (40, 50), (1, 3)])
def test_masks_come_back_where_they_were(height, width):
    frame = Frame.fitting(height, width)
    mask = disc(height, width)[None]
    square = frame.masks(mask)
    assert square.shape == (1, 256, 256)
    assert np.array_equal(square[:, GRID, GRID], frame.grid_masks(mask))
    back = frame.restore(frame.grid_masks(mask))
    assert back.shape == mask.shape
    assert not mask.any() or height < 5 or iou(back, mask) > 0.85


def test_image_keeps_its_shape_and_begins_at_the_top_left():
    image = np.full((100, 200, 3), 7, np.uint8)
    square = Frame.fitting(100, 200).image(image)
    assert (square[:128] == 7).all() and (square[128:] == PADDING).all()


def test_scaled_placed_and_mirrored_image_and_masks_agree():
    image = np.zeros((60, 80, 3), np.uint8)
    image[10:30, 5:25] = 255
    mask = image[None, ..., 0] > 0
    for top, left in ((20, 30), (-12, -9), (200, -20)):
        frame = Frame(60, 80, 2.5, top, left, flipped=True)
        square, inside = frame.image(image), frame.masks(mask)[0]
        outside = ~frame.masks(np.ones_like(mask))[0]
        assert (square[outside] == PADDING).all()
        assert (square[inside] > 60).all() and (square[~inside & ~outside] < 156).all()
    with pytest.raises(ValueError, match="not mirrored"):
        frame.restore(np.zeros((1, 64, 64), bool))
