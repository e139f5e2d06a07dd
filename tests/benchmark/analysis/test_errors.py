"""Kinds of errors on an 8x8 grid that one can draw in one's head, and the AP that they cost."""

import numpy as np
import pytest

from benchmark.analysis.errors import KINDS, error_breakdown, find_errors, repaired_average_precision
from benchmark.analysis.overlaps import measure
from benchmark.evaluation.evaluate import evaluate, evaluate_with_matches
from benchmark.evaluation.validate import read_annotations, read_predictions
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection, encode

LEFT, RIGHT = box(0, 0, 4, 4), box(0, 4, 4, 4)
BOTTOM = box(4, 0, 4, 8)
SPIKE = encode(np.arange(64).reshape(8, 8) % 8 < np.array([3, 3, 3, 3, 1, 0, 0, 0])[:, None])


def find(truth, found):
    matches = evaluate_with_matches(truth, found)[1]
    ground_truth = read_annotations(truth)
    return matches, find_errors(ground_truth, read_predictions(found, ground_truth), matches)


def kinds(instances, detections):
    """Names of the kinds of one image's detections and instances, "" for no error. Detections by falling score."""
    found = [detection(1, mask, 0.9 - 0.1 * place) for place, mask in enumerate(detections)]
    _, errors = find(dataset([1], [annotation(1, mask) for mask in instances]), found)
    names = [*KINDS, ""]
    return [names[kind] for kind in errors.detection_kind], [names[kind] for kind in errors.instance_kind]


