"""Resampled metrics against data sets whose images are copied for real; areas, intervals and p-values by hand."""

import dataclasses
import time
from collections import defaultdict

import numpy as np
import pytest

from benchmark.analysis.bootstrap import (
    Interval,
    draw_multiplicities,
    holm,
    intervals,
    paired_differences,
    resample,
    resampled_metrics,
)
from benchmark.evaluation.evaluate import evaluate, evaluate_with_matches
from benchmark.evaluation.match import IOU_THRESHOLDS, OCCLUSION_RANGES, Matches
from datasets.errors import InputError
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

SQUARE = box(0, 0, 4, 4)
ELSEWHERE = box(5, 5, 2, 2)


def copy_images(case, multiplicities):
    """The resampled data set: image at place i of the sorted ids becomes the ids 10 i, 10 i + 1, ... of its copies."""
    annotations, predictions = case
    ids = sorted(image["id"] for image in annotations["images"])
    copies = {
        image_id: [10 * place + copy for copy in range(count)]
        for place, (image_id, count) in enumerate(zip(ids, multiplicities, strict=True))
    }

    def copied(entries):
        return [{**entry, "image_id": new} for entry in entries for new in copies[entry["image_id"]]]

    truth = [{key: value for key, value in entry.items() if key != "id"} for entry in annotations["annotations"]]
    return dataset([new for of_image in copies.values() for new in of_image], copied(truth)), copied(predictions)


def random_case(random, score_count):
    """Overlapping rectangles in few places; scores out of few values, so that ties abound, within images too."""
    image_ids = random.permutation(100)[: random.integers(1, 6)].tolist()
    ordered = random.random() < 0.5
    annotations = [
        annotation(int(random.choice(image_ids)), box(*random.integers([0, 0, 2, 2], [3, 3, 6, 6])), rate, order)
        for order, rate in enumerate(random.choice([0, 1e-5, 0.1, 0.25, 0.9], random.integers(0, 12)).tolist(), start=1)
    ]
    predictions = [
        detection(int(random.choice(image_ids)), box(*random.integers([0, 0, 2, 2], [3, 3, 6, 6])), score)
        for score in (random.integers(0, score_count, random.integers(0, 40)) / score_count).tolist()
    ]
    if ordered:
        predictions = [{**entry, "order": int(random.integers(1, 9))} for entry in predictions]
    return dataset(image_ids, annotations), predictions


def exact_area(case, threshold):
    """Detection by detection: the area under the interpolated precision of a data set, None without instances."""
    annotations, predictions = case
    matches = evaluate_with_matches(*case)[1]
    order = np.lexsort((matches.detection_image, -matches.scores))
    true = matches.detection_match[threshold, order] >= 0
    precision = np.cumsum(true) / np.arange(1, len(true) + 1)
    steps = [precision[place:].max() for place in np.flatnonzero(true)]
    return sum(steps) / len(annotations["annotations"]) if annotations["annotations"] else np.nan


@pytest.mark.parametrize("score_count", [2, 1000])
def test_resamples_equal_the_evaluator_on_copied_images(score_count):
    random = np.random.default_rng(score_count)
    for _ in range(20):
        case = random_case(random, score_count)
        metrics, matches = evaluate_with_matches(*case)
        images = len(matches.image_ids)
        multiplicities = random.multinomial(images, np.full(images, 1 / images), 4).astype(np.float32)
        found = resampled_metrics(matches, multiplicities.T)
        assert list(found) == list(metrics)
        for b, counts in enumerate(multiplicities.astype(int)):
            expected = evaluate(*copy_images(case, counts))
            for name in [name for name in found if not name.startswith("AP")]:
                assert found[name][b] == pytest.approx(np.float64(expected[name]), abs=1e-9, nan_ok=True)


def test_areas_equal_those_of_copied_images():
    """Without ties within an image, whose copies COCO's order would mix."""
    random = np.random.default_rng(0)
    for _ in range(6):
        case = random_case(random, 10**9)
        matches = evaluate_with_matches(*case)[1]
        images = len(matches.image_ids)
        multiplicities = random.multinomial(images, np.full(images, 1 / images), 4).astype(np.float32)
        found = resampled_metrics(matches, multiplicities.T)
        for b, counts in enumerate(multiplicities.astype(int)):
            copied = copy_images(case, counts)
            areas = np.array([exact_area(copied, threshold) for threshold in range(10)])
            expected = [areas.mean(), areas[0], areas[5]]
            of_resample = [found[name][b] for name in ("AP", "AP50", "AP75")]
            np.testing.assert_allclose(of_resample, expected, rtol=0, atol=1e-6)


