"""The speed table: both sides do the same work, and the table says which is faster."""

import numpy as np

from benchmark import speed
from datasets.render import render_layers
from datasets.scene import sample_scene


def test_pillow_draws_the_same_scenes_but_for_borders():
    scene = sample_scene(speed.SCENES, 3, 0)
    ours, (image, layers) = render_layers(scene, 2), speed._draw_with_pillow(scene, 2)
    assert np.mean((image < 128) != (ours.image < 128)) < 0.05
    for layer in range(2):
        assert np.mean((layers[layer] > 0) != (ours.layers[layer] > 0)) < 0.05


def test_both_clusterings_find_the_same_groups():
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], np.float32)
    embeddings = centres[np.arange(60) % 3] + 0.01 * np.random.default_rng(0).random((60, 2), np.float32)
    assert len(np.unique(speed._mean_shift(embeddings, 1.5))) == 3


def test_the_table(capsys):
    text = speed.speed_table([speed.Comparison("Work", 0.001, "another tool", 0.004)], (12.5, 0.25))
    assert "| Work | 1.0 ms | another tool | 4.0 ms | 4.00 |" in text
    assert "12.5 images per second" in text and "25 % of the machine" in text
