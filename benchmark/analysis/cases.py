"""Failure cases of a run, found and ranked by rule so that nobody picks them (paper Fig. 5 and beyond).

Everything at IoU .5; merged, split, missed, duplicate and poor mask are the kinds of `benchmark.analysis.errors`. Two
kinds need to know more than truth and detections:

suppressed     no detection matches the instance, but one did before non-maximum suppression, overlapped no other
               instance more, and is no longer there.
beyond layers  no detection matches the instance, and less than half of its amodal mask lies in the model's layers, be
               they without a fault: the rest is hidden below more shapes than there are layers.

Cases of a kind are ranked by the best score of the detections to blame; where there is none by pixels, the largest
instance (beyond layers) or the largest visible part (missed) first. Ties stand in the order of images. Only the first
case of an image is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.analysis import errors as kinds
from benchmark.analysis.errors import FOUND_IOU, HALF, Errors, swallowed
from benchmark.analysis.overlaps import Overlaps, measure
from benchmark.evaluation.match import Matches
from benchmark.evaluation.validate import GroundTruth, Predictions
from datasets.rle import mask_areas

SUPPRESSED, MERGED, BEYOND_LAYERS, SPLIT, POOR_MASK, MISSED, DUPLICATE = CASE_KINDS = (
    "suppressed", "merged", "beyond layers", "split", "poor mask", "missed", "duplicate",
)  # fmt: skip


class Matched(NamedTuple):
    """A variant's detections and what they match."""

    predictions: Predictions
    matches: Matches


@dataclass(frozen=True)
class Case:
    """One failure. image: place in the matches' image_ids. instances: places in the ground truth, the one that is not
    found first, then the one that it is merged with. detections: places in the predictions, those to blame, best score
    first; of a duplicate, the match and then the duplicate. removed: place in the predictions without non-maximum
    suppression, of a suppressed detection."""

    image: int
    instances: tuple[int, ...]
    detections: tuple[int, ...] = ()
    removed: int | None = None


@dataclass(frozen=True)
class Cases:
    """The cases of one kind. total: how many there are. shown: the first of the ranking, one an image."""

    total: int
    shown: tuple[Case, ...]


def find_cases(
    ground_truth: GroundTruth,
    shown: Matched,
    errors: Errors,
    limits: dict[str, int],
    unfiltered: Matched | None = None,
    reached: np.ndarray | None = None,
) -> dict[str, Cases]:
    """Cases of each kind that occurs, in the order of CASE_KINDS.

    errors: of `shown`. limits: kind -> how many to show. unfiltered: the same model's variant without non-maximum
    suppression. reached: (G,) share of each instance's amodal mask that lies in the model's layers, see
    `reached_shares`. Without one of these two, its kind is left out.
    """
    scene = _Scenes(ground_truth, shown, errors)
    unmatched = errors.instance_kind != kinds.NO_ERROR
    visible = mask_areas(ground_truth.segmentations) * (1 - shown.matches.occlusion_rates)
    # kind -> (instances, or detections of duplicates; what ranks them; the case of one of them)
    found = {
        name: (np.flatnonzero(errors.instance_kind == kind), errors.instance_score, case)
        for name, kind, case in (
            (MERGED, kinds.MERGED, scene.merged),
            (SPLIT, kinds.SPLIT, lambda g: scene.of_own(g, kinds.SPLIT)),
            (POOR_MASK, kinds.POOR_MASK, lambda g: scene.of_own(g, kinds.POOR_MASK)),
        )
    }
    found[MISSED] = (np.flatnonzero(errors.instance_kind == kinds.MISSED), visible, scene.alone)
    found[DUPLICATE] = (
        np.flatnonzero(errors.detection_kind == kinds.DUPLICATE), shown.matches.scores, scene.duplicate,
    )  # fmt: skip
    if reached is not None:
        beyond = np.flatnonzero(unmatched & (reached < HALF))
        found[BEYOND_LAYERS] = (beyond, mask_areas(ground_truth.segmentations), scene.alone)
    if unfiltered is not None:
        removed = removed_detections(ground_truth, shown.predictions, unfiltered, unmatched)
        scores = np.array(unfiltered.predictions.scores, dtype=np.float64)
        suppressed = np.flatnonzero(removed >= 0)
        found[SUPPRESSED] = (
            suppressed,
            np.where(removed >= 0, scores[removed], 0) if len(scores) else np.zeros(len(removed)),
            lambda g: scene.suppressed(g, int(removed[g]), unfiltered.predictions),
        )
    cases = {}
    for name in CASE_KINDS:
        if name in found and len(found[name][0]):
            places, ranks, case = found[name]
            images = shown.matches.detection_image if name == DUPLICATE else shown.matches.ground_truth_image
            first = first_of_images(places, images[places], ranks[places], limits[name])
            cases[name] = Cases(len(places), tuple(case(int(place)) for place in first))
    return cases