def test_an_image_drawn_twice_weighs_twice():
    """Image 1: found, image 2: missed, beside a false positive that ranks first."""
    case = (
        dataset([1, 2], [annotation(1, SQUARE), annotation(2, SQUARE, 0.5)]),
        [detection(1, SQUARE, 0.5), detection(2, ELSEWHERE, 0.9)],
    )
    drawn = np.array([[1, 1], [2, 0], [0, 2]], np.float32).T
    found = resampled_metrics(evaluate_with_matches(*case)[1], drawn)
    np.testing.assert_allclose(found["AR100"], [0.5, 1, 0])
    np.testing.assert_allclose(found["AR_none"], [1, 1, np.nan])
    np.testing.assert_allclose(found["AR_heavy"], [0, np.nan, 0])
    # Recall 1/2 at precision 1/2; all at 1; none. COCO reads the first as 51 of 101 recalls at 1/2.
    np.testing.assert_allclose(found["AP"], [0.25, 1, 0])


def flips(found):
    """A data set of one instance per image, of which the given images' are found."""
    truth = dataset(range(len(found)), [annotation(image_id, SQUARE) for image_id in range(len(found))])
    return truth, [detection(image_id, SQUARE) for image_id in np.flatnonzero(found).tolist()]


def resampled(found, count=1000, seed=0):
    metrics, matches = evaluate_with_matches(*flips(found))
    return resample(matches, metrics, count, seed)


def test_interval_of_a_share_is_the_binomials():
    """Half of 400 images found: AR is a binomial share, .5 +- 1.96 * .025."""
    resamples = resampled(np.arange(400) % 2 == 0, 4000)
    found = intervals(resamples)
    np.testing.assert_allclose(found["AR100"], [0.451, 0.549], atol=0.0051)
    assert found["AR_heavy"] is None
    assert isinstance(found["AP"], Interval)
    assert resamples.points["AR100"] == resamples.exact["AR100"] == 0.5
    assert resamples.points["AP"] == pytest.approx(51 / 101)  # as COCO reads it
    assert resamples.exact["AP"] == 0.5


def test_deterministic_in_the_seed():
    found = np.arange(50) % 3 == 0
    assert intervals(resampled(found, 100, seed=3)) == intervals(resampled(found, 100, seed=3))
    assert intervals(resampled(found, 100, seed=3)) != intervals(resampled(found, 100, seed=4))
    assert (draw_multiplicities(50, 100, seed=3).sum(axis=0) == 50).all()


def test_same_run_twice_differs_by_nothing():
    resamples = resampled(np.arange(50) % 3 == 0, 100)
    differences = paired_differences([resamples], [resamples])
    assert differences["AP"] == (0, 0, (0, 0), 1, False)
    assert differences["AR_partial"] is None


def test_pairing_sees_a_small_difference_that_lone_intervals_hide():
    """b finds every second image's instance; a finds those and six more of 100: always at least as good."""
    b = np.arange(100) % 2 == 0
    a = b | (np.arange(100) < 12)
    of_a, of_b = resampled(a), resampled(b)
    difference = paired_differences([of_a], [of_b])["AR100"]
    assert difference.value == pytest.approx(0.06)
    np.testing.assert_allclose(difference.interval, [0.02, 0.11], atol=0.011)  # binomial, n 100, p .06
    assert difference.p_value < 0.02
    assert intervals(of_a)["AR100"].low < intervals(of_b)["AR100"].high
    mirrored = paired_differences([of_b], [of_a])["AR100"]
    assert mirrored.value == -difference.value
    np.testing.assert_allclose(mirrored.interval, [-difference.interval.high, -difference.interval.low])
    assert mirrored.p_value == difference.p_value


def test_p_value_of_a_balanced_difference_is_large():
    found = np.arange(100) % 2 == 0
    assert paired_differences([resampled(found)], [resampled(~found)])["AR100"].p_value > 0.8


