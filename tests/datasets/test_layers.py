import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.layers import layers_from_masks, masks_from_layers


def test_three_overlapping_bars():
    masks = np.array([[[1, 1, 0, 0]], [[0, 1, 1, 0]], [[1, 1, 1, 0]]])
    assert layers_from_masks(masks, 4)[:, 0].tolist() == [[1, 1, 2, 0], [3, 2, 3, 0], [0, 3, 0, 0], [0, 0, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 6))
def test_each_pixel_lists_its_masks_from_the_top(seed, count, depth):
    masks = np.random.default_rng(seed).random((count, 3, 3)) < 0.3
    layers = layers_from_masks(masks, depth)
    for y in range(3):
        for x in range(3):
            stack = (np.flatnonzero(masks[:, y, x]) + 1).tolist()
            assert layers[:, y, x].tolist() == (stack + [0] * depth)[:depth]


def test_enough_layers_give_the_masks_back():
    masks = np.random.default_rng(0).random((10, 8, 8)) < 0.4
    assert np.array_equal(masks_from_layers(layers_from_masks(masks, 10), 10), masks)
    assert masks_from_layers(layers_from_masks(masks, 1), 10)[9].sum() < masks[9].sum()
