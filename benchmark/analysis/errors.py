"""What a model does wrong, kind by kind, and the average precision that each kind of error costs.

In the spirit of TIDE (Bolya et al., A General Toolbox for Identifying Object Detection Errors, 2020), with definitions
of our own for overlapping amodal masks. Everything at IoU .5, whatever the class. A detection's own instance is the one
it matches, else the one of greatest IoU. "Half" means at least half.

Every false positive is of one kind, the first that holds:

duplicate    its IoU with an instance, which another detection has matched, reaches .5.
merged       it swallows an instance beside its own (below).
split        half of it lies in its own instance, and that instance is matched by another detection, or half of another
             false positive with that own instance lies in it as well (neither a duplicate nor merged).
poor mask    its IoU with its own instance reaches .1.
background   anything else.

A detection, true or false, swallows an instance if it holds half of its own instance and half of what the other one has
outside its own, and if these pixels are a tenth of the other one at least. So the perfect mask of a shape in front does
not swallow the shape hidden behind it.

Every instance without a match is of one kind, the first that holds:

merged       a detection swallows it, or a merged false positive has it as its own.
split        false positives of the kind "split" have it as their own.
poor mask    false positives of the kind "poor mask" have it as their own.
missed       anything else.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.analysis.average_precision import average_precision
from benchmark.analysis.overlaps import Overlaps, measure
from benchmark.evaluation.match import Matches
from benchmark.evaluation.validate import GroundTruth, Predictions

KINDS = ("missed", "merged", "split", "duplicate", "poor mask", "background")
MISSED, MERGED, SPLIT, DUPLICATE, POOR_MASK, BACKGROUND = range(len(KINDS))

NO_ERROR = -1

FOUND_IOU = 0.5
FOREGROUND_IOU = 0.1
HALF = 0.5
SWALLOWED_SHARE = 0.1
"""Smallest share of an instance whose holding beside another one is no accident of a mask's border."""


@dataclass(frozen=True)
class Errors:
    """Errors of a run, with D detections and G instances in the order of its `Matches`.

    detection_kind: (D,) int64, place in KINDS of a false positive, -1 for a true one. instance_kind: (G,) int64, place
    in KINDS of an instance without a match, -1 for one with. instance_score: (G,) float64, of a merged, split or poorly
    masked instance: the best score of the detections that make it one; 0 for any other.
    """

    detection_kind: np.ndarray
    instance_kind: np.ndarray
    instance_score: np.ndarray


class Cost(NamedTuple):
    """How often one kind of error occurs, and what AP50 gains when it alone is repaired.

    false_positives, unmatched_instances: counts. lost_ap: AP50 repaired - AP50. share: of all that is lost, lost_ap /
    (1 - AP50), 0 where nothing is lost. Repairs overlap in their effect: shares need not sum to 1.
    """

    false_positives: int
    unmatched_instances: int
    lost_ap: float
    share: float


def error_breakdown(matches: Matches, errors: Errors) -> dict[str, Cost] | None:
    """Cost of each kind in KINDS; None without instances, as there is no AP.

    Repaired, false positives of the kind are gone. Instances of the kind are found: with the best score of the
    detections that make them merged, split or poor; missed ones, for which no detection gives a score, are no
    longer looked for (as in TIDE), and AP50 is 1 if no instance is left. With all kinds repaired it is 1.
    """
    if len(errors.instance_kind) == 0:
        return None
    present = repaired_average_precision(matches, errors, ())
    costs = {}
    for kind, name in enumerate(KINDS):
        lost = repaired_average_precision(matches, errors, (kind,)) - present
        costs[name] = Cost(
            false_positives=int(np.count_nonzero(errors.detection_kind == kind)),
            unmatched_instances=int(np.count_nonzero(errors.instance_kind == kind)),
            lost_ap=lost,
            share=lost / (1 - present) if lost > 0 else 0.0,
        )
    return costs


def repaired_average_precision(matches: Matches, errors: Errors, kinds: tuple[int, ...]) -> float:
    """AP50 after the errors of some kinds, places in KINDS, have been repaired. See `error_breakdown`."""
    kept = ~np.isin(errors.detection_kind, kinds)
    wanted = ~((errors.instance_kind == MISSED) & (MISSED in kinds))
    if not wanted.any():
        return 1.0
    found = np.isin(errors.instance_kind, kinds) & wanted
    true = np.concatenate([errors.detection_kind[kept] == NO_ERROR, np.ones(np.count_nonzero(found), dtype=bool)])
    precision = average_precision(
        np.concatenate([matches.scores[kept], errors.instance_score[found]]),
        np.concatenate([matches.detection_image[kept], matches.ground_truth_image[found]]),
        true[None],
        int(np.count_nonzero(wanted)),
    )
    return float(precision[0])