def test_p_value_at_its_floor_says_so():
    images = np.arange(100)
    difference = paired_differences([resampled(images < 90)], [resampled(images < 30)])["AR100"]
    assert difference.at_floor and difference.p_value == pytest.approx(2 / 1001)
    assert not paired_differences([resampled(images < 31)], [resampled(images < 30)])["AR100"].at_floor


def test_seeds_that_disagree_widen_the_interval():
    """Side a finds 50 or 70 of 100 images by its seed, side b always 50: on the mean better, but one seed is not."""
    images = np.arange(100)
    low, high, b = resampled(images < 50), resampled(images < 70), resampled(images < 50)
    one = paired_differences([high], [b])["AR100"]
    both = paired_differences([low, high], [b])["AR100"]
    assert (one.value, both.value) == pytest.approx((0.2, 0.1))
    assert one.interval.low > 0.1 and one.at_floor
    # A quarter of the resamples draws the lower seed twice, hence a difference of 0 exactly.
    assert both.interval.low == 0 and both.interval.high > 0.2
    assert both.p_value == pytest.approx(0.5, abs=0.05)


def test_holm_by_hand():
    """Four p-values: .01 x 4, .02 x 3, .03 x 2 and no less than the one before, .5 x 1; order as given."""
    assert holm([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_other_ground_truth_or_resamples_are_refused():
    truth, predictions = flips(np.ones(3, bool))
    metrics, matches = evaluate_with_matches(truth, predictions)
    longer = evaluate_with_matches(dataset(range(4), truth["annotations"]), predictions)[1]
    more = evaluate_with_matches(dataset(range(3), [*truth["annotations"], annotation(0, ELSEWHERE)]), predictions)[1]
    hidden = dataclasses.replace(matches, occlusion_rates=matches.occlusion_rates + 0.5)
    others = [resample(other, metrics, 5) for other in (longer, more, hidden)]
    for other in (*others, resample(matches, metrics, 5, seed=1), resample(matches, metrics, 6)):
        with pytest.raises(InputError, match="^paired bootstrap: found runs on different annotations or resamples"):
            paired_differences([resample(matches, metrics, 5)], [other])


def random_matches(images, instances, detections, digits):
    """Matches of a plausible run, without masks: true positives rank higher, fewer of them at higher IoU."""
    random = np.random.default_rng(0)
    places = np.arange(images * detections).reshape(images, detections)
    quality = np.full((images, detections), 0.0)
    quality[:, :instances] = random.uniform(0.4, 1, (images, instances))
    scores = np.round(np.clip(0.5 * quality + random.normal(0.4, 0.1, quality.shape), 0, 1), digits)
    by_score = np.argsort(-scores, axis=1, kind="stable")
    quality, scores = (np.take_along_axis(values, by_score, axis=1).ravel() for values in (quality, scores))
    owner = (by_score + instances * np.arange(images)[:, None]).ravel()
    match = np.where(quality >= IOU_THRESHOLDS[:, None], owner, -1)
    ground_truth_match = np.full((4, 10, images * instances), -1)
    for t in range(10):
        ground_truth_match[:, t, match[t][match[t] >= 0]] = np.flatnonzero(match[t] >= 0)
    rates = random.choice([0, 0.1, 0.6], images * instances)
    in_range = np.array([(rates >= low) & (rates <= high) for low, high in OCCLUSION_RANGES.values()])
    return Matches(
        image_ids=np.arange(images),
        iou_thresholds=IOU_THRESHOLDS,
        ranges=tuple(OCCLUSION_RANGES),
        detection_index=places.ravel(),
        detection_image=np.repeat(np.arange(images), detections),
        detection_rank=np.tile(np.arange(detections), images),
        scores=scores,
        detection_match=match,
        ground_truth_image=np.repeat(np.arange(images), instances),
        occlusion_rates=rates,
        in_range=in_range,
        ground_truth_match=np.where(in_range[:, None], ground_truth_match, -1),
    )


def test_a_run_takes_seconds():
    """1,000 resamples of 1,000 images with 60 detections each, of which 18 are instances: a tenth of what a paired test
    draws."""
    matches = random_matches(1000, 18, 60, 16)
    start = time.process_time()
    found = intervals(resample(matches, defaultdict(float)))
    seconds = time.process_time() - start
    print(f"\n{seconds:.2f} s of processor time for 1,000 resamples")
    assert seconds < 3
    assert 0 < found["AP"].low < found["AP"].high < 1
