"""Why instances are not found, on an 8x8 grid: each rule, and which comes first."""

import numpy as np
import pytest

from benchmark.analysis.reasons import REASONS, reached_shares
from datasets.layers import layers_from_masks
from tests.benchmark.analysis.scenes import BOTTOM, LEFT, RIGHT, SHIFTED, judge
from tests.benchmark.evaluation.cases import box


def reasons(*scene, **options) -> list[str]:
    """The reason of each instance, "found" if it is."""
    *_, found, _ = judge(*scene, **options)
    return [(*REASONS, "found")[reason] for reason in found.reason]


def test_the_kinds_of_errors():
    """The first is found by a mask that swallows the second; of the third there are two pieces, of the fourth one."""
    instances = [(1, LEFT), (1, RIGHT), (2, BOTTOM), (3, BOTTOM), (4, LEFT)]
    pieces = [(2, box(4, 0, 4, 3), 0.3), (2, box(4, 5, 4, 3), 0.8), (3, box(4, 0, 4, 2), 0.5)]
    detections = [(1, box(0, 0, 4, 7), 0.9), *pieces]
    assert reasons(instances, detections) == ["found", "merged", "split", "poor mask", "never found"]


def test_suppressed_comes_before_cut_off_and_that_before_layers():
    detected = {"cut off": [(1, LEFT, 0.9), (1, RIGHT, 0.1)], "suppressed": [(1, LEFT, 0.9)]}
    instances = [(1, LEFT), (1, RIGHT), (1, BOTTOM)]
    assert reasons(instances, [], detected, np.zeros(3)) == ["suppressed", "cut off", "beyond layers"]
    assert reasons(instances, [(1, LEFT, 0.9)], detected, np.ones(3)) == ["found", "cut off", "never found"]


@pytest.mark.parametrize(
    ("less_suppressed", "why"),
    [
        ([(1, LEFT, 0.9)], "was not found before either"),
        ([(1, LEFT, 0.9), (1, LEFT, 0.8)], "what was removed is a second mask of the other instance"),
    ],
)
def test_not_suppressed(less_suppressed, why):
    scene = [(1, LEFT), (1, SHIFTED)], [(1, LEFT, 0.9)]
    assert reasons(*scene, {"suppressed": less_suppressed})[1] != "suppressed", why
    assert reasons(*scene, {"suppressed": [(1, LEFT, 0.9), (1, SHIFTED, 0.8)]})[1] == "suppressed"


def test_a_detection_that_now_matches_another_instance_was_not_removed():
    """Before, the second detection took the second instance; the first one's has gone, so that it takes the first."""
    middle = box(0, 1, 4, 3)
    before = [(1, LEFT, 0.9), (1, middle, 0.8)]
    *_, found, _ = judge([(1, LEFT), (1, SHIFTED)], before[1:], {"suppressed": before})
    assert 1 not in found.elsewhere["suppressed"]


def test_annotations_in_any_order():
    """Instances of the two images alternate; only the last one is lost."""
    instances = [(2, LEFT), (1, LEFT), (2, SHIFTED), (1, SHIFTED)]
    before = [(image, mask, 0.9) for image, mask in instances]
    assert reasons(instances, before[:3], {"suppressed": before}) == ["found", "found", "found", "suppressed"]


def test_half_of_an_instance_in_the_layers():
    """A stack of three squares, each within the one in front, in two layers: only the third lies beyond."""
    stack = [(1, LEFT), (1, box(0, 0, 4, 3)), (1, box(0, 0, 3, 3))]
    masks = np.zeros((3, 8, 8), bool)
    masks[0, :4, :4] = masks[1, :4, :3] = masks[2, :3, :3] = True
    reached = reached_shares(layers_from_masks(masks, 2), masks.sum(axis=(1, 2)))
    assert reached.tolist() == [1, 1, 0]
    detections = [(*instance, 0.9) for instance in stack]
    assert reasons(stack, detections[:2], reached=reached)[2] == "beyond layers"
    assert reasons(stack, detections, reached=reached) == ["found"] * 3
    assert reasons(stack, detections[:2], reached=np.array([1, 1, 0.5]))[2] != "beyond layers"


def test_nothing_to_find():
    """A share is that of an instance without a pixel too."""
    assert reached_shares(np.zeros((2, 8, 8), int), np.zeros(1)).tolist() == [0]
