"""Recall in bins of occlusion rate, on squares that are found or not."""

import numpy as np
import pytest

from benchmark.analysis.occlusion import recall_by_occlusion, resampled_recall
from benchmark.evaluation.evaluate import evaluate_with_matches
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection


def run(rates, widths):
    """One instance of four pixels in each image, a detection that covers so many of them, or none."""
    truth = dataset(range(len(rates)), [annotation(i, box(0, 0, 1, 4), rate) for i, rate in enumerate(rates)])
    found = [detection(i, box(0, 0, 1, width)) for i, width in enumerate(widths) if width]
    return evaluate_with_matches(truth, found)


def test_edges_belong_to_the_bin_above_and_one_to_the_last():
    rates = [0, 0.1, 0.3, 30 / 100, 0.7, 0.99, 1]
    recall = recall_by_occlusion(run(rates, [4] * 7)[1])
    assert recall.instances.tolist() == [1, 1, 0, 2, 0, 0, 0, 1, 0, 2]
    np.testing.assert_array_equal(recall.edges, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1])


def test_recall_is_the_mean_over_thresholds_and_instances():
    metrics, matches = run([0, 0.05, 0.9, 0.95, 0.5], [4, 3, 2, 0, 0])  # at 10, 6, 1, 0 and 0 of 10 thresholds
    recall = recall_by_occlusion(matches, bins=2)
    np.testing.assert_allclose(recall.recall, [0.8, 0.1 / 3])
    assert (recall.recall * recall.instances).sum() / 5 == pytest.approx(metrics["AR1000"])


def test_resamples_count_an_image_as_often_as_they_hold_it():
    _, matches = run([0, 0.05, 0.9, 0.5], [4, 3, 2, 4])  # at 10, 6, 1 and 10 of 10 thresholds
    multiplicities = np.array([[1, 1, 1, 1], [3, 1, 0, 0], [0, 0, 1, 3]], np.float32).T
    found = resampled_recall(matches, multiplicities, bins=2)
    np.testing.assert_allclose(found.T, [[0.8, 0.55], [0.9, np.nan], [np.nan, (0.1 + 3 * 1) / 4]])


def test_empty_bins_have_no_recall():
    recall = recall_by_occlusion(run([0.5], [0])[1], bins=2)
    np.testing.assert_array_equal(recall.recall, [np.nan, 0])
