"""Resampled metrics against the evaluator on data sets whose images are copied for real; intervals and p-values."""

import dataclasses
import time

import numpy as np
import pytest

from benchmark.analysis.bootstrap import (
    Interval,
    draw_multiplicities,
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


@pytest.mark.parametrize("score_count", [1, 2, 5, 1000])
def test_resamples_equal_the_evaluator_on_copied_images(score_count):
    random = np.random.default_rng(score_count)
    for _ in range(25):
        case = random_case(random, score_count)
        matches = evaluate_with_matches(*case)[1]
        images = len(matches.image_ids)
        multiplicities = np.concatenate(
            [random.multinomial(images, np.full(images, 1 / images), 4), np.ones((1, images), int)]
        )
        found = resampled_metrics(matches, multiplicities)
        for b, counts in enumerate(multiplicities):
            expected = evaluate(*copy_images(case, counts))
            assert list(found) == list(expected)
            found_now = np.array([values[b] for values in found.values()])
            expected = np.array(list(expected.values()), dtype=float)  # None is NaN
            np.testing.assert_allclose(found_now, expected, rtol=0, atol=1e-9)


def test_copies_of_a_tie_follow_one_another():
    """An image with a true and a false detection of equal score, twice: true, false, true, false."""
    case = dataset([1], [annotation(1, SQUARE)]), [detection(1, SQUARE), detection(1, ELSEWHERE)]
    precision = resampled_metrics(evaluate_with_matches(*case)[1], np.array([[1], [2]]))["AP50"]
    # Precision 1 at the recalls 0 ... .5 of the first copy, 2/3 beyond; sorted as true, true, false, false it were 1.
    np.testing.assert_allclose(precision, [1, (51 + 50 * 2 / 3) / 101], rtol=0, atol=1e-12)


def test_an_image_drawn_twice_weighs_twice():
    """Image 1: found, image 2: missed, beside a false positive that ranks first."""
    case = (
        dataset([1, 2], [annotation(1, SQUARE), annotation(2, SQUARE, 0.5)]),
        [detection(1, SQUARE, 0.5), detection(2, ELSEWHERE, 0.9)],
    )
    found = resampled_metrics(evaluate_with_matches(*case)[1], np.array([[1, 1], [2, 0], [0, 2], [3, 1]]))
    np.testing.assert_allclose(found["AR100"], [0.5, 1, 0, 0.75])
    np.testing.assert_allclose(found["AR_none"], [1, 1, np.nan, 1])
    np.testing.assert_allclose(found["AR_heavy"], [0, np.nan, 0, 0])
    # 51 of 101 recalls at precision 1/2; all at 1; none; 76 at precision 3/4.
    np.testing.assert_allclose(found["AP"], [51 / 202, 1, 0, 76 * 0.75 / 101], atol=1e-12)


def flips(found):
    """A data set of one instance per image, of which the given images' are found."""
    truth = dataset(range(len(found)), [annotation(image_id, SQUARE) for image_id in range(len(found))])
    return truth, [detection(image_id, SQUARE) for image_id in np.flatnonzero(found).tolist()]


def test_interval_of_a_share_is_the_binomials():
    """Half of 400 images found: AR is a binomial share, .5 +- 1.96 * .025."""
    resamples = resample(evaluate_with_matches(*flips(np.arange(400) % 2 == 0))[1], 4000)
    found = intervals(resamples)
    np.testing.assert_allclose(found["AR100"], [0.451, 0.549], atol=0.0051)
    assert found["AR_heavy"] is None
    assert isinstance(found["AP"], Interval)
    assert resamples.metrics["AR100"][0] == 0.5  # of the data set itself


def test_deterministic_in_the_seed():
    matches = evaluate_with_matches(*flips(np.arange(50) % 3 == 0))[1]
    assert intervals(resample(matches, 100, seed=3)) == intervals(resample(matches, 100, seed=3))
    assert intervals(resample(matches, 100, seed=3)) != intervals(resample(matches, 100, seed=4))
    assert (draw_multiplicities(50, 100, seed=3).sum(axis=1) == 50).all()


def test_same_run_twice_differs_by_nothing():
    resamples = resample(evaluate_with_matches(*flips(np.arange(50) % 3 == 0))[1], 100)
    differences = paired_differences(resamples, resamples)
    assert differences["AP"] == (0, (0, 0), 1)
    assert differences["AR_partial"] is None


def test_pairing_sees_a_small_difference_that_lone_intervals_hide():
    """b finds every second image's instance; a finds those and six more of 100: always at least as good."""
    b = np.arange(100) % 2 == 0
    a = b | (np.arange(100) < 12)
    of_a, of_b = (resample(evaluate_with_matches(*flips(found))[1]) for found in (a, b))
    difference = paired_differences(of_a, of_b)["AR100"]
    assert difference.value == pytest.approx(0.06)
    np.testing.assert_allclose(difference.interval, [0.02, 0.11], atol=0.011)  # binomial, n 100, p .06
    assert difference.p_value < 0.02
    assert intervals(of_a)["AR100"].low < intervals(of_b)["AR100"].high
    mirrored = paired_differences(of_b, of_a)["AR100"]
    assert mirrored.value == -difference.value
    np.testing.assert_allclose(mirrored.interval, [-difference.interval.high, -difference.interval.low])
    assert mirrored.p_value == difference.p_value


def test_p_value_of_a_balanced_difference_is_large():
    found = np.arange(100) % 2 == 0
    of_a, of_b = (resample(evaluate_with_matches(*flips(which))[1]) for which in (found, ~found))
    assert paired_differences(of_a, of_b)["AR100"].p_value > 0.8


def test_other_ground_truth_or_resamples_are_refused():
    truth, predictions = flips(np.ones(3, bool))
    matches = evaluate_with_matches(truth, predictions)[1]
    longer = evaluate_with_matches(dataset(range(4), truth["annotations"]), predictions)[1]
    more = evaluate_with_matches(dataset(range(3), [*truth["annotations"], annotation(0, ELSEWHERE)]), predictions)[1]
    hidden = dataclasses.replace(matches, occlusion_rates=matches.occlusion_rates + 0.5)
    for other in (resample(longer, 5), resample(more, 5), resample(hidden, 5), resample(matches, 5, seed=1)):
        with pytest.raises(InputError, match="^paired bootstrap: found runs on different annotations or resamples"):
            paired_differences(resample(matches, 5), other)


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


@pytest.mark.parametrize("digits", [16, 2])
def test_a_run_takes_seconds(digits):
    """100 resamples of 1,000 images with 60 detections each; a tenth of what a report asks for, in a tenth of a minute.

    With scores of two digits most images have ties of true and false detections.
    """
    matches = random_matches(1000, 18, 60, digits)
    start = time.process_time()
    found = intervals(resample(matches, 100))
    seconds = time.process_time() - start
    print(f"\nscores of {digits} digits: {seconds:.2f} s of processor time for 100 resamples")
    assert seconds < 6
    assert 0 < found["AP"].low < found["AP"].high < 1