def reached_shares(layers: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """(n,) share of each amodal mask that lies in an image's ground-truth layers.

    layers: (L, H, W) int, 0 for background, else 1 to n. areas: (n,) pixels of the amodal masks.
    """
    return np.bincount(layers.ravel(), minlength=len(areas) + 1)[1:] / np.maximum(areas, 1)


def first_of_images(places: np.ndarray, images: np.ndarray, ranks: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` of `places` by falling rank, none of an image that had one; ties by image, then by place."""
    order = np.lexsort((places, images, -ranks))
    _, firsts = np.unique(images[order], return_index=True)
    return places[order][np.sort(firsts)[:limit]]


def removed_detections(
    truth: GroundTruth, shown: Predictions, unfiltered: Matched, unmatched: np.ndarray
) -> np.ndarray:
    """(G,) place in the unfiltered predictions of the detection that matched each instance and was removed, or -1.

    unmatched: (G,) bool, instances that no shown detection matches. A detection with the very same mask among the shown
    ones was not removed: it now counts for another instance. Nor is one of interest that overlaps another instance
    more: it was rightly removed, as a duplicate.
    """
    at_half = np.isclose(unfiltered.matches.iou_thresholds, FOUND_IOU)
    every = unfiltered.matches.ranges.index("all")
    match = unfiltered.matches.ground_truth_match[every, at_half][0].copy()
    match[~unmatched] = -1
    kept = {(image, mask["counts"]) for image, mask in zip(shown.image_ids, shown.segmentations, strict=True)}
    found = unfiltered.predictions
    images = unfiltered.matches.ground_truth_image
    for g in np.flatnonzero(match >= 0):
        mask = found.segmentations[match[g]]
        neighbours = [truth.segmentations[other] for other in np.flatnonzero(images == images[g])]
        iou = coco_mask.iou([mask], neighbours, [0] * len(neighbours))
        own = coco_mask.iou([mask], [truth.segmentations[g]], [0])[0, 0]
        if own < iou.max() or (found.image_ids[match[g]], mask["counts"]) in kept:
            match[g] = -1
    return match


def box_iou(box: Sequence[float], boxes: np.ndarray) -> np.ndarray:
    """(n,) IoU of one box with each of (n, 4); x, y, width, height."""
    box = np.asarray(box)
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    return shared / np.maximum(box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared, 1)


@dataclass(frozen=True)
class _Scenes:
    """Details of single cases, from the overlaps of their image."""

    ground_truth: GroundTruth
    shown: Matched
    errors: Errors

    def alone(self, g: int) -> Case:
        """The instance, and the detection that comes closest to it, if one has it as its own."""
        image, instances, detections, overlaps = self._image(g)
        here = int(np.flatnonzero(instances == g)[0])
        own = np.flatnonzero(overlaps.own == here)
        best = own[np.argsort(-overlaps.iou[own, here], kind="stable")[:1]]
        return Case(image, (g,), self._places(detections[best]))

    def of_own(self, g: int, kind: int) -> Case:
        """The instance and the false positives of `kind` that have it as their own."""
        image, instances, detections, overlaps = self._image(g)
        own = (instances[overlaps.own] == g) & (overlaps.own >= 0)
        return Case(image, (g,), self._places(detections[own & (self.errors.detection_kind[detections] == kind)]))

    def merged(self, g: int) -> Case:
        """The instance, the other one in the same detection, and the best such detection."""
        image, instances, detections, overlaps = self._image(g)
        here = int(np.flatnonzero(instances == g)[0])
        swallows = swallowed(overlaps)
        merged = self.errors.detection_kind[detections] == kinds.MERGED
        blamed = np.flatnonzero(swallows[:, here] | (merged & (overlaps.own == here)))
        best = blamed[self.shown.matches.scores[detections[blamed]].argmax()]
        other = overlaps.own[best]
        if other == here:
            other = np.where(swallows[best], overlaps.shared[best], -1).argmax()
        return Case(image, (g, int(instances[other])), self._places(detections[[best]]))

    def duplicate(self, d: int) -> Case:
        """The instance found twice, its match and the duplicate."""
        image = int(self.shown.matches.detection_image[d])
        instances, detections, overlaps = self._overlaps(image)
        here = int(overlaps.iou[np.flatnonzero(detections == d)[0]].argmax())
        g = int(instances[here])
        match = self._match()[detections] == g
        return Case(image, (g,), self._places(np.concatenate([detections[match], [d]])))

    def suppressed(self, g: int, removed: int, unfiltered: Predictions) -> Case:
        """The instance, the removed detection, and of the kept ones that may have removed it the closest by box."""
        image, _, detections, _ = self._image(g)
        predictions, places = self.shown.predictions, self.shown.matches.detection_index[detections]
        rivals = [
            place for place in places
            if predictions.category_ids[place] == unfiltered.category_ids[removed]
            and predictions.scores[place] >= unfiltered.scores[removed]
        ]  # fmt: skip
        if not rivals:
            return Case(image, (g,), (), removed)
        box = coco_mask.toBbox(unfiltered.segmentations[removed])
        overlap = box_iou(box, np.stack([coco_mask.toBbox(predictions.segmentations[place]) for place in rivals]))
        return Case(image, (g,), (int(rivals[overlap.argmax()]),), removed)

    def _image(self, g: int) -> tuple[int, np.ndarray, np.ndarray, Overlaps]:
        image = int(self.shown.matches.ground_truth_image[g])
        return image, *self._overlaps(image)

    def _overlaps(self, image: int) -> tuple[np.ndarray, np.ndarray, Overlaps]:
        """(n,) places of an image's instances, (m,) of its detections in the matches, and their overlaps."""
        matches = self.shown.matches
        instances = np.flatnonzero(matches.ground_truth_image == image)
        detections = np.flatnonzero(matches.detection_image == image)
        place = {-1: -1} | {int(g): i for i, g in enumerate(instances)}
        return instances, detections, measure(
            [self.shown.predictions.segmentations[i] for i in matches.detection_index[detections]],
            [self.ground_truth.segmentations[g] for g in instances],
            np.array([place[int(g)] for g in self._match()[detections]], dtype=np.int64),
        )  # fmt: skip

    def _match(self) -> np.ndarray:
        """(D,) place of the matched instance, -1 for a false positive."""
        matches = self.shown.matches
        return matches.detection_match[np.isclose(matches.iou_thresholds, FOUND_IOU)][0]

    def _places(self, detections: np.ndarray) -> tuple[int, ...]:
        """Places in the predictions; the matches of an image stand by falling score already."""
        return tuple(int(place) for place in self.shown.matches.detection_index[detections])
