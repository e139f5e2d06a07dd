"""Why a model does not find an instance: what NMS removed, what limits on detections cut off, what layers cannot hold.

At IoU .5. Every instance that no detection matches is lost for one reason, the first that holds:

suppressed     a variant of the same model that suppresses fewer detections finds it;
cut off        a variant with wider limits (a lower score floor, more detections in an image) finds it;
beyond layers  less than half of its amodal mask lies in the model's layers, be they without a fault: the rest is hidden
               below more shapes than there are layers;
merged, split, poor mask
               the kinds of `benchmark.analysis.errors`;
never found    the model has no detection of it under any of these settings: what is left of the kind "missed" there.

Among many detections one matches a lost instance by chance: a duplicate of its neighbour. So another variant finds an
instance only by a detection that overlaps no other instance more, and whose very mask is not among those that are left.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.analysis.errors import FOUND_IOU, HALF, KINDS, MISSED, NO_ERROR, Errors
from benchmark.evaluation.match import Matches
from benchmark.evaluation.validate import GroundTruth, Predictions

SUPPRESSED, CUT_OFF, BEYOND_LAYERS, MERGED, SPLIT, POOR_MASK, NEVER_FOUND = REASONS = (
    "suppressed", "cut off", "beyond layers", "merged", "split", "poor mask", "never found",
)  # fmt: skip

FOUND = -1


class Matched(NamedTuple):
    """A variant's detections and what they match."""

    predictions: Predictions
    matches: Matches


@dataclass(frozen=True)
class Reasons:
    """Why each of G instances is not found. reason: (G,) int64, place in REASONS, -1 for an instance that is found.

    elsewhere: reason -> (G,) int64, for SUPPRESSED and CUT_OFF where the other variant is known: place in its
    predictions of the detection that finds the instance, -1 for none. reached: (G,) float64, see `find_reasons`.
    """

    reason: np.ndarray
    elsewhere: dict[str, np.ndarray]
    reached: np.ndarray | None = None

    def of(self, reason: str) -> np.ndarray:
        """Places of the instances that are lost for it, ascending."""
        return np.flatnonzero(self.reason == REASONS.index(reason))


def find_reasons(
    ground_truth: GroundTruth,
    shown: Matched,
    errors: Errors,
    others: dict[str, Matched],
    reached: np.ndarray | None = None,
) -> Reasons:
    """Why each instance without a match among `shown` is lost.

    errors: of `shown`. others: by SUPPRESSED and CUT_OFF, the variant that shows what is lost for that.
    reached: (G,) share of each instance's amodal mask that lies in the model's layers, see `reached_shares`.
    """
    lost = errors.instance_kind != NO_ERROR
    elsewhere = {
        reason: found_elsewhere(ground_truth, shown.predictions, other, lost) for reason, other in others.items()
    }
    holds = {reason: found >= 0 for reason, found in elsewhere.items()}
    if reached is not None:
        holds[BEYOND_LAYERS] = reached < HALF
    holds |= {name: errors.instance_kind == kind for kind, name in enumerate(KINDS) if name in REASONS}
    holds[NEVER_FOUND] = errors.instance_kind == MISSED
    chosen = [place for place, reason in enumerate(REASONS) if reason in holds]
    reason = np.select([~lost, *(holds[REASONS[place]] for place in chosen)], [FOUND, *chosen], FOUND)
    return Reasons(reason, elsewhere, reached)


def found_elsewhere(truth: GroundTruth, shown: Predictions, other: Matched, lost: np.ndarray) -> np.ndarray:
    """(G,) place in the other variant's predictions of the detection that finds each lost instance there, or -1.

    lost: (G,) bool, instances that no shown detection matches. A detection with the very same mask among the shown
    ones was not removed: it now counts for another instance. Nor is one of interest that overlaps another instance
    more: it was rightly removed, as a duplicate.
    """
    at_half = np.isclose(other.matches.iou_thresholds, FOUND_IOU)
    every = other.matches.ranges.index("all")
    match = other.matches.ground_truth_match[every, at_half][0].copy()
    match[~lost] = -1
    kept = {(image, mask["counts"]) for image, mask in zip(shown.image_ids, shown.segmentations, strict=True)}
    found, images = other.predictions, other.matches.ground_truth_image
    by_image = np.argsort(images, kind="stable")
    starts = np.searchsorted(images[by_image], np.arange(len(other.matches.image_ids) + 1))
    for g in np.flatnonzero(match >= 0):
        mask = found.segmentations[match[g]]
        neighbours = by_image[starts[images[g]] : starts[images[g] + 1]]
        iou = coco_mask.iou([mask], [truth.segmentations[i] for i in neighbours], [0] * len(neighbours))[0]
        if iou[neighbours == g][0] < iou.max() or (found.image_ids[match[g]], mask["counts"]) in kept:
            match[g] = -1
    return match


def reached_shares(layers: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """(n,) share of each amodal mask that lies in an image's ground-truth layers.

    layers: (L, H, W) int, 0 for background, else 1 to n. areas: (n,) pixels of the amodal masks.
    """
    return np.bincount(layers.ravel(), minlength=len(areas) + 1)[1:] / np.maximum(areas, 1)
