"""What the page shows of each run: its headline variant's kept predictions, matched and judged once for all uses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.analysis.cases import Matched
from benchmark.analysis.errors import FOUND_IOU, Errors, find_errors
from benchmark.evaluation.match import match
from benchmark.evaluation.validate import GroundTruth, read_annotations, read_predictions
from benchmark.evaluation_sets import evaluation_set
from benchmark.report.runs import ReleasedRun
from benchmark.report.tables import PaperTable, headline_variant
from datasets.exported import ExportedDataset

_THRESHOLD = re.compile(r"(?P<prefix>.*nms-)(?P<value>\d\.\d)")
_NOTHING_REMOVED = "1.0"
"""NMS threshold at which every detection is kept."""


@dataclass(frozen=True)
class Outcome:
    """A run's headline variant on its evaluation set. label: of the run, for readers. layers: of masks that the model
    predicts, None if it predicts no layers."""

    run: ReleasedRun
    variant: str
    label: str
    layers: int | None
    shown: Matched
    errors: Errors

    @property
    def label_with_tier(self) -> str:
        """The label, and the budget of a run that one compares with others."""
        return f"{self.label}, {self.run.tier}" if self.run.trained else self.label

    @property
    def match(self) -> np.ndarray:
        """(D,) place of the instance that each detection matches at IoU .5, -1 for a false positive."""
        matches = self.shown.matches
        return matches.detection_match[np.isclose(matches.iou_thresholds, FOUND_IOU)][0]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation set and what each run evaluated on it makes of it."""

    scenes: str
    dataset: ExportedDataset
    ground_truth: GroundTruth
    outcomes: tuple[Outcome, ...]


def read_outcomes(data_folder: Path, runs: Sequence[ReleasedRun], ranking: PaperTable) -> list[Evaluation]:
    """Evaluation sets with the runs that kept the predictions of their headline variant, in the order of `runs`.

    Runs on data that is not the benchmark's are left out, and those that stopped within their budget: a model half
    trained is worth a number, not pictures. The sets are made below `data_folder` if missing. Raises
    InputError for broken predictions.
    """
    layered = set(ranking.rows["run_model"][ranking.rows["run_layers"] != ""])
    by_dataset: dict[str, list[tuple[ReleasedRun, str, Path]]] = {}
    for run in runs:
        if run.metrics and run.evaluation_scenes and not run.stopped:
            variant = headline_variant(run, ranking)
            if path := predictions_file(run, variant):
                by_dataset.setdefault(run.dataset_hash, []).append((run, variant, path))
    evaluations = []
    for kept in by_dataset.values():
        scenes, described = kept[0][0].evaluation_scenes, kept[0][0].manifest["dataset"]
        dataset = evaluation_set(data_folder, scenes, described["images"], described["seed"])
        ground_truth = read_annotations(dataset.annotations_file)
        outcomes = []
        for run, variant, path in kept:
            shown = read_matched(path, ground_truth)
            errors = find_errors(ground_truth, *shown)
            layers = run.layers if run.model in layered else None
            outcomes.append(Outcome(run, variant, ranking.variant_label(run, variant), layers, shown, errors))
        evaluations.append(Evaluation(scenes.label, dataset, ground_truth, tuple(outcomes)))
    return evaluations


def read_unfiltered(outcome: Outcome, ground_truth: GroundTruth) -> Matched | None:
    """The variant of the same NMS sweep that removes nothing; None where there is no sweep or it was not kept."""
    threshold = _THRESHOLD.fullmatch(outcome.variant)
    path = threshold and predictions_file(outcome.run, threshold["prefix"] + _NOTHING_REMOVED)
    return read_matched(path, ground_truth) if path else None


def read_matched(path: Path, ground_truth: GroundTruth) -> Matched:
    """Raises InputError for predictions that do not belong to `ground_truth`."""
    predictions = read_predictions(path, ground_truth)
    return Matched(predictions, match(ground_truth, predictions)[1])


def predictions_file(run: ReleasedRun, variant: str) -> Path | None:
    """The kept predictions of a variant, if there are any."""
    paths = [run.folder / f"predictions.{variant}.{ending}" for ending in ("json.gz", "json")]
    return next((path for path in paths if path.exists()), None)
