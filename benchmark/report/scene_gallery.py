"""Predictions beside the truth for the first evaluation images: not chosen, so not flattering."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmark.analysis import errors
from benchmark.analysis.cases import CASE_KINDS, DUPLICATE
from benchmark.analysis.errors import HALF
from benchmark.analysis.reasons import FOUND, POOR_MASK, REASONS, reached_shares
from benchmark.evaluation.match import OCCLUSION_RANGES
from benchmark.released.outcomes import Evaluation, Outcome
from benchmark.report.formats import format_percent
from benchmark.report.page.parts import Gallery, GalleryScene
from benchmark.report.pictures.colors import to_rgb
from benchmark.report.pictures.paint import UNMATCHED_COLOR, Panel, instance_colors, paint_instances
from benchmark.runs.record import ReleasedRun
from datasets.coco import decode_masks

_NOUNS = (DUPLICATE, POOR_MASK)

THIRDS = ("low", "middle", "high")
"""Of a gallery's scenes, by their share of heavily occluded instances."""


def galleries_of(
    anchor: str, evaluations: Sequence[Evaluation], chosen: Callable[[ReleasedRun], bool], limit: int
) -> list[Gallery]:
    """A gallery of each evaluation set with a `chosen` run. anchor: of its section."""
    galleries = []
    for evaluation in evaluations:
        outcomes = tuple(outcome for outcome in evaluation.outcomes if chosen(outcome.run))
        if outcomes:
            galleries.append(build_gallery(anchor, replace(evaluation, outcomes=outcomes), limit))
    return galleries


def build_gallery(anchor: str, evaluation: Evaluation, limit: int) -> Gallery:
    """The first `limit` images with each run as the paper reads it. anchor: of its section."""
    image_ids = evaluation.dataset.image_ids[:limit]
    heavy = np.array([_heavy_share(evaluation, image_id) for image_id in image_ids])
    places = np.argsort(np.argsort(heavy, kind="stable"), kind="stable")
    thirds = [THIRDS[3 * place // len(image_ids)] for place in places]
    layers = tuple(sorted({outcome.layers for outcome in evaluation.outcomes if outcome.layers}))
    anchor = f"{anchor}-n{evaluation.scenes}"
    scenes = tuple(
        _scene(f"{anchor}-image-{image_id}", evaluation, image_id, share, third, layers)
        for image_id, share, third in zip(image_ids, heavy, thirds, strict=True)
    )
    ranges = {
        third: f"{format_percent(min(shares))} to {format_percent(max(shares))}"
        for third in THIRDS
        if (shares := [share for share, of_scene in zip(heavy, thirds, strict=True) if of_scene == third])
    }
    occurring = {kind for scene in scenes for _, kind in scene.failures}
    return Gallery(
        anchor,
        f"N = {evaluation.scenes}, the first {len(scenes)} evaluation images",
        scenes,
        ranges,
        tuple(count for count in layers if any(count in scene.beyond for scene in scenes)),
        tuple(kind for kind in CASE_KINDS if kind in occurring),
        tuple(outcome.label_with_tier for outcome in evaluation.outcomes),
    )


def _scene(
    anchor: str, evaluation: Evaluation, image_id: int, heavy: float, third: str, layers: Sequence[int]
) -> GalleryScene:
    truth = evaluation.dataset.annotations(image_id)
    masks = evaluation.dataset.masks(image_id)
    colors = instance_colors(masks)
    panels = [
        Panel("Image", evaluation.dataset.image(image_id), f"Image {image_id}: white shapes with black outlines"),
        Panel(
            "Truth",
            paint_instances(masks, colors),
            f"Amodal masks of all {len(truth)} instances",
            f"{len(truth)} instances",
        ),
    ]
    failures = []
    for place, outcome in enumerate(evaluation.outcomes):
        panel, kinds = _prediction(outcome, image_id, len(truth), colors)
        panels.append(panel)
        failures += [(place, kind) for kind in kinds]
    beyond = {}
    for count in layers:
        reached = reached_shares(evaluation.dataset.layers(image_id, count), masks.sum(axis=(1, 2)))
        beyond[count] = int((reached < HALF).sum())
    facts = [f"{len(truth)} instances", f"{format_percent(heavy)} of them heavily occluded"]
    facts += [f"{number} beyond {count} layers" for count, number in beyond.items() if number]
    deep = tuple(count for count, number in beyond.items() if number)
    return GalleryScene(
        anchor, f"Image {image_id}", ", ".join(facts), tuple(panels), third, deep, tuple(failures)
    )  # fmt: skip


def _prediction(outcome: Outcome, image_id: int, instances: int, colors: np.ndarray) -> tuple[Panel, list[str]]:
    """As many detections as there are instances, by score, each in the colour of the instance it matches; and the
    kinds of failures: of all instances without a match, and duplicates among the detections drawn."""
    predictions, matches = outcome.shown
    image = int(np.searchsorted(matches.image_ids, image_id))
    found = np.flatnonzero(matches.detection_image == image)
    drawn = found[:instances]
    first = int(np.searchsorted(matches.ground_truth_image, image))  # an exported file lists instances by image
    match = outcome.match[drawn]
    places = matches.detection_index[drawn]

    unmatched = to_rgb([UNMATCHED_COLOR])
    painted = np.concatenate([colors, unmatched])[np.where(match >= 0, match - first, -1)]
    orders = predictions.orders
    depth = np.argsort([rank if orders is None else orders[place] for rank, place in enumerate(places)], kind="stable")
    rles = [predictions.segmentations[place] for place in places]
    masks = decode_masks(rles) if rles else np.zeros((0, 64, 64), bool)

    reasons = outcome.reasons.reason[matches.ground_truth_image == image]
    counts = Counter(REASONS[reason] for reason in reasons if reason != FOUND)
    duplicates = int((outcome.errors.detection_kind[drawn] == errors.DUPLICATE).sum())
    if duplicates:
        counts[DUPLICATE] = duplicates
    hits = int((match >= 0).sum())
    details = f"{hits} of {instances} found, {len(found)} detections"
    if counts:
        details += "; " + ", ".join(_number(counts[kind], kind) for kind in CASE_KINDS if counts[kind])
    name = outcome.label_with_tier
    text = f"{name}: the {len(drawn)} detections with the highest scores, {hits} of which match an instance"
    return Panel(name, paint_instances(masks[depth], painted[depth]), text, details), list(counts)


def _number(count: int, kind: str) -> str:
    """ "2 never found", "2 poor masks"."""
    return f"{count} {kind}{'s' if count > 1 and kind in _NOUNS else ''}"


def _heavy_share(evaluation: Evaluation, image_id: int) -> float:
    rates = [annotation["occlude_rate"] for annotation in evaluation.dataset.annotations(image_id)]
    return float(np.mean(np.array(rates) > OCCLUSION_RANGES["heavy"][0])) if rates else 0.0