DRAWINGS = {
    "perfect": ([LEFT, RIGHT], [RIGHT, LEFT], ["", ""], ["", ""]),
    "no detection": ([LEFT], [], [], ["missed"]),
    "no instance": ([], [LEFT], ["background"], []),
    "nothing at all": ([], [], [], []),
    "an empty mask": ([LEFT], [box(0, 0, 0, 0)], ["background"], ["missed"]),
    "elsewhere": ([LEFT], [LEFT, BOTTOM], ["", "background"], [""]),
    "twice": ([LEFT], [LEFT, LEFT], ["", "duplicate"], [""]),
    "twice, the second at IoU .5": ([LEFT], [LEFT, box(0, 0, 2, 4)], ["", "duplicate"], [""]),
    # One detection for several instances.
    "most of both in one mask": ([LEFT, RIGHT], [box(0, 0, 4, 7)], [""], ["", "merged"]),
    "both in one mask and each alone": ([LEFT, RIGHT], [LEFT, RIGHT, box(0, 0, 4, 8)], ["", "", "duplicate"], ["", ""]),
    "three stripes in one mask": (
        [box(0, 0, 8, 2), box(0, 2, 8, 2), box(0, 4, 8, 2)],
        [box(0, 0, 8, 6)],
        ["merged"],
        ["merged", "merged", "merged"],
    ),
    "one and a quarter of the other": ([LEFT, RIGHT], [box(0, 0, 4, 5)], [""], ["", "missed"]),
    "half of each": ([LEFT, RIGHT], [box(0, 2, 4, 4)], ["merged"], ["merged", "merged"]),
    # Amodal masks overlap: a shape in front holds pixels of the one behind.
    "hidden below a perfect mask": ([box(0, 0, 6, 6), box(1, 1, 3, 3)], [box(0, 0, 6, 6)], [""], ["", "missed"]),
    "half hidden below a perfect mask": ([LEFT, box(0, 2, 4, 4)], [LEFT], [""], ["", "missed"]),
    "half hidden, half of the rest in the mask": ([LEFT, box(0, 2, 4, 4)], [box(0, 0, 4, 5)], [""], ["", "merged"]),
    "a fifth outside, held": ([box(0, 0, 4, 8), box(0, 0, 5, 1)], [box(0, 0, 5, 8)], [""], ["", "merged"]),
    "one of 13 pixels outside, held": ([box(0, 0, 4, 8), SPIKE], [box(0, 0, 5, 8)], [""], ["", "missed"]),
    # Several detections for one instance.
    "in two pieces": ([BOTTOM], [box(4, 0, 4, 3), box(4, 5, 4, 3)], ["split", "split"], ["split"]),
    "in a matching and a small piece": ([BOTTOM], [box(4, 0, 4, 6), box(4, 6, 2, 1)], ["", "split"], [""]),
    "in a small piece and a matching one": ([BOTTOM], [box(4, 6, 2, 1), box(4, 0, 4, 6)], ["split", ""], [""]),
    "one piece alone": ([BOTTOM], [box(4, 0, 4, 3)], ["poor mask"], ["poor mask"]),
    "one tiny piece alone": ([BOTTOM], [box(4, 0, 1, 3)], ["background"], ["missed"]),
    # Masks that are too large, too small or beside.
    "far too large": ([LEFT], [box(0, 0, 6, 6)], ["poor mask"], ["poor mask"]),
    "too large twice": ([LEFT], [box(0, 0, 6, 6), box(0, 0, 6, 7)], ["poor mask", "poor mask"], ["poor mask"]),
    "too large beside a match": ([LEFT], [LEFT, box(0, 0, 6, 6)], ["", "poor mask"], [""]),
    "IoU of .1": ([box(0, 0, 1, 5)], [box(0, 4, 6, 1)], ["poor mask"], ["poor mask"]),
    "IoU of 1/11": ([box(0, 0, 1, 5)], [box(0, 4, 7, 1)], ["background"], ["missed"]),
    "hardly in one of two": ([box(0, 0, 1, 5), BOTTOM], [box(0, 4, 4, 1)], ["poor mask"], ["poor mask", "missed"]),
    "more in the larger": ([LEFT, BOTTOM], [box(2, 0, 6, 2)], ["poor mask"], ["missed", "poor mask"]),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_kinds(name):
    instances, detections, of_detections, of_instances = DRAWINGS[name]
    assert kinds(instances, detections) == (of_detections, of_instances)


def costs(truth, found):
    return error_breakdown(*find(truth, found))


def test_a_duplicate_costs_the_precision_behind_it():
    truth = dataset([1], [annotation(1, LEFT), annotation(1, RIGHT)])
    cost = costs(truth, [detection(1, LEFT, 0.9), detection(1, LEFT, 0.8), detection(1, RIGHT, 0.7)])
    # Precision 1 at the recalls 0 ... .5, 2/3 at the 50 above.
    assert cost["duplicate"] == (1, 0, pytest.approx(50 / 3 / 101), pytest.approx(1))
    assert all(cost[name] == (0, 0, 0, 0) for name in KINDS if name != "duplicate")


def test_a_poor_mask_costs_the_instance_too():
    truth = dataset([1], [annotation(1, LEFT), annotation(1, RIGHT)])
    found = [detection(1, LEFT, 0.5), detection(1, box(0, 4, 2, 3), 0.9), detection(1, BOTTOM, 0.7)]
    cost = costs(truth, found)
    # Precision 1/3 up to a recall of .5. Repaired: the poor mask is right and first, 1 up to .5 and 2/3 above.
    now = 51 / 101 / 3
    assert cost["poor mask"][:2] == (1, 1)
    assert cost["poor mask"].lost_ap == pytest.approx((51 + 50 * 2 / 3) / 101 - now)
    assert cost["poor mask"].share == pytest.approx(cost["poor mask"].lost_ap / (1 - now))
    # Without the false positive on the background: 1/2 up to .5.
    assert cost["background"] == (1, 0, pytest.approx(51 / 101 / 6), pytest.approx(51 / 101 / 6 / (1 - now)))


def test_a_merged_instance_is_found_with_the_score_of_its_mask():
    truth = dataset([1], [annotation(1, LEFT), annotation(1, RIGHT)])
    cost = costs(truth, [detection(1, box(0, 0, 4, 7), 0.6), detection(1, BOTTOM, 0.5)])
    assert cost["merged"] == (0, 1, pytest.approx(50 / 101), pytest.approx(1))
    # The false positive ranks behind everything, hence costs nothing.
    assert cost["background"] == (1, 0, 0, 0)


def test_missed_instances_are_no_longer_looked_for():
    truth = dataset([1, 2], [annotation(1, LEFT), annotation(2, RIGHT), annotation(2, BOTTOM)])
    cost = costs(truth, [detection(1, LEFT)])
    # A third of the instances found: 34 of 101 recalls.
    assert cost["missed"] == (0, 2, pytest.approx(67 / 101), pytest.approx(1))
    assert costs(truth, [])["missed"] == (0, 3, 1, 1)


def test_no_instances_have_no_costs():
    assert costs(dataset([1], []), [detection(1, LEFT)]) is None


def random_case(random):
    """Rectangles of all sizes in three images, ids not in order."""
    truth, found = (
        [(int(random.choice([7, 3, 5])), box(*random.integers([0, 0, 1, 1], [7, 7, 7, 7]))) for _ in range(count)]
        for count in random.integers(1, [12, 30])
    )
    scores = random.integers(0, 5, len(found)) / 5
    annotations = [annotation(image_id, mask) for image_id, mask in truth]
    return dataset([7, 3, 5], annotations), [
        detection(image_id, mask, score) for (image_id, mask), score in zip(found, scores.tolist(), strict=True)
    ]


def test_every_error_has_one_kind_and_all_repairs_together_are_perfect():
    random = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        case = random_case(random)
        matches, errors = find(*case)
        np.testing.assert_array_equal(errors.detection_kind == -1, matches.detection_match[0] >= 0)
        np.testing.assert_array_equal(errors.instance_kind == -1, matches.ground_truth_match[0, 0] >= 0)
        names = [KINDS[kind] for kind in errors.detection_kind if kind >= 0]
        seen.update(names)
        assert "missed" not in names
        assert not {KINDS[kind] for kind in errors.instance_kind if kind >= 0} & {"duplicate", "background"}
        present = repaired_average_precision(matches, errors, ())
        assert present == pytest.approx(evaluate(*case)["AP50"], abs=1e-9)
        assert repaired_average_precision(matches, errors, tuple(range(len(KINDS)))) == pytest.approx(1)
        assert all(cost.lost_ap > -1e-12 for cost in error_breakdown(matches, errors).values())
    assert seen == set(KINDS) - {"missed"}


def test_overlaps_equal_a_count_of_pixels():
    random = np.random.default_rng(1)
    masks = random.random((9, 11, 7)) < random.random((9, 1, 1))
    masks[4] = False
    rles = [encode(mask) for mask in masks]
    match = np.array([-1, 2, -1, 0, -1])
    overlaps = measure(rles[:5], rles[5:], match)
    detections, instances = masks[:5], masks[5:]
    shared = np.einsum("dij,gij->dg", *(stack.astype(int) for stack in (detections, instances)))
    np.testing.assert_array_equal(overlaps.shared, shared)
    np.testing.assert_array_equal(overlaps.detection_area, detections.sum(axis=(1, 2)))
    np.testing.assert_array_equal(overlaps.instance_area, instances.sum(axis=(1, 2)))
    union = np.array([[(d | g).sum() for g in instances] for d in detections])
    np.testing.assert_array_equal(overlaps.iou, shared / union)
    own = np.where(match >= 0, match, (shared / union).argmax(axis=1))
    own[4] = -1  # the empty mask
    np.testing.assert_array_equal(overlaps.own, own)
    for d, place in enumerate(own):
        in_own = [(detections[d] & instances[place] & g).sum() if place >= 0 else 0 for g in instances]
        np.testing.assert_array_equal(overlaps.in_own[d], in_own)
    np.testing.assert_array_equal(overlaps.between, [[(a & b).sum() for b in instances] for a in instances])
