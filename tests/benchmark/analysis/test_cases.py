"""Failure cases on an 8x8 grid: which are found, in which order, and who is to blame."""

import numpy as np

from benchmark.analysis.cases import CASE_KINDS, Case, box_iou, find_cases, first_of_images
from tests.benchmark.analysis.scenes import BOTTOM, LEFT, RIGHT, SHIFTED, judge
from tests.benchmark.evaluation.cases import box

LIMITS = dict.fromkeys(CASE_KINDS, 3)


def find(instances, detections, others=None, reached=None, limits=LIMITS):
    """instances, detections, others, reached: see `judge`."""
    return find_cases(*judge(instances, detections, others, reached), limits)


def test_nothing_wrong_nothing_found():
    assert find([(1, LEFT)], [(1, LEFT, 0.9)], {"suppressed": [(1, LEFT, 0.9)]}, reached=np.ones(1)) == {}


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


def test_never_found_by_visible_part():
    """The larger one is hidden by three quarters: 8 visible pixels of 32, against 16."""
    cases = find([(1, BOTTOM, 0.75), (2, LEFT, 0.0)], [])["never found"]
    assert [case.instances for case in cases.shown] == [(1,), (0,)]


def test_beyond_layers_by_size():
    cases = find([(1, LEFT), (2, BOTTOM)], [], reached=np.zeros(2))
    assert list(cases) == ["beyond layers"]
    assert [case.instances for case in cases["beyond layers"].shown] == [(1,), (0,)]


def test_suppressed_names_what_is_gone_and_what_is_kept():
    less_suppressed = [(1, SHIFTED, 0.8), (1, LEFT, 0.9)]
    cases = find([(1, LEFT), (1, SHIFTED)], [(1, LEFT, 0.9)], {"suppressed": less_suppressed})
    assert cases["suppressed"].total == 1
    assert cases["suppressed"].shown == (Case(0, (1,), (0,), elsewhere=0),)


def test_cut_off_names_the_detection_within_wider_limits():
    cases = find([(1, LEFT), (1, RIGHT)], [(1, LEFT, 0.9)], {"cut off": [(1, LEFT, 0.9), (1, RIGHT, 0.1)]})
    assert list(cases) == ["cut off"] and cases["cut off"].shown == (Case(0, (1,), (), elsewhere=1),)


def test_first_of_images():
    places, images = np.array([4, 5, 6, 7]), np.array([1, 0, 1, 0])
    assert first_of_images(places, images, np.array([1.0, 2, 3, 2]), 5).tolist() == [6, 5]
    assert first_of_images(places, images, np.ones(4), 1).tolist() == [5]
    assert first_of_images(places[:0], images[:0], np.ones(0), 3).tolist() == []


def test_box_iou():
    assert box_iou((0, 0, 2, 2), np.array([[0, 0, 2, 2], [1, 0, 2, 2], [5, 5, 1, 1]])).tolist() == [1, 1 / 3, 0]
