"""Instances from layers of classes and labels: masks, scores, depth order."""

import numpy as np
import pytest
import torch

from embedding_model.instances import (
    PAPER,
    InstanceSettings,
    cluster_pixels,
    depth_order,
    dissolve_fragments,
    front_votes,
    instances,
)

TUNED = InstanceSettings()


def two_layers():
    """A circle (category 1) covers columns 0 to 31 in front; a rectangle (3) runs behind it from column 16 to 63.

    Its right part is in front where the circle ends. Rows 20 to 39 only.
    """
    classes = np.zeros((2, 64, 64), np.int64)
    labels = np.full((2, 64, 64), -1)
    rows = slice(20, 40)
    classes[0, rows, :32], labels[0, rows, :32] = 1, 0
    classes[0, rows, 32:], labels[0, rows, 32:] = 3, 0
    classes[1, rows, 16:32], labels[1, rows, 16:32] = 3, 0
    return classes, labels


def one_hot(classes):
    return (classes[:, None] == np.arange(4)[:, None, None]).astype(np.float32)


def embeddings_of(classes, channels=2):
    return np.repeat(5.0 * classes[:, None], channels, axis=1).astype(np.float32)


def test_an_instance_is_the_union_over_layers():
    classes, labels = two_layers()
    found = instances(classes, labels, one_hot(classes), embeddings_of(classes), PAPER)
    assert found.categories.tolist() == [1, 3]
    assert found.scores.tolist() == [1.0, 1.0]
    assert found.order.tolist() == [1, 2]
    columns = found.masks[:, 30]
    assert columns[0].tolist() == [True] * 32 + [False] * 32
    assert columns[1].tolist() == [False] * 16 + [True] * 48
    assert found.masks.sum(axis=(1, 2)).tolist() == [20 * 32, 20 * 48]


def test_paper_score_is_the_mean_probability_over_the_pixels_of_all_layers():
    classes, labels = two_layers()
    probabilities = one_hot(classes)
    probabilities[1, 3] *= 0.5  # the hidden part of the rectangle, 16 of its 48 columns
    found = instances(classes, labels, probabilities, embeddings_of(classes), PAPER)
    assert found.scores == pytest.approx([1.0, (32 + 0.5 * 16) / 48])


def test_tuned_score_falls_with_area_and_spread():
    classes, labels = two_layers()
    classes[0, 0, :10], labels[0, 0, :10] = 1, 1  # a fragment of ten pixels
    embeddings = embeddings_of(classes)
    found = instances(classes, labels, one_hot(classes), embeddings, TUNED)
    circle, fragment, rectangle = found.scores
    assert fragment < 0.5 * circle
    embeddings[1, 0] += 1.0  # the two layers of the rectangle no longer agree
    loose = instances(classes, labels, one_hot(classes), embeddings, TUNED)
    assert loose.scores[2] < rectangle
    assert loose.scores[0] == circle


def test_fragments_dissolve_into_the_instance_that_explains_them():
    """Part of the hidden rectangle is taken for a triangle, and part of the circle drifts off in the embedding."""
    classes, labels = two_layers()
    truth, embeddings = classes.copy(), embeddings_of(classes)
    classes[1, 20:26, 16], labels[1, 20:26, 16] = 2, 0
    labels[0, 20, :5] = 1
    embeddings[0, :, 20, :5] += 0.6
    probabilities = 0.6 * one_hot(classes) + 0.4 * one_hot(truth)
    evidence = probabilities, embeddings, TUNED
    assert instances(classes, labels, *evidence).categories.tolist() == [1, 1, 2, 3]
    mended = instances(*dissolve_fragments(classes, labels, *evidence), *evidence)
    assert mended.categories.tolist() == [1, 3]
    assert mended.masks.sum(axis=(1, 2)).tolist() == [20 * 32, 20 * 48]


def test_small_instances_are_dropped():
    classes, labels = two_layers()
    classes[0, 0, :4], labels[0, 0, :4] = 2, 0
    classes[0, 2, :5], labels[0, 2, :5] = 2, 1
    found = instances(classes, labels, one_hot(classes), embeddings_of(classes), PAPER)
    assert found.categories.tolist() == [1, 2, 3]
    assert sorted(found.order.tolist()) == [1, 2, 3]


def test_an_empty_image():
    classes = np.zeros((2, 64, 64), np.int64)
    evidence = one_hot(classes), embeddings_of(classes), TUNED
    found = instances(*dissolve_fragments(classes, classes - 1, *evidence), *evidence)
    assert found.masks.shape == (0, 64, 64)
    assert found.scores.shape == found.categories.shape == found.order.shape == (0,)


def test_votes_count_pairs_of_layers():
    numbers = np.full((3, 64, 64), -1)
    numbers[:, 0, 0] = [2, 0, 1]
    numbers[:2, 0, 1] = [2, 2]  # an instance is not in front of itself
    assert front_votes(numbers, 3).tolist() == [[0, 1, 0], [0, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize("seed", range(5))
def test_order_agrees_with_consistent_votes(seed):
    generator = np.random.default_rng(seed)
    truth = generator.permutation(12)
    votes = generator.integers(0, 9, (12, 12)) * (truth[:, None] < truth)
    order = depth_order(votes)
    assert sorted(order) == list(range(1, 13))
    front, behind = np.nonzero(votes)
    assert (order[front] < order[behind]).all()


def test_order_of_contradicting_votes_follows_the_weight():
    votes = np.zeros((3, 3), int)
    votes[0, 1], votes[1, 2], votes[2, 0] = 5, 4, 1  # a circle; the weakest link gives way
    assert depth_order(votes).tolist() == [1, 2, 3]


def test_pixels_of_a_class_are_clustered_over_all_layers():
    classes, labels = two_layers()
    embeddings = np.zeros((2, 3, 64, 64), np.float32)  # circle and rectangle alike: their classes tell them apart
    batch = torch.from_numpy(np.stack([classes, np.zeros_like(classes)]))
    found = cluster_pixels(batch, torch.from_numpy(np.stack([embeddings, embeddings])), TUNED)
    assert np.array_equal(found[0], labels)
    assert (found[1] == -1).all()