def find_errors(ground_truth: GroundTruth, predictions: Predictions, matches: Matches) -> Errors:
    """Kinds of all false positives and of all instances without a match. matches: of these two."""
    match = matches.detection_match[np.isclose(matches.iou_thresholds, FOUND_IOU)][0]
    detection_kind = np.full(len(match), NO_ERROR)
    instance_kind = np.full(len(matches.ground_truth_image), NO_ERROR)
    instance_score = np.zeros(len(instance_kind))

    images = np.arange(len(matches.image_ids) + 1)
    by_image = np.argsort(matches.ground_truth_image, kind="stable")
    instance_starts = np.searchsorted(matches.ground_truth_image[by_image], images)
    detection_starts = np.searchsorted(matches.detection_image, images)
    place_in_image = np.full(len(instance_kind) + 1, -1)  # the last one is that of "no match", -1
    for i in images[:-1]:
        instances = by_image[instance_starts[i] : instance_starts[i + 1]]
        detections = np.arange(detection_starts[i], detection_starts[i + 1])
        place_in_image[instances] = np.arange(len(instances))
        own_match = place_in_image[match[detections]]
        overlaps = measure(
            [predictions.segmentations[place] for place in matches.detection_index[detections]],
            [ground_truth.segmentations[place] for place in instances],
            own_match,
        )
        kinds = detection_kinds(overlaps, own_match)
        detection_kind[detections] = kinds
        instance_kind[instances], instance_score[instances] = instance_kinds(
            overlaps, own_match, kinds, matches.scores[detections]
        )
    return Errors(detection_kind, instance_kind, instance_score)


def detection_kinds(overlaps: Overlaps, match: np.ndarray) -> np.ndarray:
    """(D,) places in KINDS of one image's false positives, -1 for true positives. match: (D,) instance or -1."""
    instances = len(overlaps.instance_area)
    duplicate = (overlaps.iou >= FOUND_IOU).any(axis=1)
    merged = swallowed(overlaps).any(axis=1)
    piece = (match < 0) & ~duplicate & ~merged & (overlaps.own >= 0)
    piece &= overlaps.of_own(overlaps.shared) >= HALF * overlaps.detection_area
    matched_or_in_pieces = np.concatenate([match[match >= 0], overlaps.own[piece]])
    split = piece.copy()
    split[piece] = np.bincount(matched_or_in_pieces, minlength=instances)[overlaps.own[piece]] > 1
    return np.select(
        [match >= 0, duplicate, merged, split, overlaps.of_own(overlaps.iou) >= FOREGROUND_IOU],
        [NO_ERROR, DUPLICATE, MERGED, SPLIT, POOR_MASK],
        BACKGROUND,
    )


def instance_kinds(
    overlaps: Overlaps, match: np.ndarray, kinds: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kinds (G,) of one image's instances, -1 for matched ones, and the scores (G,) that `Errors` describes.

    match: (D,) instance or -1. kinds: (D,) of the detections, from `detection_kinds`. scores: (D,).
    """
    kind = np.full(len(overlaps.instance_area), MISSED)
    score = np.zeros(len(kind))
    own = overlaps.own[:, None] == np.arange(len(kind))
    for candidate in (POOR_MASK, SPLIT, MERGED):  # a later one overrules
        to_blame = own & (kinds == candidate)[:, None]
        if candidate == MERGED:
            to_blame |= swallowed(overlaps)
        of_kind = to_blame.any(axis=0)
        kind[of_kind] = candidate
        score[of_kind] = np.where(to_blame, scores[:, None], 0).max(axis=0, initial=0)[of_kind]
    matched = match[match >= 0]
    kind[matched], score[matched] = NO_ERROR, 0
    return kind, score


def swallowed(overlaps: Overlaps) -> np.ndarray:
    """(D, G) bool: which instances each detection of one image swallows beside its own."""
    result = np.zeros(overlaps.shared.shape, dtype=bool)
    owning = np.flatnonzero(overlaps.own >= 0)
    own = overlaps.own[owning]
    holds_own = overlaps.shared[owning, own] >= HALF * overlaps.instance_area[own]
    held = overlaps.shared[owning] - overlaps.in_own[owning]
    outside = overlaps.instance_area - overlaps.between[own]
    enough = np.maximum(HALF * outside, SWALLOWED_SHARE * overlaps.instance_area)
    result[owning] = holds_own[:, None] & (held > 0) & (held >= enough)
    return result
