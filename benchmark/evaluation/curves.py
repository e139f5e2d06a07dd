"""Precision and recall over all images from the matches of each: COCO's accumulation, to the last bit."""

import numpy as np

from benchmark.evaluation.match import Matches

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO's interpolated precision is read."""


def precision_at_recalls(
    scores: np.ndarray, images: np.ndarray, true_positives: np.ndarray, instances: int
) -> np.ndarray:
    """(T, 101) float64: the interpolated precision at `RECALLS` at T IoU thresholds, NaN without instances.

    scores: (D,) of D detections. images: (D,) int, image of each. true_positives: (T, D) bool, which of them match an
    instance. instances: ground-truth instances in all images. Equal scores count in the order of the images, and within
    one in the order given, as in COCO's evaluation.
    """
    if instances == 0:
        return np.full((len(true_positives), len(RECALLS)), np.nan)
    order = np.lexsort((images, -scores))
    result = np.zeros((len(true_positives), len(RECALLS)))
    for t, true in enumerate(true_positives):
        (places,) = np.nonzero(true[order])  # precision grows at true positives alone
        found = np.arange(1, len(places) + 1)
        precision = np.append(_never_rising(found / (places + 1 + np.spacing(1))), 0)  # COCO's divisor is never zero
        # Division before the comparison, like COCO's: which true positive reaches a recall depends on the rounding.
        result[t] = precision[np.searchsorted(found / instances, RECALLS)]
    return result


def recall_within(matches: Matches, limit: int) -> np.ndarray:
    """(T,) float64: recall of all instances with the best `limit` detections of each image, NaN without instances."""
    found = np.count_nonzero(matches.detection_match[:, matches.detection_rank < limit] >= 0, axis=1)
    return _share(found, matches.in_range[matches.ranges.index("all")])


def recall_of_range(matches: Matches, name: str) -> np.ndarray:
    """(T,) float64: recall of the instances in an occlusion range, NaN where it has none."""
    r = matches.ranges.index(name)
    return _share(np.count_nonzero(matches.ground_truth_match[r] >= 0, axis=1), matches.in_range[r])


def _share(found: np.ndarray, counted: np.ndarray) -> np.ndarray:
    instances = np.count_nonzero(counted)
    return found / instances if instances else np.full(len(found), np.nan)


def _never_rising(values: np.ndarray) -> np.ndarray:
    """Each value, or the greatest one after it."""
    return np.maximum.accumulate(values[::-1])[::-1]
