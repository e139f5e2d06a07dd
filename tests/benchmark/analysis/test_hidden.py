"""The example of docs/protocol.md ("Metrics of the field", AP of hidden parts), computed."""

import numpy as np
import pytest

from benchmark.analysis.hidden import HiddenPrecision, hidden_parts, hidden_precision, hidden_truth
from benchmark.evaluation.validate import read_annotations, read_predictions
from datasets.coco import decode_masks
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

BAR, LEFT, RIGHT = box(0, 0, 2, 6), box(0, 0, 2, 3), box(0, 3, 2, 3)
"""A bar whose right half lies behind a block."""

TRUTH = dataset([1], [annotation(1, BAR, 0.5, order=2), annotation(1, RIGHT, order=1)])
VISIBLE = {100: LEFT, 101: RIGHT}
SHORT = box(0, 0, 2, 5)
"""The bar as predicted, one column too short: of its hidden 2x3 pixels 2x2 are found, at an IoU of 2/3."""

AT_TWO_THIRDS = 0.4
"""Such a detection counts at the thresholds .50, .55, .60 and .65, four of ten."""


def measured(predictions, visible=VISIBLE):
    truth = read_annotations(TRUTH)
    return hidden_precision(truth, visible, read_predictions(predictions, truth))


def test_hidden_parts_follow_from_the_depth_order():
    found = measured([detection(1, SHORT, 0.9, order=2), detection(1, RIGHT, 0.7, order=1)])
    assert found == HiddenPrecision(pytest.approx(AT_TWO_THIRDS), pytest.approx(1), 1, "depth order")


def test_hidden_parts_follow_from_predicted_visible_masks_first():
    bar, block = {"visible_mask": LEFT, "order": 1}, {"visible_mask": RIGHT, "order": 1}
    found = measured([detection(1, SHORT, 0.9, **bar), detection(1, RIGHT, 0.7, **block)])
    assert found == HiddenPrecision(pytest.approx(AT_TWO_THIRDS), pytest.approx(1), 1, "visible masks")


def test_a_false_hidden_part_costs_precision():
    """A third detection scores more and reaches behind the block with a single pixel, an IoU of 1/6."""
    wrong = detection(1, box(1, 5, 4, 1), 0.95, order=3)
    found = measured([detection(1, SHORT, 0.9, order=2), detection(1, RIGHT, 0.7, order=1), wrong])
    assert found[:2] == pytest.approx((AT_TWO_THIRDS / 2, 0.5))


def test_nothing_tells_what_is_hidden():
    assert measured([detection(1, SHORT)]) == HiddenPrecision(None, None, 1, None)
    assert measured([detection(1, SHORT, order=1)], {}) == HiddenPrecision(None, None, 0, "depth order")
    assert measured([detection(1, SHORT, order=1)]) == HiddenPrecision(0.0, 0.0, 1, "depth order")


def test_an_instance_that_nobody_sees_is_hidden_whole():
    places, masks = hidden_truth(read_annotations(TRUTH), {101: RIGHT})
    assert places.tolist() == [0]
    assert list(masks) == [BAR]


def test_detections_of_one_order_and_of_other_images_hide_nothing_of_each_other():
    truth = read_annotations(dataset([1, 2], []))
    entries = [detection(2, BAR, order=2), detection(1, LEFT, order=1), detection(2, BAR, order=2)]
    parts, parts_from = hidden_parts(read_predictions(entries, truth))
    assert (len(parts.places), parts_from) == (0, "depth order")
    entries.append(detection(2, LEFT, order=1))
    (places, masks), _ = hidden_parts(read_predictions(entries, truth))
    assert places.tolist() == [0, 2]
    assert np.array_equal(decode_masks([masks[0]]), decode_masks([LEFT]))
