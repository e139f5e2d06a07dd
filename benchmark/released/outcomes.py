"""What the page shows of each run: kept predictions, matched and judged once for all uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.analysis.errors import FOUND_IOU, NO_ERROR, Errors, find_errors
from benchmark.analysis.reasons import CUT_OFF, SUPPRESSED, Matched, Reasons, find_reasons, reached_shares
from benchmark.evaluation.match import match
from benchmark.evaluation.sets import evaluation_set
from benchmark.evaluation.validate import GroundTruth, read_annotations, read_predictions
from benchmark.paper.tables import PaperTable, headline_variant
from benchmark.runs.folder import kept_predictions
from benchmark.runs.record import ReleasedRun
from datasets.exported import ExportedDataset
from datasets.rle import mask_areas


@dataclass(frozen=True)
class Outcome:
    """One variant of a run on its evaluation set. label: of both, for readers. layers: of masks that the model
    predicts, None if it predicts no layers. others: reason -> name and detections of the variant that shows it."""

    run: ReleasedRun
    variant: str
    label: str
    layers: int | None
    shown: Matched
    errors: Errors
    reasons: Reasons
    others: dict[str, tuple[str, Matched]]

    @property
    def label_with_tier(self) -> str:
        """The label, and the budget of a run that one compares with others."""
        return f"{self.label}, {self.run.tier_and_status}" if self.run.trained else self.label

    @property
    def match(self) -> np.ndarray:
        """(D,) place of the instance that each detection matches at IoU .5, -1 for a false positive."""
        matches = self.shown.matches
        return matches.detection_match[np.isclose(matches.iou_thresholds, FOUND_IOU)][0]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation set and what the headline variant of each run evaluated on it makes of it."""

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
    by_dataset: dict[str, list[tuple[ReleasedRun, str]]] = {}
    for run in runs:
        if run.metrics and run.evaluation_scenes and not run.stopped:
            variant = headline_variant(run, ranking)
            if kept_predictions(run.folder, variant):
                by_dataset.setdefault(run.dataset_hash, []).append((run, variant))
    evaluations = []
    for kept in by_dataset.values():
        scenes, described = kept[0][0].evaluation_scenes, kept[0][0].manifest["dataset"]
        dataset = evaluation_set(data_folder, scenes, described["images"], described["seed"])
        ground_truth = read_annotations(dataset.annotations_file)
        outcomes = []
        for run, variant in kept:
            others = {
                reason: (name, read_matched(kept_predictions(run.folder, name), ground_truth))
                for reason, name in telling_variants(run, variant).items()
            }
            outcomes.append(_judge(run, variant, others, dataset, ground_truth, ranking))
        evaluations.append(Evaluation(scenes.label, dataset, ground_truth, tuple(outcomes)))
    return evaluations


def read_sweep(evaluation: Evaluation, outcome: Outcome, ranking: PaperTable) -> list[Outcome]:
    """The outcome and, where its run has several ways to suppress detections, those that the paper's table names."""
    if not outcome.others:
        return [outcome]
    named = [name for name in dict.fromkeys(ranking.rows["run_variant"]) if kept_predictions(outcome.run.folder, name)]
    return [
        outcome
        if name == outcome.variant
        else _judge(outcome.run, name, outcome.others, evaluation.dataset, evaluation.ground_truth, ranking)
        for name in named
    ]


def telling_variants(run: ReleasedRun, variant: str) -> dict[str, str]:
    """Reason -> the kept variant that shows which instances are lost for it: of those with the limits of `variant`,
    and of those with wider ones, that with the highest recall. {} for a model without non-maximum suppression, and for
    a variant that others have no wider limits than.
    """
    own = run.reading(variant)
    readings = {name: run.reading(name) for name in run.metrics if kept_predictions(run.folder, name)}
    readings = {name: reading for name, reading in readings.items() if reading.suppression}
    if not own.suppression or any(own.is_wider_than(reading) for reading in readings.values()):
        return {}
    candidates = {
        SUPPRESSED: [name for name, reading in readings.items() if reading.limits == own.limits],
        CUT_OFF: [name for name, reading in readings.items() if reading.is_wider_than(own)],
    }
    return {
        reason: max(names, key=lambda name: run.metrics[name].get("AR1000") or 0.0)
        for reason, names in candidates.items()
        if names
    }


def read_matched(path: Path, ground_truth: GroundTruth) -> Matched:
    """Raises InputError for predictions that do not belong to `ground_truth`."""
    predictions = read_predictions(path, ground_truth)
    return Matched(predictions, match(ground_truth, predictions)[1])


def _judge(
    run: ReleasedRun, variant: str, others: dict[str, tuple[str, Matched]], dataset: ExportedDataset,
    ground_truth: GroundTruth, ranking: PaperTable,
) -> Outcome:  # fmt: skip
    shown = read_matched(kept_predictions(run.folder, variant), ground_truth)
    errors = find_errors(ground_truth, *shown)
    layered = (ranking.rows["run_layers"][ranking.rows["run_model"] == run.model] != "").any()
    layers = run.layers if layered else None
    reached = _reached(dataset, ground_truth, shown, errors, layers) if layers else None
    reasons = find_reasons(ground_truth, shown, errors, {reason: of[1] for reason, of in others.items()}, reached)
    return Outcome(run, variant, ranking.variant_label(run, variant), layers, shown, errors, reasons, others)


def _reached(
    dataset: ExportedDataset, ground_truth: GroundTruth, shown: Matched, errors: Errors, layers: int
) -> np.ndarray:
    """(G,) share of each amodal mask in the first `layers` layers; 1 where it is not needed.

    What one sees lies in the first layer. Hence layers are drawn only for images with an instance that is not found and
    is hidden by more than half.
    """
    matches = shown.matches
    areas = mask_areas(ground_truth.segmentations)
    reached = np.ones(len(areas))
    needed = (errors.instance_kind != NO_ERROR) & (matches.occlusion_rates > 0.5)
    for image in np.unique(matches.ground_truth_image[needed]):
        instances = np.flatnonzero(matches.ground_truth_image == image)
        of_image = dataset.layers(int(matches.image_ids[image]), layers)
        reached[instances] = reached_shares(of_image, areas[instances])
    return reached
