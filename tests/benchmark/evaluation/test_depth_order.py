"""Depth order on drawings: three 4x4 squares along the diagonal, each overlapping the next, and one apart."""

import itertools

import numpy as np
import pytest

from benchmark.evaluation.depth_order import count_order_pairs, depth_order_accuracy
from benchmark.evaluation.evaluate import evaluate
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

FRONT, MIDDLE, BACK = (box(place, place, 4, 4) for place in (0, 2, 4))
APART = box(0, 6, 2, 2)


def accuracy(images, masks, orders, predicted):
    arrays = np.array(images, int), masks, np.array(orders, int), np.array(predicted, int)
    return depth_order_accuracy(count_order_pairs(10, *arrays))


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ([1, 2, 3], 1),  # only front-middle and middle-back overlap
        ([3, 2, 1], 0),
        ([1, 3, 2], 0.5),
        ([2, 1, 3], 0.5),
        ([5, 7, 30], 1),
        ([1, 1, 2], 0.5),  # equal orders are wrong
        ([1, 1, 1], 0),
    ],
)
def test_overlapping_pairs_are_counted(predicted, expected):
    for rows in itertools.permutations(range(3)):
        masks, orders, given = (
            [column[row] for row in rows] for column in ((FRONT, MIDDLE, BACK), (1, 2, 3), predicted)
        )
        assert accuracy([0, 0, 0], masks, orders, given) == expected


def test_touching_edges_do_not_overlap():
    assert accuracy([0, 0], [box(0, 0, 4, 4), box(0, 4, 4, 4)], [1, 2], [2, 1]) is None
    assert accuracy([0, 0], [box(0, 0, 4, 4), box(3, 3, 4, 4)], [1, 2], [2, 1]) == 0


def test_instances_of_different_images_are_no_pair():
    assert accuracy([0, 1], [FRONT, MIDDLE], [1, 2], [2, 1]) is None
    images, masks = [4, 2, 4, 2], [FRONT, FRONT, MIDDLE, MIDDLE]
    assert accuracy(images, masks, [1, 1, 2, 2], [1, 2, 2, 1]) == 0.5
    pairs = count_order_pairs(5, np.array(images), masks, np.array([1, 1, 2, 2]), np.array([1, 2, 2, 1]))
    assert pairs.tolist() == [[0, 0, 0, 0, 1], [0, 0, 1, 0, 1]]


def test_nothing_matched_gives_none():
    assert accuracy([], [], [], []) is None
    assert accuracy([0], [FRONT], [1], [1]) is None


TRUTH = dataset(
    [1, 2],
    [
        annotation(1, FRONT, 0.0, 1),
        annotation(1, MIDDLE, 0.25, 2),
        annotation(1, BACK, 0.25, 3),
        annotation(1, APART, 0.0, 4),
        annotation(2, FRONT, 0.0, 1),
        annotation(2, MIDDLE, 0.25, 2),
    ],
)


def test_evaluator_pairs_matched_instances_only():
    detections = [
        detection(1, BACK, 0.9, order=3),
        detection(1, MIDDLE, 0.8, order=1),
        detection(1, box(0, 0, 2, 4), 0.7, order=2),  # FRONT at IoU .5 exactly: matched
        detection(1, APART, 0.6, order=1),
        detection(2, box(2, 2, 2, 3), 0.9, order=1),  # MIDDLE at IoU .375: not matched
        detection(2, FRONT, 0.8, order=2),
    ]
    metrics = evaluate(TRUTH, detections)
    assert list(metrics)[-1] == "order_accuracy"
    assert metrics["order_accuracy"] == 0.5
    assert type(metrics["order_accuracy"]) is float


def test_key_is_absent_without_predicted_order_and_none_without_pairs():
    assert "order_accuracy" not in evaluate(TRUTH, [detection(1, FRONT), detection(1, MIDDLE)])
    assert "order_accuracy" not in evaluate(TRUTH, [])
    assert evaluate(TRUTH, [detection(1, FRONT, order=1)])["order_accuracy"] is None


def test_random_scenes_equal_a_literal_count():
    random = np.random.default_rng(1)
    places = random.integers(0, 5, (60, 2)).tolist()
    masks = [box(row, column, 3, 3) for row, column in places]
    images, orders, predicted = np.arange(60) % 4, random.permutation(60), random.integers(0, 30, 60)
    right = total = 0
    for i, j in itertools.permutations(range(60), 2):
        apart = max(abs(a - b) for a, b in zip(places[i], places[j], strict=True)) >= 3
        if images[i] == images[j] and not apart and orders[i] < orders[j]:
            total += 1
            right += predicted[i] < predicted[j]
    assert accuracy(images, masks, orders, predicted) == right / total
