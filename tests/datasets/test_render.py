import numpy as np

from datasets.drawing import CIRCLE, RECTANGLE, TRIANGLE
from datasets.layers import layers_from_masks
from datasets.render import render_layers, render_masks
from datasets.scene import GRID, SceneParameters, sample_scene
from tests.datasets.test_drawing import scene


def test_layers_and_categories_run_from_front_to_back():
    sample = render_layers(scene((CIRCLE, 100, 100, 0), (TRIANGLE, 110, 110, 0)), 3)
    assert sample.categories.tolist() == [TRIANGLE, CIRCLE]
    inside_both = (32, 32)
    assert sample.layers[(slice(None), *inside_both)].tolist() == [1, 2, 0]
    assert sample.category_layers[(slice(None), *inside_both)].tolist() == [TRIANGLE, CIRCLE, 0]


def test_a_shape_hidden_at_full_resolution_takes_no_layer():
    hidden = scene((RECTANGLE, 10, 10, 0), (CIRCLE, 100, 100, 0), (CIRCLE, 100, 100, 0))
    sample = render_layers(hidden, 3)
    assert sample.categories.tolist() == [CIRCLE, RECTANGLE]
    assert sample.layers.max() == 2
    assert not (sample.layers[1] == 1).any()
    assert render_masks(hidden).categories.tolist() == [CIRCLE, RECTANGLE]


def test_a_shape_seen_between_grid_points_only_becomes_background_in_its_layer():
    """The lower circle shows a rim one pixel wide, in column 99: no column of the grid (2, 6, ..., 98, 102)."""
    almost_hidden = scene((RECTANGLE, 120, 10, 0), (CIRCLE, 100, 100, 0), (CIRCLE, 101, 100, 0))
    mask_sample = render_masks(almost_hidden)
    sample = render_layers(almost_hidden, 3)
    assert sample.categories.tolist() == [CIRCLE, RECTANGLE]
    # circle, dropped circle, rectangle: the rectangle stays in the third layer
    assert sample.layers[:, 32, 32].tolist() == [1, 0, 2]
    assert len(mask_sample.masks) == 2
    assert set(np.unique(mask_sample.instance_map)) == {0, 1, 2}
    assert mask_sample.instance_map[132, 99] == 0


def test_both_renderings_agree():
    for index in range(30):
        drawn = sample_scene(SceneParameters.uniform(12), 4, index)
        layered, masks = render_layers(drawn, 4), render_masks(drawn)
        assert np.array_equal(layered.image, masks.image)
        assert np.array_equal(layered.categories, masks.categories)
        assert np.array_equal(layered.layers[0], masks.instance_map[GRID, GRID])
        restacked = layers_from_masks(masks.masks[:, GRID, GRID], 4)
        dropped = (layered.layers == 0) & (restacked > 0)
        assert (layered.layers == restacked)[~dropped].mean() > 0.99


def test_every_instance_is_visible_on_the_grid():
    for index in range(30):
        sample = render_layers(sample_scene(SceneParameters.uniform(12), 4, index), 2)
        assert set(np.unique(sample.layers[0])) - {0} == set(range(1, len(sample.categories) + 1))
