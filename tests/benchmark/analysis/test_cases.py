"""Failure cases on an 8x8 grid: which are found, in which order, and who is to blame."""

import numpy as np
import pytest

from benchmark.analysis.cases import CASE_KINDS, Case, Matched, box_iou, find_cases, first_of_images, reached_shares
from benchmark.analysis.errors import find_errors
from benchmark.evaluation.evaluate import evaluate_with_matches
from benchmark.evaluation.validate import read_annotations, read_predictions
from datasets.layers import layers_from_masks
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

LEFT, RIGHT = box(0, 0, 4, 4), box(0, 4, 4, 4)
BOTTOM = box(4, 0, 4, 8)
LIMITS = dict.fromkeys(CASE_KINDS, 3)


def find(instances, detections, unfiltered=None, reached=None, limits=LIMITS):
    """instances: (image, mask) or (image, mask, rate). detections, unfiltered: (image, mask, score)."""
    truth = dataset(sorted({image for image, *_ in instances}), [annotation(*instance) for instance in instances])
    ground_truth = read_annotations(truth)

    def matched(found):
        found = [detection(*one) for one in found]
        return Matched(read_predictions(found, ground_truth), evaluate_with_matches(truth, found)[1])

    shown = matched(detections)
    errors = find_errors(ground_truth, *shown)
    return find_cases(ground_truth, shown, errors, limits, unfiltered and matched(unfiltered), reached)


def test_nothing_wrong_nothing_found():
    assert find([(1, LEFT)], [(1, LEFT, 0.9)], unfiltered=[(1, LEFT, 0.9)], reached=np.ones(1)) == {}


def test_merged_names_both_instances_and_the_mask():
    cases = find([(1, LEFT), (1, RIGHT)], [(1, box(0, 0, 4, 7), 0.9)])
    assert list(cases) == ["merged"]
    assert cases["merged"].shown == (Case(0, (1, 0), (0,)),)  # the right one is not found, the left one is


def test_split_names_all_pieces_best_first():
    cases = find([(1, BOTTOM)], [(1, box(4, 0, 4, 3), 0.3), (1, box(4, 5, 4, 3), 0.8)])
    assert cases["split"].shown == (Case(0, (0,), (1, 0)),)


def test_duplicate_names_the_match_first():
    cases = find([(1, LEFT)], [(1, box(0, 0, 3, 4), 0.3), (1, LEFT, 0.8)])
    assert list(cases) == ["duplicate"] and cases["duplicate"].shown == (Case(0, (0,), (1, 0)),)


def test_poor_masks_by_score_one_an_image():
    instances = [(1, LEFT), (1, BOTTOM), (2, LEFT), (3, LEFT)]
    poor = [(1, box(0, 0, 1, 4), 0.7), (1, box(4, 0, 1, 8), 0.9), (2, box(0, 0, 1, 4), 0.8), (3, box(0, 0, 1, 4), 0.9)]
    cases = find(instances, poor)["poor mask"]
    assert cases.total == 4
    assert [case.instances for case in cases.shown] == [(1,), (3,), (2,)]  # of equal scores the earlier image
    assert len(find(instances, poor, limits=LIMITS | {"poor mask": 2})["poor mask"].shown) == 2


def test_missed_by_visible_part():
    """The larger one is hidden by three quarters: 8 visible pixels of 32, against 16."""
    cases = find([(1, BOTTOM, 0.75), (2, LEFT, 0.0)], [])["missed"]
    assert [case.instances for case in cases.shown] == [(1,), (0,)]


def test_beyond_layers_needs_both():
    """A stack of three squares, each within the one in front, in two layers: only the third lies beyond."""
    stack = [(1, LEFT), (1, box(0, 0, 4, 3)), (1, box(0, 0, 3, 3))]
    masks = np.zeros((3, 8, 8), bool)
    masks[0, :4, :4] = masks[1, :4, :3] = masks[2, :3, :3] = True
    reached = reached_shares(layers_from_masks(masks, 2), masks.sum(axis=(1, 2)))
    assert reached.tolist() == [1, 1, 0]
    detections = [(*instance, 0.9) for instance in stack]
    assert find(stack, detections[:2], reached=reached)["beyond layers"].shown == (Case(0, (2,)),)
    assert find(stack, detections, reached=reached) == {}
    assert "beyond layers" not in find(stack, detections[:2], reached=np.ones(3))


SHIFTED = box(0, 1, 4, 4)
"""Overlaps LEFT by 12 of 20 pixels."""


def test_suppressed_is_found_before_and_gone_after():
    instances = [(1, LEFT), (1, SHIFTED)]
    cases = find(instances, [(1, LEFT, 0.9)], unfiltered=[(1, SHIFTED, 0.8), (1, LEFT, 0.9)])
    assert cases["suppressed"].total == 1
    assert cases["suppressed"].shown == (Case(0, (1,), (0,), removed=0),)


@pytest.mark.parametrize(
    ("unfiltered", "why"),
    [
        ([(1, LEFT, 0.9)], "was not found before either"),
        ([(1, LEFT, 0.9), (1, LEFT, 0.8)], "what was removed is a second mask of the other instance"),
    ],
)
def test_not_suppressed(unfiltered, why):
    assert "suppressed" not in find([(1, LEFT), (1, SHIFTED)], [(1, LEFT, 0.9)], unfiltered), why


def test_a_detection_that_now_matches_another_instance_was_not_removed():
    """Before, the second detection took the second instance; the first one's has gone, so that it takes the first."""
    middle = box(0, 1, 4, 3)
    before = [(1, LEFT, 0.9), (1, middle, 0.8)]
    cases = find([(1, LEFT), (1, SHIFTED)], before[1:], unfiltered=before)
    removed = [case.removed for case in cases["suppressed"].shown] if "suppressed" in cases else []
    assert 1 not in removed


def test_first_of_images():
    places, images = np.array([4, 5, 6, 7]), np.array([1, 0, 1, 0])
    assert first_of_images(places, images, np.array([1.0, 2, 3, 2]), 5).tolist() == [6, 5]
    assert first_of_images(places, images, np.ones(4), 1).tolist() == [5]
    assert first_of_images(places[:0], images[:0], np.ones(0), 3).tolist() == []


def test_box_iou():
    assert box_iou((0, 0, 2, 2), np.array([[0, 0, 2, 2], [1, 0, 2, 2], [5, 5, 1, 1]])).tolist() == [1, 1 / 3, 0]
