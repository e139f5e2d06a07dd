import numpy as np
import pytest

from datasets.drawing import CIRCLE, RECTANGLE, TRIANGLE, draw_grid_masks, draw_image, draw_instance_map, draw_masks
from datasets.scene import GRID, Scene, SceneParameters, sample_scene


def scene(*shapes):
    """Shapes (category, x, y, angle), back to front."""
    categories, x, y, angles = zip(*shapes, strict=True)
    return Scene(np.array(categories, np.uint8), np.array([x, y], np.int32).T, np.array(angles, np.int32))


def test_circle_is_a_grown_disc_about_the_middle_of_its_box():
    (mask,) = draw_masks(scene((CIRCLE, 100, 60, 45)))
    ys, xs = np.nonzero(mask)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (99, 165, 59, 125)
    assert mask.sum() == pytest.approx(np.pi * 33**2, rel=0.02)


def test_rectangle_hangs_from_its_first_corner():
    (upright,) = draw_masks(scene((RECTANGLE, 40, 20, 0)))
    ys, xs = np.nonzero(upright)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (40, 66, 20, 225)
    (turned,) = draw_masks(scene((RECTANGLE, 40, 20, 270)))
    ys, xs = np.nonzero(turned)
    assert (xs.min(), xs.max(), ys.max()) == (40, 245, 20)


def test_triangle_area():
    (mask,) = draw_masks(scene((TRIANGLE, 90, 90, 0)))
    assert mask.sum() == pytest.approx(76.8 * 0.866 * 76.8 / 2, rel=0.06)


@pytest.mark.parametrize("category", [CIRCLE, TRIANGLE, RECTANGLE])
def test_only_the_outline_is_black_and_it_is_two_pixels_wide(category):
    drawn = scene((category, 90, 20, 345))
    image, (mask,) = draw_image(drawn), draw_masks(drawn).astype(bool)
    assert set(np.unique(image)) == {0, 255}
    assert image[mask].mean() > 128
    outside = (image == 0) & ~mask
    assert outside.sum() > 0 if category != CIRCLE else not outside.any()
    perimeter = {CIRCLE: np.pi * 64, TRIANGLE: 3 * 76.8, RECTANGLE: 2 * (25.6 + 204.8)}[category]
    assert (image == 0).sum() == pytest.approx(2 * perimeter, rel=0.06)


def test_a_later_shape_covers_the_outline_of_an_earlier_one():
    below, above = (CIRCLE, 100, 100, 0), (CIRCLE, 110, 100, 0)
    image = draw_image(scene(below, above))
    assert np.array_equal(image[:, 145:], draw_image(scene(above))[:, 145:])
    assert not np.array_equal(image, draw_image(scene(above, below)))
    assert draw_instance_map(scene(below, above))[132, 140] == 2


def test_masks_are_clipped_at_the_image_edge():
    (mask,) = draw_masks(scene((CIRCLE, 230, 230, 0)))
    assert mask[-1].any() and mask[:, -1].any() and mask.sum() < 0.5 * np.pi * 33**2


def test_grid_masks_are_samples_of_the_large_ones():
    drawn = sample_scene(SceneParameters.uniform(12), 8, 0)
    assert np.array_equal(draw_grid_masks(drawn), draw_masks(drawn)[:, GRID, GRID])


def test_instance_map_shows_the_topmost_mask():
    drawn = sample_scene(SceneParameters.uniform(12), 8, 1)
    masks = draw_masks(drawn)
    topmost = np.where(masks.any(axis=0), len(masks) - masks[::-1].argmax(axis=0), 0)
    assert np.array_equal(draw_instance_map(drawn), topmost)
