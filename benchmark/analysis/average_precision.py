"""Average precision of many resamples of the same images at once, equal to COCO's on each resampled data set.

COCO sorts all detections by falling score, ties image by image, and reads the precision at 101 recalls off the curve
that they draw one by one, as the greatest precision at that recall or any higher one. An image that a resample holds w
times adds each of its detections w times. Three facts make a resample cheap, with detections sorted once for all:

- Precision grows only at true positives, so that the curve is needed at those alone. What stands before them comes
  from one running sum of the multiplicities of all detections, whatever the IoU threshold.
- The w copies of a true positive follow one another. Precision does not fall from one to the next, and the greatest
  one at a recall or any higher one looks at the last copy only: one step of the curve with the weight w.
- This fails only in a tie of several detections of one image, some of them true and some false, because whole images
  are copied: such a tie "true, false" comes as "true, false, true, false". It gets one step per true positive and copy.
"""

from dataclasses import dataclass

import numpy as np

RECALLS = np.linspace(0, 1, 101)
"""Recalls at which COCO's interpolated precision is read."""


def average_precision(
    scores: np.ndarray,
    images: np.ndarray,
    true_positives: np.ndarray,
    instances: np.ndarray,
    multiplicities: np.ndarray,
) -> np.ndarray:
    """(B, T) float64: COCO's average precision of B resamples of I images at T IoU thresholds, NaN without instances.

    scores: (D,) of D detections. images: (D,) int, image of each, in [0, I). true_positives: (T, D) bool, which of
    them match an instance. instances: (I,) int, ground-truth instances of each image. multiplicities: (B, I) int, how
    often a resample holds each image; ones for the data set itself.

    Equal scores count in the order of the images, and within one in the order given, as in COCO's evaluation if the
    copies of an image stand beside each other.
    """
    order = np.lexsort((images, -scores))
    images = images[order]
    ties = _Ties.of(scores[order], images)
    copies = int(multiplicities.max(initial=1))
    steps = [_Steps.of(true[order], images, ties, copies, len(instances)) for true in true_positives]

    result = np.full((len(multiplicities), len(true_positives)), np.nan)
    for b, (weights, total) in enumerate(zip(multiplicities, multiplicities @ instances, strict=True)):
        if total == 0:
            continue
        # Division before the comparison, like COCO's: which true positive reaches a recall depends on the rounding.
        needed = np.searchsorted(np.arange(total + 1) / total, RECALLS)
        detections = np.zeros(len(images) + 1)
        np.cumsum(weights[images], out=detections[1:])
        table = np.concatenate([weights[None], weights > np.arange(copies)[:, None]], dtype=np.float64).ravel()
        result[b] = [step.average_precision(needed, detections, table) for step in steps]
    return result


@dataclass(frozen=True)
class _Ties:
    """Runs of sorted detections with the same score and image. of_detection: (D,) number of each one's run. first: (D,)
    and size: (D,) of that run."""

    of_detection: np.ndarray
    first: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, images: np.ndarray) -> "_Ties":
        starts = np.ones(len(scores), dtype=bool)
        starts[1:] = (scores[1:] != scores[:-1]) | (images[1:] != images[:-1])
        of_detection = np.cumsum(starts) - 1
        return cls(of_detection, np.flatnonzero(starts)[of_detection], np.bincount(of_detection)[of_detection])


@dataclass(frozen=True)
class _Steps:
    """The S steps of one precision-recall curve, for any weights of the images.

    weight: (S,) index into the table of weights, copies + 1 rows of I: the multiplicity of each image, and whether an
    image has more than 0, 1, ... copies. before: (S,) index into the running sum of all detections' weights. extra:
    (S,) float64 detections that precede the end of the step besides those.

    A step of weight 0 repeats the recall of the one before it at no greater precision, hence changes nothing.
    """

    weight: np.ndarray
    before: np.ndarray
    extra: np.ndarray

    @classmethod
    def of(cls, true: np.ndarray, images: np.ndarray, ties: _Ties, copies: int, image_count: int) -> "_Steps":
        found = np.flatnonzero(true)
        true_in_tie = np.bincount(ties.of_detection[found], minlength=len(true))[ties.of_detection[found]]
        repeats = np.where(true_in_tie < ties.size[found], copies, 1)
        copy = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        found = np.repeat(found, repeats)
        sequence = np.lexsort((found, copy, np.where(np.repeat(repeats, repeats) > 1, ties.first[found], found)))
        found, copy, mixed = found[sequence], copy[sequence], np.repeat(repeats, repeats)[sequence] > 1
        place = found - ties.first[found] + 1
        return cls(
            weight=np.where(mixed, 1 + copy, 0) * image_count + images[found],
            before=np.where(mixed, ties.first[found], found + 1),
            extra=np.where(mixed, copy * ties.size[found] + place, 0).astype(np.float64),
        )

    def average_precision(self, needed: np.ndarray, detections: np.ndarray, table: np.ndarray) -> float:
        """needed: (101,) true positives at each recall. detections: (D + 1,) running sum. table: weights, flat."""
        true = np.cumsum(table[self.weight])
        starts = np.searchsorted(true, needed)
        starts = starts[: np.searchsorted(starts, len(true))]  # recalls that are reached
        if len(starts) == 0:
            return 0.0
        precision = true / np.maximum(detections[self.before] + self.extra, 1)
        best_between = np.maximum.reduceat(precision, starts)
        return np.maximum.accumulate(best_between[::-1]).sum() / len(RECALLS)
