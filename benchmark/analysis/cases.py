"""Failure cases of a run, found and ranked by rule so that nobody picks them (paper Fig. 5 and beyond).

Everything at IoU .5. The kinds are the reasons why instances are not found (`benchmark.analysis.reasons`), and
duplicates (`benchmark.analysis.errors`).

Cases of a kind are ranked by the best score of the detections to blame; where there is none by pixels, the largest
instance (beyond layers) or the largest visible part (cut off, never found) first. Ties stand in the order of images.
Only the first case of an image is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.analysis import errors as kinds
from benchmark.analysis.errors import FOUND_IOU, Errors, swallowed
from benchmark.analysis.overlaps import Overlaps, measure
from benchmark.analysis.reasons import (
    BEYOND_LAYERS,
    CUT_OFF,
    MERGED,
    NEVER_FOUND,
    POOR_MASK,
    SPLIT,
    SUPPRESSED,
    Matched,
    Reasons,
)
from benchmark.evaluation.validate import GroundTruth, Predictions
from datasets.rle import mask_areas

DUPLICATE = kinds.KINDS[kinds.DUPLICATE]
CASE_KINDS = (SUPPRESSED, CUT_OFF, MERGED, BEYOND_LAYERS, SPLIT, POOR_MASK, NEVER_FOUND, DUPLICATE)


@dataclass(frozen=True)
class Case:
    """One failure. image: place in the matches' image_ids. instances: places in the ground truth, the one that is not
    found first, then the one that it is merged with. detections: places in the predictions, those to blame, best score
    first; of a duplicate, the match and then the duplicate. elsewhere: of an instance that is suppressed or cut off,
    place of the detection that finds it in the predictions of the variant that still has it."""

    image: int
    instances: tuple[int, ...]
    detections: tuple[int, ...] = ()
    elsewhere: int | None = None


@dataclass(frozen=True)
class Cases:
    """The cases of one kind. total: how many there are. shown: the first of the ranking, one an image."""

    total: int
    shown: tuple[Case, ...]


def find_cases(
    ground_truth: GroundTruth,
    shown: Matched,
    errors: Errors,
    reasons: Reasons,
    others: dict[str, Matched],
    limits: dict[str, int],
) -> dict[str, Cases]:
    """Cases of each kind that occurs, in the order of CASE_KINDS.

    errors, reasons: of `shown`. others: as for `find_reasons`. limits: kind -> how many to show.
    """
    scene = _Scenes(ground_truth, shown, errors)
    areas = mask_areas(ground_truth.segmentations)
    visible = areas * (1 - shown.matches.occlusion_rates)
    # kind -> (what ranks the instances, the case of one of them)
    of_kind: dict[str, tuple[np.ndarray, Callable[[int], Case]]] = {
        MERGED: (errors.instance_score, scene.merged),
        SPLIT: (errors.instance_score, lambda g: scene.of_own(g, kinds.SPLIT)),
        POOR_MASK: (errors.instance_score, lambda g: scene.of_own(g, kinds.POOR_MASK)),
        BEYOND_LAYERS: (areas, scene.alone),
        NEVER_FOUND: (visible, scene.alone),
    }
    if CUT_OFF in reasons.elsewhere:
        cut_off = reasons.elsewhere[CUT_OFF]
        of_kind[CUT_OFF] = (visible, lambda g: scene.cut_off(g, int(cut_off[g])))
    if SUPPRESSED in reasons.elsewhere:
        suppressed, other = reasons.elsewhere[SUPPRESSED], others[SUPPRESSED].predictions
        scores = np.append(np.array(other.scores, dtype=np.float64), 0.0)  # the last one is that of no detection, -1
        of_kind[SUPPRESSED] = (scores[suppressed], lambda g: scene.suppressed(g, int(suppressed[g]), other))
    duplicates = np.flatnonzero(errors.detection_kind == kinds.DUPLICATE)
    found = {
        kind: (reasons.of(kind), ranks, case, shown.matches.ground_truth_image)
        for kind, (ranks, case) in of_kind.items()
    }
    found[DUPLICATE] = (duplicates, shown.matches.scores, scene.duplicate, shown.matches.detection_image)
    cases = {}
    for kind in CASE_KINDS:
        if kind in found and len(found[kind][0]):
            places, ranks, case, images = found[kind]
            first = first_of_images(places, images[places], ranks[places], limits[kind])
            cases[kind] = Cases(len(places), tuple(case(int(place)) for place in first))
    return cases


def first_of_images(places: np.ndarray, images: np.ndarray, ranks: np.ndarray, limit: int) -> np.ndarray:
    """At most `limit` of `places` by falling rank, none of an image that had one; ties by image, then by place."""
    order = np.lexsort((places, images, -ranks))
    _, firsts = np.unique(images[order], return_index=True)
    return places[order][np.sort(firsts)[:limit]]


def box_iou(box: Sequence[float], boxes: np.ndarray) -> np.ndarray:
    """(n,) IoU of one box with each of (n, 4); x, y, width, height."""
    one = np.asarray(box)
    low, high = np.maximum(one[:2], boxes[:, :2]), np.minimum(one[:2] + one[2:], boxes[:, :2] + boxes[:, 2:])
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

    def cut_off(self, g: int, place: int) -> Case:
        """The instance and its detection within wider limits."""
        return Case(int(self.shown.matches.ground_truth_image[g]), (g,), (), place)

    def suppressed(self, g: int, place: int, other: Predictions) -> Case:
        """The instance, its detection where less is suppressed, and of the kept ones that may have removed that, as
        they are of its class and score as much, the closest by box."""
        image, _, detections, _ = self._image(g)
        predictions, places = self.shown.predictions, self.shown.matches.detection_index[detections]
        rivals = [
            kept for kept in places
            if predictions.category_ids[kept] == other.category_ids[place]
            and predictions.scores[kept] >= other.scores[place]
        ]  # fmt: skip
        if not rivals:
            return Case(image, (g,), (), place)
        box = coco_mask.toBbox(other.segmentations[place])
        overlap = box_iou(box, np.stack([coco_mask.toBbox(predictions.segmentations[kept]) for kept in rivals]))
        return Case(image, (g,), (int(rivals[overlap.argmax()]),), place)

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
