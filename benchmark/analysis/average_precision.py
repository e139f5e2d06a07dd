"""Average precision in two readings of one curve: COCO's of a data set, and the exact area, also of many resamples.

COCO reads the interpolated precision (the greatest precision at a recall or any higher one) at 101 recalls, so that AP
moves in steps: it jumps when recall passes a whole per cent. The area under the same curve moves with every detection.
COCO's value is the one to print; the area is the one whose spread over resamples tells two models apart.
"""

import numpy as np
from scipy.sparse import csr_array

from benchmark.evaluation.curves import precision_at_recalls

CHUNK = 2_000
"""Resamples at a time: their running sums then stay in the processor's cache."""

ROWS = 20_000
"""Steps of the curve at a time: with `CHUNK` resamples they fill 160 MB twice."""


def average_precision(scores: np.ndarray, images: np.ndarray, true_positives: np.ndarray, instances: int) -> np.ndarray:
    """(T,) float64: COCO's average precision at T IoU thresholds, the mean of `precision_at_recalls`."""
    return precision_at_recalls(scores, images, true_positives, instances).mean(axis=1)


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
            area[t, chunk] = _area_by_blocks(found, false, np.ascontiguousarray(multiplicities[:, chunk]))
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


def _area_by_blocks(found: csr_array, false: csr_array, weights: np.ndarray) -> np.ndarray:
    """(B,) float64 sum over R steps of their true positives times the interpolated precision.

    found, false: (R, I), from `_rows`. weights: (I, B) float32 whole numbers. The interpolated precision of a step
    depends on those after it, so that blocks of `ROWS` steps take their turn from the last one to the first.
    """
    resamples = weights.shape[1]
    starts = range(0, found.shape[0], ROWS)
    before = [np.zeros((2, resamples), np.float32)]  # true and all positives before each block: whole, hence exact
    for start in starts[:-1]:
        block = slice(start, start + ROWS)
        in_block = np.stack([np.asarray(table[block].sum(axis=0)) for table in (found, false)]) @ weights
        before.append(before[-1] + np.stack([in_block[0], in_block.sum(axis=0)]))
    best, area = np.zeros(resamples, np.float32), np.zeros(resamples)
    for start, (found_before, all_before) in zip(reversed(starts), reversed(before), strict=False):
        block = slice(start, start + ROWS)
        _add_area(found[block] @ weights, false[block] @ weights, found_before, all_before, best, area)
    return area


def _add_area(
    found: np.ndarray, false: np.ndarray, found_before: np.ndarray, all_before: np.ndarray,
    best: np.ndarray, area: np.ndarray,
) -> None:  # fmt: skip
    """Add what R steps contribute to `area`, (B,) float64, and to `best`, (B,) float32, the precision of later steps.

    found, false: (R, B) float32, true positives of each step and false ones before it. found_before, all_before: (B,)
    float32, true and all positives before the first step. All four are overwritten. Every operation stands by itself
    and in a fixed order, so that all machines agree to the last bit.
    """
    np.maximum(all_before, np.float32(1e-30), out=all_before)  # no detection yet: precision 0
    for of_step, false_before in zip(found, false, strict=True):
        found_before += of_step
        all_before += of_step
        all_before += false_before
        np.divide(found_before, all_before, out=false_before)
    for of_step, precision in zip(found[::-1], false[::-1], strict=True):
        np.maximum(best, precision, out=best)
        of_step *= best
        area += of_step
