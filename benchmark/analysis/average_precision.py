"""Average precision in two readings of one curve: COCO's of a data set, and the exact area, also of many resamples.

COCO reads the interpolated precision (the greatest precision at a recall or any higher one) at 101 recalls, so that AP
moves in steps: it jumps when recall passes a whole per cent. The area under the same curve moves with every detection.
COCO's value is the one to print; the area is the one whose spread over resamples tells two models apart.
"""

import numpy as np
from scipy.sparse import csr_array

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO's interpolated precision is read."""

CHUNK = 2_000
"""Resamples at a time: their running sums then stay in the processor's cache."""


def average_precision(scores: np.ndarray, images: np.ndarray, true_positives: np.ndarray, instances: int) -> np.ndarray:
    """(T,) float64: COCO's average precision at T IoU thresholds, the mean of `interpolated_precision`."""
    return interpolated_precision(scores, images, true_positives, instances).mean(axis=1)


def interpolated_precision(
    scores: np.ndarray, images: np.ndarray, true_positives: np.ndarray, instances: int
) -> np.ndarray:
    """(T, 101) float64: COCO's precision at `RECALLS` at T IoU thresholds, 0 beyond the last recall, NaN without
    instances.

    scores: (D,) of D detections. images: (D,) int, image of each. true_positives: (T, D) bool, which of them match an
    instance. instances: ground-truth instances in all images. Equal scores count in the order of the images, and within
    one in the order given, as in COCO's evaluation.
    """
    if instances == 0:
        return np.full((len(true_positives), len(RECALLS)), np.nan)
    order = np.lexsort((images, -scores))
    result = np.zeros((len(true_positives), len(RECALLS)))
    for t, true in enumerate(true_positives[:, order]):
        (places,) = np.nonzero(true)  # precision grows at true positives alone
        found = np.arange(1, len(places) + 1)
        precision = np.append(_never_rising(found / (places + 1)), 0)
        # Division before the comparison, like COCO's: which true positive reaches a recall depends on the rounding.
        result[t] = precision[np.searchsorted(found / instances, RECALLS)]
    return result


def interpolated_area(
    scores: np.ndarray,
    images: np.ndarray,
    true_positives: np.ndarray,
    instances: np.ndarray,
    multiplicities: np.ndarray,
) -> np.ndarray:
    """(T, B) float64: exact area under the interpolated curve at T IoU thresholds in B resamples of I images.

    scores: (D,) of D detections. images: (D,) int, image of each, in [0, I). true_positives: (T, D) bool, which of
    them match an instance. instances: (I,) int, ground-truth instances of each image. multiplicities: (I, B) float32
    whole numbers, how often a resample holds each image; ones for the data set itself. NaN without instances.

    Order as for `average_precision`; the copies of a detection follow one another.

    Between two false positives precision does not fall, so that all true positives of such a row have the same
    interpolated precision: that at the row's end. A row is therefore one step of the curve.
    """
    order = np.lexsort((images, -scores))
    images, true_positives = images[order], true_positives[:, order]
    total = instances.astype(np.float32) @ multiplicities
    area = np.zeros((len(true_positives), multiplicities.shape[1]))
    for t, true in enumerate(true_positives):
        found, false = _rows(true, images, len(instances))
        for start in range(0, multiplicities.shape[1], CHUNK):
            chunk = slice(start, start + CHUNK)
            weights = np.ascontiguousarray(multiplicities[:, chunk])
            area[t, chunk] = _area(found @ weights, false @ weights)
    return np.divide(area, total, out=np.full_like(area, np.nan), where=total > 0)


def _rows(true: np.ndarray, images: np.ndarray, image_count: int) -> tuple[csr_array, csr_array]:
    """Two tables (R, I) float32, of each of R rows and each image: true positives of a row that no false positive
    interrupts, and false positives between the row before it and this one."""
    ends = np.flatnonzero(true & ~np.append(true[1:], False))
    row = np.searchsorted(ends, np.arange(len(true)))
    kept = row < len(ends)  # what follows the last true positive changes nothing

    def table(chosen: np.ndarray) -> csr_array:
        ones = np.ones(np.count_nonzero(chosen), np.float32)
        return csr_array((ones, (row[chosen], images[chosen])), shape=(len(ends), image_count))

    return table(true & kept), table(~true & kept)


def _area(found: np.ndarray, false: np.ndarray) -> np.ndarray:
    """(B,) float64 sum over R steps of their true positives times the interpolated precision.

    found, false: (R, B) float32, true positives of each step and false ones before it; both are overwritten. Every
    operation stands by itself and in a fixed order, so that all machines agree to the last bit.
    """
    running_found, running = np.zeros_like(found[:1]), np.full_like(found[:1], 1e-30)  # no detection yet: precision 0
    for of_step, false_before in zip(found[:, None], false[:, None], strict=True):
        running_found += of_step
        running += of_step
        running += false_before
        np.divide(running_found, running, out=false_before)
    best, area = np.zeros(found.shape[1], np.float32), np.zeros(found.shape[1])
    for of_step, precision in zip(found[::-1], false[::-1], strict=True):
        np.maximum(best, precision, out=best)
        of_step *= best
        area += of_step
    return area


def _never_rising(values: np.ndarray) -> np.ndarray:
    """Each value, or the greatest one after it."""
    return np.maximum.accumulate(values[::-1])[::-1]
