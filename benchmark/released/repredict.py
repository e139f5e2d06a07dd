"""Do released weights still give the kept predictions? A few images predicted again, detection by detection.

Metrics of kept predictions cannot tell: they hold whatever becomes of network, clustering or suppression. Predictions
made again can, but do not agree to the last bit on another processor: most released runs were predicted in bfloat16,
which others compute as float32, and a pixel that changes its cluster can merge two instances. How far they agree with
the same code, and with small changes to it, is measured in docs/experiments.md ("Predicting again").
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.evaluation.sets import evaluation_set
from benchmark.models.registry import find_adapter
from benchmark.runs.folder import WEIGHTS, kept_predictions
from benchmark.runs.make import load_run, seed_everything
from benchmark.runs.manifest import SMOKE
from benchmark.runs.predictions import predict
from benchmark.runs.record import read_runs
from datasets.exported import ExportedDataset
from datasets.table import load_json

IMAGES = 8
"""Of each run, the first ones of its evaluation set."""

SAME_IOU, SAME_SCORE = 0.9, 0.02
"""Least IoU and greatest difference of scores of two detections that count as the same."""

LEAST_SHARE = 0.9
"""Of a variant's detections in all runs of its model that must be the same. Measured from bfloat16 to float32: .92 to
.99, from float32 to float32 on one processor: 1. It catches what moves pixels from one instance to another: other
fragments, seeds or half areas give .44 to .87."""

MOST_SCORE_DIFFERENCE = 0.002
"""Median over the matched detections. Measured from bfloat16 to float32: .0011 at most. It catches what changes scores
more than masks: a bandwidth of 1.65 for 1.6, which leaves .87 to .90 of the detections as they are, gives .006 and
more."""


@dataclass(frozen=True)
class Agreement:
    """Of kept and new detections of one variant of a model: how many there are (of the larger side in each image), the
    share that is the same, and the median difference of matched scores."""

    model: str
    variant: str
    detections: int
    share: float
    score_difference: float

    @property
    def holds(self) -> bool:
        return self.share >= LEAST_SHARE and self.score_difference <= MOST_SCORE_DIFFERENCE

    @property
    def in_words(self) -> str:
        return (
            f"{self.model}, {self.variant}: {self.share:.1%} of {self.detections} detections are the same, expected "
            f"{LEAST_SHARE:.0%}; median difference of scores {self.score_difference:.4f}, expected at most "
            f"{MOST_SCORE_DIFFERENCE}"
        )


def predict_again(released: Path, data: Path, images: int = IMAGES) -> list[Agreement]:
    """The agreement of each model and variant over all runs in `released` with weights and kept predictions.

    Smoke tests are left out (`smoke_tests`): where a network has learned little, rounding decides. On one machine, 59 %
    of a Mask R-CNN's detections were the same after 200 training images.
    """
    pairs: dict[tuple[str, str], list[np.ndarray]] = {}
    for run in read_runs(released):
        if not (run.folder / WEIGHTS).exists() or run.evaluation_scenes is None or run.tier == SMOKE:
            continue
        described = run.manifest["dataset"]
        whole = evaluation_set(data, run.evaluation_scenes, described["images"], described["seed"])
        for variant, kept, new in _both(run.folder, list(run.metrics), _first(whole, images)):
            pairs.setdefault((run.model, variant), []).append(matched(kept, new))
    return [_agreement(*key, np.concatenate(of_runs)) for key, of_runs in pairs.items()]


def smoke_tests(released: Path) -> list[str]:
    """The names of the runs in `released` that have weights and are not predicted again."""
    return [run.name for run in read_runs(released) if run.tier == SMOKE and (run.folder / WEIGHTS).exists()]


def matched(kept: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> np.ndarray:
    """(n, 2) float64: IoU and difference of scores of detections matched within each image, the greatest IoU first.

    Both sides are COCO results. n: the larger number of detections in each image; those left over have the IoU 0 and a
    difference of NaN.
    """
    rows = []
    for image_id in sorted({entry["image_id"] for entry in (*kept, *new)}):
        a, b = ([entry for entry in side if entry["image_id"] == image_id] for side in (kept, new))
        iou = np.zeros((len(a), len(b)))
        if a and b:
            iou[:] = coco_mask.iou([e["segmentation"] for e in a], [e["segmentation"] for e in b], [0] * len(b))
        found = []
        while iou.max(initial=0) > 0:
            i, j = np.unravel_index(iou.argmax(), iou.shape)
            found.append((iou[i, j], abs(a[i]["score"] - b[j]["score"])))
            iou[i], iou[:, j] = 0, 0
        rows += found + [(0.0, np.nan)] * (max(len(a), len(b)) - len(found))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _agreement(model: str, variant: str, pairs: np.ndarray) -> Agreement:
    iou, difference = pairs.T
    if len(iou) == 0:  # nothing on either side
        return Agreement(model, variant, 0, 1.0, 0.0)
    same = (iou >= SAME_IOU) & (difference <= SAME_SCORE)
    median = float(np.nanmedian(difference)) if (iou > 0).any() else np.inf
    return Agreement(model, variant, len(iou), float(same.mean()), median)


def _both(folder: Path, variants: Sequence[str], dataset: ExportedDataset) -> Iterator[tuple[str, list, list]]:
    """(variant, kept, new) COCO results of `dataset` of each variant that the run kept and the code can still make."""
    run = load_run(folder)
    adapter = find_adapter(run.model)
    wanted = {name: path for name in variants if (path := kept_predictions(folder, name))}
    seed_everything(run.seed)
    new = predict(adapter, dataset, run, list(wanted)) if wanted else {}
    chosen = set(dataset.image_ids)
    for name, path in wanted.items():
        kept, _ = load_json(path, "predictions")
        yield name, [entry for entry in kept if entry["image_id"] in chosen], new[name]


def _first(dataset: ExportedDataset, images: int) -> ExportedDataset:
    few = copy(dataset)
    few.image_ids = dataset.image_ids[:images]
    return few
