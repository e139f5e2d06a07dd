"""The protocol's metrics: on drawings one can check by eye, and against pycocotools."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.evaluation.evaluate import evaluate, evaluate_with_matches
from benchmark.evaluation.validate import read_annotations
from tests.benchmark.evaluation.cases import (
    RANGES,
    annotation,
    box,
    dataset,
    detection,
    reference_metrics,
    run_pycocotools,
)

NAMES = ["AP", "AP50", "AP75", "AR1", "AR10", "AR100", "AR1000", "AR_none", "AR_partial", "AR_heavy"]


def test_perfect_detections_score_one_and_ranges_without_instances_none():
    shapes = [box(0, 0, 4, 4), box(4, 4, 3, 3)]
    metrics = evaluate(
        dataset([1], [annotation(1, shapes[0], 0.0), annotation(1, shapes[1], 0.6)]),
        [detection(1, shapes[0], 0.9), detection(1, shapes[1], 0.8)],
    )
    assert list(metrics) == NAMES
    assert metrics == dict.fromkeys(NAMES, 1.0) | {"AR1": 0.5, "AR_partial": None}


@pytest.mark.parametrize(
    ("width", "matched_at"),  # of a detection that covers so many of four pixels in a row
    [(2, [0.5]), (3, [0.5, 0.55, 0.6, 0.65, 0.7, 0.75])],
)
def test_iou_exactly_at_a_threshold_is_a_match(width, matched_at):
    metrics = evaluate(dataset([1], [annotation(1, box(0, 0, 1, 4))]), [detection(1, box(0, 0, 1, width))])
    assert metrics["AP50"] == pytest.approx(1)
    assert metrics["AP75"] == pytest.approx(float(0.75 in matched_at))
    assert metrics["AP"] == pytest.approx(len(matched_at) / 10)
    assert metrics["AR1"] == metrics["AR_none"] == pytest.approx(len(matched_at) / 10)


def test_category_does_not_matter():
    shape = box(1, 1, 3, 3)
    metrics = evaluate(dataset([1], [annotation(1, shape, category_id=1)]), [detection(1, shape, category_id=3)])
    assert metrics["AP"] == pytest.approx(1)


def test_unmatched_detections_are_false_positives():
    shape = box(0, 0, 4, 4)
    truth = dataset([1], [annotation(1, shape, 0.1)])
    detections = [detection(1, shape, 0.5), detection(1, box(6, 6, 1, 1), 0.9)]
    assert evaluate(truth, detections)["AP"] == pytest.approx(0.5)
    assert evaluate(truth, detections)["AR_partial"] == 1


def test_borders_of_occlusion_ranges_belong_to_both_sides():
    shapes = [box(0, 0, 4, 4), box(4, 4, 4, 4)]
    truth = dataset([1], [annotation(1, shapes[0], 1e-5), annotation(1, shapes[1], 0.25)])
    metrics = evaluate(truth, [detection(1, shapes[0])])
    assert metrics["AR_none"] == 1
    assert metrics["AR_partial"] == 0.5
    assert metrics["AR_heavy"] == 0


def test_image_without_detections_counts_as_missed_instances():
    shape = box(0, 0, 4, 4)
    metrics = evaluate(dataset([7, 3], [annotation(7, shape), annotation(3, shape)]), [detection(3, shape)])
    assert metrics["AR100"] == 0.5
    assert metrics["AP"] == pytest.approx(51 / 101)  # precision 1 at the recalls 0, .01, ... .5


def test_no_detections_at_all_score_zero():
    metrics = evaluate(dataset([1, 2], [annotation(1, box(0, 0, 2, 2), 0.1)]), [])
    assert metrics == dict.fromkeys(NAMES, 0.0) | {"AR_none": None, "AR_heavy": None}


def test_no_instances_at_all_score_none():
    assert evaluate(dataset([1], []), [detection(1, box(0, 0, 2, 2))]) == dict.fromkeys(NAMES)
    assert evaluate(dataset([1], []), []) == dict.fromkeys(NAMES)


def test_files_plain_and_gzipped_and_data_in_memory_agree(tmp_path):
    truth = dataset([1], [annotation(1, box(0, 0, 4, 4)), annotation(1, box(2, 2, 4, 4), 0.3, 2)])
    detections = [detection(1, box(0, 0, 4, 3), 0.7, order=1), detection(1, box(2, 2, 4, 4), 0.2, order=2)]
    expected = evaluate(truth, detections)
    for name, data in (("truth", truth), ("detections", detections)):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
        (tmp_path / f"{name}.json.gz").write_bytes(gzip.compress(json.dumps(data).encode()))
    assert evaluate(tmp_path / "truth.json", str(tmp_path / "detections.json.gz")) == expected
    assert evaluate(tmp_path / "truth.json.gz", tmp_path / "detections.json") == expected
    assert evaluate(read_annotations(truth), detections) == expected
    json.dumps(expected)


def test_input_is_left_as_it_was():
    truth = dataset([1], [annotation(1, box(0, 0, 4, 4))])
    detections = [detection(1, box(0, 0, 4, 3))]
    before = json.dumps([truth, detections])
    evaluate(truth, detections)
    assert json.dumps([truth, detections]) == before


def test_uncompressed_and_bytes_rle_mean_the_same_as_compressed():
    truth = dataset([1], [annotation(1, box(0, 0, 8, 4))])
    compressed = box(0, 0, 8, 3)
    as_bytes = {"size": [8, 8], "counts": compressed["counts"].encode()}
    as_runs = {"size": (8, 8), "counts": [0, 24, 40]}
    results = [evaluate(truth, [detection(1, rle)]) for rle in (compressed, as_bytes, as_runs)]
    assert results[0] == results[1] == results[2]
    assert results[0]["AP"] == pytest.approx(0.6)


def test_numpy_numbers_are_numbers():
    shape = box(0, 0, 8, 4)
    truth = dataset([1], [annotation(1, shape)])
    entry = detection(np.int64(1), shape, np.float32(0.5), category_id=np.uint8(1))
    assert evaluate(truth, [entry])["AP"] == pytest.approx(1)


# Rectangles of few sizes at few places: duplicates, empty masks, equal IoUs and IoUs of exactly .5 and .75 abound.
shapes = st.builds(box, st.integers(0, 2), st.integers(0, 2), st.integers(0, 4), st.integers(1, 5))
true_shapes = st.builds(box, st.integers(0, 2), st.integers(0, 2), st.integers(1, 4), st.integers(1, 5))
rates = st.sampled_from([0.0, 1e-6, 1e-5, 1.1e-5, 0.1, 0.25, 0.2500001, 0.9, 1.0])
scores = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)
categories = st.integers(1, 3)


@st.composite
def cases(draw):
    image_ids = draw(st.lists(st.integers(0, 10**6), min_size=1, max_size=4, unique=True))
    images = st.sampled_from(image_ids)
    annotations = st.builds(annotation, images, true_shapes, rates, category_id=categories)
    detections = st.builds(detection, images, shapes, scores, categories)
    return dataset(image_ids, draw(st.lists(annotations, max_size=12))), draw(st.lists(detections, max_size=20))


def test_instances_without_a_pixel_are_left_out():
    """Nobody can find them, whichever masks are compared."""
    nothing, shape = box(0, 0, 0, 0), box(0, 0, 8, 4)
    truth = dataset([1], [annotation(1, nothing, 0.5), annotation(1, shape)])
    assert evaluate(truth, [detection(1, shape)])["AR1000"] == pytest.approx(1)
    assert evaluate(truth, [detection(1, shape)])["AR_heavy"] is None


def crowded_case():
    """Two images with 1,203 detections each, many of them alike, with equal scores or of other categories."""
    random = np.random.default_rng(0)
    annotations = [
        annotation(image_id, box(row, column, 3, 4), row / 8, category_id=row + 1)
        for image_id in (5, 2)
        for row in range(3)
        for column in (0, 3)
    ]
    detections = [
        detection(image_id, box(row, column, 1 + height, 4), score / 4, 1 + category)
        for image_id in (2, 5)
        for row, column, height, category, score in random.integers(0, [5, 5, 3, 3, 4], (1203, 5)).tolist()
    ]
    return dataset([5, 2, 9], annotations), detections


@settings(max_examples=200, deadline=None)
@given(cases())
@example(crowded_case())
def test_metrics_and_matches_equal_pycocotools(case):
    annotations, predictions = case
    reference = run_pycocotools(annotations, predictions)
    metrics, matches = evaluate_with_matches(annotations, predictions)
    expected = reference_metrics(reference)
    assert list(metrics) == list(expected)
    found, expected = (np.array(list(values.values()), dtype=float) for values in (metrics, expected))  # None is NaN
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    _assert_same_matches(matches, reference, annotations)


def _assert_same_matches(matches, reference, annotations):
    places = {entry["id"]: place for place, entry in enumerate(annotations["annotations"])}
    images = sorted(image["id"] for image in annotations["images"])
    assert matches.image_ids.tolist() == images
    assert matches.iou_thresholds.tolist() == reference.params.iouThrs.tolist()
    assert matches.ranges == tuple(RANGES)

    seen = 0
    expected = np.full(matches.ground_truth_match.shape, -1)
    in_range = np.zeros(matches.in_range.shape, dtype=bool)
    for number, record in enumerate(reference.evalImgs):
        if record is None:
            continue
        r, i = divmod(number, len(images))
        of_image = [places[annotation_id] for annotation_id in record["gtIds"]]
        in_range[r, of_image] = ~np.asarray(record["gtIgnore"], dtype=bool)
        expected[r][:, of_image] = np.asarray(record["gtMatches"]) - 1
        assert (matches.ground_truth_image[of_image] == i).all()
        if r == 0:
            own = matches.detection_image == i
            seen += own.sum()
            assert (matches.detection_index[own] + 1).tolist() == record["dtIds"]
            assert matches.scores[own].tolist() == record["dtScores"]
            assert matches.detection_rank[own].tolist() == list(range(len(record["dtIds"])))
            matched = [[places.get(int(gt), -1) for gt in row] for row in record["dtMatches"]]
            assert matches.detection_match[:, own].tolist() == matched
    assert seen == len(matches.detection_index) == len(matches.scores) == matches.detection_match.shape[1]
    assert (matches.in_range == in_range).all()
    assert (matches.ground_truth_match == np.where(in_range[:, None], expected, -1)).all()


@settings(max_examples=50, deadline=None)
@given(cases())
@example(crowded_case())
def test_recall_follows_from_the_matches(case):
    """What `Matches` promises: recall with fewer detections counts the matches of low rank."""
    annotations, predictions = case
    metrics, matches = evaluate_with_matches(annotations, predictions)
    if not annotations["annotations"]:
        return
    rank = np.full(len(predictions) + 1, 10**6)  # the last one is that of "no match", -1
    rank[matches.detection_index] = matches.detection_rank
    for limit in (1, 10, 100, 1000):
        recall = (rank[matches.ground_truth_match[0]] < limit).mean()
        assert recall == pytest.approx(metrics[f"AR{limit}"], abs=1e-12)
    for r, name in enumerate(matches.ranges[1:], start=1):
        found = matches.ground_truth_match[r][:, matches.in_range[r]] >= 0
        if found.size:
            assert found.mean() == pytest.approx(metrics[f"AR_{name}"], abs=1e-12)
        else:
            assert metrics[f"AR_{name}"] is None
