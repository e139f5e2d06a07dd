import cv2
import numpy as np
import pytest

from benchmark.report.pictures.colors import to_rgb
from benchmark.report.pictures.paint import (
    INSTANCE_COLORS,
    encode_png,
    instance_colors,
    paint_instances,
    paint_labels,
)
from benchmark.report.sections.scenes import sample_panels
from datasets.scene import Scene

CIRCLE, RECTANGLE = 1, 3


@pytest.fixture
def circle_over_rectangle() -> Scene:
    """An upright rectangle with a circle on its middle."""
    return Scene(
        np.array([RECTANGLE, CIRCLE], np.uint8), np.array([[100, 20], [80, 80]], np.int32), np.zeros(2, np.int32)
    )


def colors_in(image):
    opaque = image[image[..., 3] > 0][:, :3]
    return {tuple(color) for color in opaque.tolist()}


def test_sample_panels_are_the_papers_five(circle_over_rectangle):
    panels = sample_panels(circle_over_rectangle)
    assert [panel.caption for panel in panels] == [
        "Input image",
        "Foreground class mask",
        "Occlusion class mask",
        "Foreground instance mask",
        "Occlusion instance mask",
    ]
    image, *masks = [panel.image for panel in panels]
    assert image.shape == (256, 256)
    border = {(20, 20, 20)}
    foreground_classes, hidden_classes, foreground, hidden = (colors_in(mask) - border for mask in masks)
    assert len(foreground_classes) == len(foreground) == 2
    # behind the circle lies only the rectangle, in the colour that it has in front
    assert len(hidden_classes) == len(hidden) == 1
    assert hidden_classes < foreground_classes and hidden < foreground


def test_touching_instances_have_different_colors():
    """A row of nine stripes: neighbours touch, others do not."""
    masks = np.zeros((9, 64, 64), bool)
    for i, mask in enumerate(masks):
        mask[:, 7 * i : 7 * i + 7] = True
    colors = instance_colors(masks)
    assert (colors[1:] != colors[:-1]).any(axis=1).all()


def test_ten_instances_on_one_pixel_use_the_whole_palette():
    colors = instance_colors(np.ones((len(INSTANCE_COLORS), 8, 8), bool))
    assert len(np.unique(colors, axis=0)) == len(INSTANCE_COLORS)
    assert instance_colors(np.ones((25, 8, 8), bool)).shape == (25, 3)
    assert instance_colors(np.zeros((0, 8, 8), bool)).shape == (0, 3)


def test_paint_labels_marks_borders_and_leaves_background_clear():
    labels = np.zeros((64, 64), int)
    labels[:, 32:] = 1
    painted = paint_labels(labels, to_rgb(["#ff0000"]))
    assert painted[0, 0].tolist() == [0, 0, 0, 0]
    assert painted[0, 128].tolist() == [20, 20, 20, 255]
    assert painted[0, 255].tolist() == [255, 0, 0, 255]


def test_paint_instances_shows_hidden_outlines_over_what_is_in_front():
    front, back = np.zeros((2, 64, 64), bool)
    front[10:40, 10:40] = True
    back[20:50, 20:50] = True
    painted = paint_instances(np.stack([front, back]), to_rgb(["#ff0000", "#0000ff"]))
    # the back's outline at the front's inside keeps its colour, the pixel beside it is the front's tint
    assert painted[4 * 20, 4 * 30].tolist() == [0, 0, 255, 255]
    assert painted[4 * 30, 4 * 30].tolist() == [255, 170, 170, 255]
    assert painted[0, 0, 3] == 0
    assert not paint_instances(np.zeros((0, 64, 64), bool), np.zeros((0, 3), np.uint8)).any()


@pytest.mark.parametrize("count", [1, 2, 3, 16, 17, 256, 257])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_png_keeps_every_pixel(count, channels):
    """With a palette of 1, 2, 4 or 8 bits, and without one."""
    count = min(count, 256 if channels == 0 else count)
    colors = np.stack(
        [np.arange(count) % 256, np.arange(count) // 256, np.arange(count)[::-1] % 256, 255 - np.arange(count) % 2], 1
    )
    image = colors.astype(np.uint8)[np.arange(19 * 23).reshape(19, 23) % count]
    image = image[..., 0] if channels == 0 else image[..., :channels]
    decoded = cv2.imdecode(np.frombuffer(encode_png(np.ascontiguousarray(image)), np.uint8), cv2.IMREAD_UNCHANGED)
    decoded = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA)
    assert (decoded[..., 0] == image).all() if channels == 0 else (decoded[..., :channels] == image).all()
    assert channels == 4 or (decoded[..., 3] == 255).all()
