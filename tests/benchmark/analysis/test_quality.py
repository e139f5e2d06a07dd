"""The examples of docs/protocol.md ("Metrics of the field"), computed."""

import numpy as np
import pytest

from benchmark.analysis.quality import Quality, calibration, calibration_error, quality
from benchmark.evaluation.evaluate import evaluate_with_matches
from benchmark.evaluation.validate import read_annotations, read_predictions
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection


def measured(annotations, predictions, visible):
    truth = read_annotations(annotations)
    found = read_predictions(predictions, truth)
    return quality(truth, visible, found, evaluate_with_matches(truth, found)[1])


def test_the_example_of_the_protocol():
    """A 2x6 bar whose right half is hidden, predicted one column too short; and a square found exactly, not hidden."""
    truth = dataset([1], [annotation(1, box(0, 0, 2, 6), 0.5), annotation(1, box(4, 0, 3, 3))])
    predictions = [
        detection(1, box(0, 0, 2, 5), 0.9),
        detection(1, box(4, 0, 3, 3), 0.7),
        detection(1, box(6, 6, 1, 1), 0.65),
    ]
    found = measured(truth, predictions, {100: box(0, 0, 2, 3), 101: box(4, 0, 3, 3)})
    assert found.mean_iou == pytest.approx((10 / 12 + 1) / 2)
    assert found.mean_iou_hidden == pytest.approx(4 / 6)
    # Bin .9: one detection, true: .1 too little. Bin .6 to .7 .65, false; bin .7 to .8: .7, true.
    assert found.calibration_error == pytest.approx((0.1 + 0.3 + 0.65) / 3)


def test_scores_that_are_right_on_the_whole():
    """Of ten detections that score .8 eight are true: nothing is wrong, although two are."""
    assert calibration_error(calibration(np.full(10, 0.8), np.arange(10) < 8)) == pytest.approx(0)
    assert calibration_error(calibration(np.array([1.0, 0.95]), np.array([True, False]))) == pytest.approx(0.475)


def test_nothing_to_measure():
    assert measured(dataset([1], []), [], {}) == Quality(None, None, None)
    unseen = measured(dataset([1], [annotation(1, box(0, 0, 2, 2))]), [detection(1, box(0, 0, 2, 2), 1.0)], {})
    assert unseen == Quality(1.0, None, 0.0)


def test_order_of_all_pairs_counts_pairs_that_are_not_found():
    """The example of the protocol: three squares overlap each other, the front two are found and ordered rightly."""
    squares = [box(0, 0, 4, 4), box(0, 1, 4, 4), box(2, 0, 4, 5)]
    truth = dataset([1], [annotation(1, square, order=place) for place, square in enumerate(squares, 1)])
    predictions = [{**detection(1, square), "order": place} for place, square in enumerate(squares[:2], 1)]
    assert measured(truth, predictions, {}).order_of_all_pairs == pytest.approx(1 / 3)
    assert measured(truth, [detection(1, squares[0])], {}).order_of_all_pairs is None  # without an order
