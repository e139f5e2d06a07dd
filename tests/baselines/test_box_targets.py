import pickle

import numpy as np
import pytest

from baselines.box_targets import boxes_of_masks, render_boxes
from datasets.render import render_masks
from datasets.scene import SceneParameters, sample_scene


@pytest.fixture
def scene():
    return sample_scene(SceneParameters((2, 2, 2)), seed=7, index=0)


def test_boxes_touch_the_outermost_pixels():
    masks = np.zeros((2, 4, 6), bool)
    masks[0, 1, 2] = True
    masks[1, 0, 5] = masks[1, 3, 1] = True
    assert boxes_of_masks(masks).tolist() == [[2, 1, 3, 2], [1, 0, 6, 4]]


def test_a_scene_keeps_its_amodal_masks_and_categories(scene):
    sample, expected = render_boxes(scene), render_masks(scene)
    np.testing.assert_array_equal(sample.masks, expected.masks)
    np.testing.assert_array_equal(sample.image, expected.image)
    np.testing.assert_array_equal(sample.categories, expected.categories)
    for (x0, y0, x1, y1), mask in zip(sample.boxes.astype(int), sample.masks, strict=True):
        assert mask[y0:y1, x0:x1].sum() == mask.sum()


def test_travels_between_processes_packed(scene):
    sample = render_boxes(scene)
    data = pickle.dumps(sample)
    assert len(data) < sample.image.nbytes + sample.masks.nbytes / 7
    np.testing.assert_array_equal(pickle.loads(data).masks, sample.masks)
