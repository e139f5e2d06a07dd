"""Metrics of the field beside the protocol's: how well masks fit where they match, and what scores are worth.

Defined in docs/protocol.md ("Metrics of the field"), each with an example worked by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.evaluation.depth_order import count_order_pairs
from benchmark.evaluation.match import Matches
from benchmark.evaluation.validate import GroundTruth, Predictions, read_annotations
from datasets.errors import InputError
from datasets.rle import EncodedMasks, mask_areas

MATCHED_IOU = 0.5

BINS = 10
"""Of scores, equally wide."""

VisibleMasks = Mapping[int, dict[str, Any]]
"""Annotation id -> visible mask, RLE."""

NONE_VISIBLE: VisibleMasks = {}


class Calibration(NamedTuple):
    """Detections in bins of score. detections: (bins,) int64. mean_score: (bins,) float64. true: (bins,) float64, share
    of them that match an instance at IoU .5; both NaN in an empty bin."""

    detections: np.ndarray
    mean_score: np.ndarray
    true: np.ndarray


class MasksById(Mapping[int, dict]):
    """Masks by the ids of their annotations, in the memory that they take encoded."""

    def __init__(self, ids: np.ndarray, masks: EncodedMasks):
        self._masks, self._places = masks, dict(zip(ids.tolist(), range(len(ids)), strict=True))

    def __getitem__(self, annotation_id: int) -> dict:
        return self._masks[self._places[int(annotation_id)]]

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Quality(NamedTuple):
    """mean_iou: of whole amodal masks of matched instances; mean_iou_hidden: of their hidden parts; both None without.
    calibration_error: expected, in [0, 1], None without detections. order_of_all_pairs: share of all overlapping pairs
    of instances, found or not, that the predicted depth order puts the right way round; None without an order or
    pairs."""

    mean_iou: float | None
    mean_iou_hidden: float | None
    calibration_error: float | None
    order_of_all_pairs: float | None = None


def quality(ground_truth: GroundTruth, visible: VisibleMasks, predictions: Predictions, matches: Matches) -> Quality:
    """Of one results file. visible: of the instances; one without has no hidden part to score."""
    detection = _matched(matches)
    (found,) = np.nonzero(detection >= 0)
    whole, hidden = [], []
    for g in found:
        truth, mask = ground_truth.segmentations[g], predictions.segmentations[detection[g]]
        whole.append(_iou(truth, mask))
        seen = visible.get(ground_truth.annotation_ids[g])
        if seen is not None and _outside(truth, seen) > 0:
            hidden.append(_hidden_iou(truth, mask, seen))
    error = calibration_error(calibration_of(matches))
    return Quality(_mean(whole), _mean(hidden), error, _order_of_all_pairs(ground_truth, matches))


def calibration_of(matches: Matches) -> Calibration:
    """Of the detections at IoU .5."""
    return calibration(matches.scores, matches.detection_match[np.isclose(matches.iou_thresholds, MATCHED_IOU)][0] >= 0)


def visible_masks(annotations: Path) -> VisibleMasks:
    """Of the instances with a visible pixel; none where the annotations carry no visible masks."""
    try:
        truth = read_annotations(annotations, "visible")
    except InputError:
        return NONE_VISIBLE
    return MasksById(truth.annotation_ids, truth.segmentations)


def calibration(scores: np.ndarray, true: np.ndarray, bins: int = BINS) -> Calibration:
    """scores: (D,) float in [0, 1]. true: (D,) bool. Scores in `bins` equal bins, of which each holds its lower edge,
    and the last one 1 as well."""
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    detections = np.bincount(place, minlength=bins)
    sums = (np.bincount(place, values, minlength=bins) for values in (scores, true))
    scored, found = (of / np.where(detections, detections, np.nan) for of in sums)
    return Calibration(detections, scored, found)


def calibration_error(found: Calibration) -> float | None:
    """Expected calibration error (Guo et al., On Calibration of Modern Neural Networks, 2017): in each bin the
    difference of the mean score and the share of true positives, weighted with its detections. None without any."""
    total = found.detections.sum()
    difference = np.abs(found.mean_score - found.true)
    return float(np.nansum(difference * found.detections) / total) if total else None


def _order_of_all_pairs(ground_truth: GroundTruth, matches: Matches) -> float | None:
    if matches.order_pairs is None or ground_truth.orders is None:
        return None
    orders = ground_truth.orders
    images = matches.ground_truth_image
    pairs = count_order_pairs(len(matches.image_ids), images, ground_truth.segmentations, orders, orders)[1].sum()
    return float(matches.order_pairs[0].sum() / pairs) if pairs else None


def _matched(matches: Matches) -> np.ndarray:
    """(G,) place in the predictions of the detection that matches each instance at IoU .5, or -1."""
    at_half = np.isclose(matches.iou_thresholds, MATCHED_IOU)
    return matches.ground_truth_match[matches.ranges.index("all"), at_half][0]


def _iou(a: dict[str, Any], b: dict[str, Any]) -> float:
    return float(coco_mask.iou([a], [b], [0])[0, 0])


def _outside(mask: dict[str, Any], seen: dict[str, Any]) -> int:
    """Pixels of a mask outside the visible one."""
    whole, shared = mask_areas([mask, coco_mask.merge([mask, seen], intersect=True)])
    return int(whole - shared)


def _hidden_iou(truth: dict[str, Any], mask: dict[str, Any], seen: dict[str, Any]) -> float:
    """IoU of two masks, both without the pixels where the instance is seen."""
    both = _outside(coco_mask.merge([truth, mask], intersect=True), seen)
    return both / _outside(coco_mask.merge([truth, mask]), seen)


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
