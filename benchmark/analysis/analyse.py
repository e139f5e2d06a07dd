"""Everything that is computed from one results file: metrics, their intervals, errors, recall by occlusion, and the
resamples that paired tests need."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from benchmark.analysis.bootstrap import TEST_RESAMPLES, Resamples, intervals, resample
from benchmark.analysis.errors import error_breakdown, find_errors
from benchmark.analysis.hidden import hidden_precision
from benchmark.analysis.occlusion import recall_by_occlusion
from benchmark.analysis.quality import NONE_VISIBLE, VisibleMasks, calibration_of, quality, visible_masks
from benchmark.evaluation.curves import precision_at_recalls
from benchmark.evaluation.evaluate import Metrics, evaluate, evaluate_with_matches
from benchmark.evaluation.match import Matches
from benchmark.evaluation.validate import GroundTruth, read_annotations, read_predictions
from datasets.errors import InputError
from datasets.files import rounded
from datasets.processes import worker_pool
from datasets.progress import progress
from datasets.table import Source

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")

WORTH_PROCESSES = 2**20
"""Bytes of predictions from which on further processes, which take seconds to start, save time."""

CURVE_IOUS = (0.5, 0.75)
"""IoU thresholds of the precision-recall curves."""

DIGITS = 6
"""Decimals that are written, so that another machine's last bits change no file."""

CURVE_DIGITS = 4
"""Of the points of a curve, which nobody reads one by one."""


@dataclass(frozen=True)
class Analysis:
    """All numbers of one variant of a run. metrics: the evaluator's.

    summary: what ``analysis.json`` says of the variant, JSON throughout, numbers with six decimals:
    "intervals": metric -> [low, high], null where undefined; "errors": kind -> `benchmark.analysis.errors.Cost` by
    name, null without instances; "recall_by_occlusion": "edges", "instances" and "recall", null in an empty bin;
    "quality": `benchmark.analysis.quality.Quality` by name; "hidden": `benchmark.analysis.hidden.HiddenPrecision` by
    name; "calibration": `benchmark.analysis.quality.Calibration` by name, null in an empty bin;
    "precision": IoU ("0.50", "0.75") -> interpolated precision at the recalls 0, .01, ... 1, null without instances.
    """

    metrics: Metrics
    summary: dict[str, Any]

    @classmethod
    def of(cls, ground_truth: GroundTruth, predictions: Source, visible: VisibleMasks = NONE_VISIBLE) -> Self:
        """Analyse COCO results. visible: from `visible_masks`. Raises InputError for the first fault in them."""
        detections = read_predictions(predictions, ground_truth)
        hidden = hidden_precision(ground_truth, visible, detections)  # first: it needs matches of its own for a while
        metrics, matches = evaluate_with_matches(ground_truth, detections)
        found = intervals(resample(matches, metrics))
        costs = error_breakdown(matches, find_errors(ground_truth, detections, matches))
        recall = recall_by_occlusion(matches)
        return cls(
            metrics,
            rounded(
                {
                    "intervals": {name: interval and list(interval) for name, interval in found.items()},
                    "errors": costs and {kind: cost._asdict() for kind, cost in costs.items()},
                    "recall_by_occlusion": {name: values.tolist() for name, values in recall._asdict().items()},
                    "quality": quality(ground_truth, visible, detections, matches)._asdict(),
                    "hidden": hidden._asdict(),
                    "calibration": {
                        name: values.tolist() for name, values in calibration_of(matches)._asdict().items()
                    },
                    "precision": _curves(matches),
                },
                DIGITS,
            ),
        )


def _curves(matches: Matches) -> dict[str, list[float]]:
    chosen = [int(np.isclose(matches.iou_thresholds, iou).argmax()) for iou in CURVE_IOUS]
    true = matches.detection_match[chosen] >= 0
    instances = len(matches.ground_truth_image)
    curves = precision_at_recalls(matches.scores, matches.detection_image, true, instances).round(CURVE_DIGITS)
    return {f"{iou:.2f}": curve.tolist() for iou, curve in zip(CURVE_IOUS, curves, strict=True)}


def analyse_files(annotations: Path, predictions: Mapping[Key, Path], processes: int) -> dict[Key, Analysis]:
    """Key -> analysis of each results file against the same annotations, several at once."""
    return _of_each(
        _analyse_file, "analyse", {key: (annotations, path) for key, path in predictions.items()}, processes
    )


def resample_files(annotations: Path, predictions: Mapping[Key, Path], processes: int) -> dict[Key, Resamples]:
    """Key -> `TEST_RESAMPLES` resamples of each results file against the same annotations, several at once."""
    return _of_each(
        _resample_file, "resample", {key: (annotations, path) for key, path in predictions.items()}, processes
    )


def evaluate_files(files: Mapping[Key, tuple[Path, Path]], processes: int) -> dict[Key, Metrics | InputError]:
    """Key -> metrics of each pair of annotations and results file, several at once, or what is wrong with the pair."""
    return _of_each(_evaluate_file, "evaluate", files, processes)


def _of_each(
    function: Callable[[Path, Path], Result], what: str, files: Mapping[Key, tuple[Path, Path]], processes: int
) -> dict[Key, Result]:
    """files: key -> annotations and results file; those of the same annotations stand together."""
    work = ([annotations for annotations, _ in files.values()], [predictions for _, predictions in files.values()])
    shown: dict[str, Any] = {"total": len(files), "description": what, "unit": "file"}
    size = sum(path.stat().st_size for _, path in files.values() if path.is_file())
    if processes == 1 or len(files) < 2 or size < WORTH_PROCESSES:
        return dict(zip(files, progress(map(function, *work), **shown), strict=True))
    with worker_pool(min(processes, len(files)), get_context("spawn")) as pool:
        return dict(zip(files, progress(pool.map(function, *work), **shown), strict=True))


def _analyse_file(annotations: Path, predictions: Path) -> Analysis:
    return Analysis.of(_annotations(annotations), predictions, _visible(annotations))


def _resample_file(annotations: Path, predictions: Path) -> Resamples:
    metrics, matches = evaluate_with_matches(_annotations(annotations), predictions)
    return resample(matches, metrics, TEST_RESAMPLES)


def _evaluate_file(annotations: Path, predictions: Path) -> Metrics | InputError:
    try:
        return evaluate(_annotations(annotations), predictions)
    except InputError as error:
        return error


@lru_cache(maxsize=2)
def _annotations(path: Path) -> GroundTruth:
    """Read once per process; an evaluation set does not change while the benchmark runs."""
    return read_annotations(path)


@lru_cache(maxsize=2)
def _visible(path: Path) -> VisibleMasks:
    """Read once per process, as above."""
    return visible_masks(path)
