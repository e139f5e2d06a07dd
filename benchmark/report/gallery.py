"""Predictions beside the truth for the first evaluation images: not chosen, so not flattering."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from benchmark.report.pictures import UNMATCHED_COLOR, Panel, instance_colors, paint_instances, to_rgb
from benchmark.report.runs import ReleasedRun
from benchmark.report.tables import PaperTable, headline_variant
from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.exported import ExportedDataset

MATCH_IOU = 0.5


@dataclass(frozen=True)
class GalleryScene:
    """One evaluation image: the picture, the truth, and a panel per run."""

    title: str
    panels: list[Panel]


def gallery(
    dataset: ExportedDataset, runs: Sequence[ReleasedRun], ranking: PaperTable, images: int = 3
) -> list[GalleryScene]:
    """The first `images` images of `dataset` with what each run evaluated on it predicts there.

    Of a trained run the headline variant is shown, of an oracle every variant, where predictions lie in the run's
    folder. Runs of other datasets are left out; without any run there is no scene.
    """
    ids = dataset.image_ids[:images]
    shown = []
    for run in runs:
        if run.dataset_hash == dataset.info["content_hash"]:
            for variant in [headline_variant(run, ranking)] if run.trained else run.metrics:
                if path := _predictions_file(run, variant):
                    shown.append((ranking.variant_label(run, variant), read_predictions(path, ids)))
    if not shown:
        return []
    scenes = []
    for image_id in ids:
        truth = sorted(dataset.annotations(image_id), key=lambda a: a["order"])
        masks = _masks([annotation["segmentation"] for annotation in truth])
        colors = instance_colors(masks)
        panels = [
            Panel("Image", dataset.image(image_id), f"Evaluation image {image_id}"),
            Panel(f"Truth: {len(truth)} instances", paint_instances(masks, colors), "Amodal masks of the ground truth"),
        ]
        panels += [_prediction_panel(title, found[image_id], truth, colors) for title, found in shown]
        scenes.append(GalleryScene(f"image {image_id}", panels))
    return scenes


def read_predictions(path: Path, image_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The detections of `image_ids` from a COCO results file, highest score first."""
    try:
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        detections = json.loads(text)
        found: dict[int, list] = {image_id: [] for image_id in image_ids}
        for detection in detections:
            if detection["image_id"] in found:
                found[detection["image_id"]].append(detection)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a COCO results file ({error!r})") from None
    return {image_id: sorted(of_image, key=lambda d: -d["score"]) for image_id, of_image in found.items()}


def match(predicted: Sequence[dict], truth: Sequence[dict]) -> np.ndarray:
    """Greedy class-agnostic matching at IoU 0.5, in the given order of predictions: (D,) index of truth, or -1."""
    if not predicted or not truth:
        return np.full(len(predicted), -1)
    overlaps = mask_utils.iou(predicted, truth, [0] * len(truth))
    matched = np.full(len(predicted), -1)
    for i in range(len(predicted)):
        best = overlaps[i].argmax()
        if overlaps[i, best] >= MATCH_IOU:
            matched[i] = best
            overlaps[:, best] = -1
    return matched


def _prediction_panel(title: str, detections: list[dict], truth: list[dict], colors: np.ndarray) -> Panel:
    """As many detections as there are instances, by score, each in the colour of the instance it matches."""
    best = detections[: len(truth)]
    matched = match([d["segmentation"] for d in best], [a["segmentation"] for a in truth])
    unmatched = to_rgb([UNMATCHED_COLOR])
    painted_colors = np.where(matched[:, None] >= 0, np.concatenate([colors, unmatched])[matched], unmatched)
    depth = np.argsort([d.get("order", position) for position, d in enumerate(best)], kind="stable")
    painted = paint_instances(_masks([d["segmentation"] for d in best])[depth], painted_colors[depth].astype(np.uint8))
    hits = int((matched >= 0).sum())
    return Panel(
        f"{title}: {hits} of {len(truth)} found, {len(detections)} detections",
        painted,
        f"The {len(best)} detections with the highest scores, {hits} of which match an instance",
    )


def _masks(rles: list[dict]) -> np.ndarray:
    return decode_masks(rles) if rles else np.zeros((0, 64, 64), bool)


def _predictions_file(run: ReleasedRun, variant: str) -> Path | None:
    paths = [run.folder / f"predictions.{variant}.{ending}" for ending in ("json.gz", "json")]
    return next((path for path in paths if path.exists()), None)
