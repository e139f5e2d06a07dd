"""What the page shows of each run: kept predictions, matched and judged once for all uses."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmark.adapter import Reading
from benchmark.analysis.analyse import WORTH_PROCESSES
from benchmark.analysis.errors import FOUND_IOU, NO_ERROR, Errors, find_errors
from benchmark.analysis.reasons import (
    CUT_OFF,
    SUPPRESSED,
    Matched,
    Reasons,
    find_reasons,
    found_elsewhere,
    reached_shares,
)
from benchmark.evaluation.match import match
from benchmark.evaluation.sets import evaluation_set
from benchmark.evaluation.validate import GroundTruth, read_annotations, read_predictions
from benchmark.paper.tables import PaperTable
from benchmark.released.regimes import choose
from benchmark.runs.folder import kept_predictions
from benchmark.runs.record import ReleasedRun
from datasets.exported import ExportedDataset
from datasets.processes import worker_pool
from datasets.progress import progress
from datasets.rle import mask_areas


@dataclass(frozen=True)
class Outcome:
    """One variant of a run on its evaluation set. label: of both, for readers. layers: of masks that the model
    predicts, None if it predicts no layers. others: reason -> name and detections of the variant that shows it.
    suppressed: of a run's headline variant, each variant that can tell what suppression removed (`can_tell`) -> share
    of all instances that it says are lost so; {} where none can."""

    run: ReleasedRun
    variant: str
    label: str
    layers: int | None
    shown: Matched
    errors: Errors
    reasons: Reasons
    others: dict[str, tuple[str, Matched]]
    suppressed: dict[str, float] = field(default_factory=dict)

    @property
    def suppressed_range(self) -> tuple[float, float] | None:
        """Least and greatest share in `suppressed`: no single variant knows what the right detections were."""
        return (min(self.suppressed.values()), max(self.suppressed.values())) if self.suppressed else None

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
    """An evaluation set and what the runs evaluated on it make of it, each as the paper reads it.

    sweeps: name of a trained run -> its outcome or, where it has several ways to suppress detections, those of the
    variants that the paper's table names. best: name of a trained run -> its outcome as the regime "best" reads it,
    where it kept the predictions.
    """

    scenes: str
    dataset: ExportedDataset
    ground_truth: GroundTruth
    outcomes: tuple[Outcome, ...]
    sweeps: Mapping[str, list[Outcome]]
    best: Mapping[str, Outcome]


def read_outcomes(data_folder: Path, runs: Sequence[ReleasedRun], ranking: PaperTable) -> list[Evaluation]:
    """Evaluation sets with the runs, in their order, that kept the predictions of the variant that the paper reads.

    Runs on data that is not the benchmark's are left out, and those that stopped within their budget: a model half
    trained is worth a number, not pictures. The sets are made below `data_folder` if missing. Every results file is
    matched once, on all processor cores. Raises InputError for broken predictions.
    """
    by_dataset: dict[str, list[_Work]] = {}
    datasets = {}
    for run in runs:
        if run.metrics and run.evaluation_scenes and not run.stopped:
            choice = choose("paper", run, ranking)
            variant = choice.variant if choice else ""
            if choice and kept_predictions(run.folder, variant):
                if run.dataset_hash not in datasets:
                    described = run.manifest["dataset"]
                    datasets[run.dataset_hash] = evaluation_set(
                        data_folder, run.evaluation_scenes, described["images"], described["seed"]
                    )
                work = _plan(run, variant, datasets[run.dataset_hash].folder, ranking)
                by_dataset.setdefault(run.dataset_hash, []).append(work)
    all_judged = iter(_judge_all([work for of_set in by_dataset.values() for work in of_set]))
    evaluations = []
    for key, of_set in by_dataset.items():
        found = [next(all_judged) for _ in of_set]
        sweeps = {
            work.run.name: _in_order(work, judged.shown)
            for work, judged in zip(of_set, found, strict=True)
            if work.run.trained
        }
        best = {work.run.name: judged.best for work, judged in zip(of_set, found, strict=True) if judged.best}
        truth = read_annotations(datasets[key].annotations_file)
        described = of_set[0].run.evaluation_scenes
        scenes = described.label if described else of_set[0].run.scenes
        outcomes = tuple(judged.shown[0] for judged in found)
        evaluations.append(Evaluation(scenes, datasets[key], truth, outcomes, sweeps, best))
    return evaluations


def telling_variants(run: ReleasedRun, variant: str) -> dict[str, str]:
    """Reason -> the kept variant that shows which instances are lost for it: of those with the limits of `variant`,
    and of those with wider ones, that with the highest recall. {} for a model without non-maximum suppression, and for
    a variant that others have no wider limits than.
    """
    own = run.reading(variant)
    if any(own.is_wider_than(reading) for reading in _kept_readings(run).values()):
        return {}
    return _most_telling(run, variant)


def _most_telling(run: ReleasedRun, variant: str) -> dict[str, str]:
    """`telling_variants`, also of a variant that has wider limits than others."""
    own, readings = run.reading(variant), _kept_readings(run)
    if not own.suppression:
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


def _kept_readings(run: ReleasedRun) -> dict[str, Reading]:
    """The run's variants that suppress detections and whose predictions are kept."""
    readings = {name: run.reading(name) for name in run.metrics if kept_predictions(run.folder, name)}
    return {name: reading for name, reading in readings.items() if reading.suppression}


def can_tell(run: ReleasedRun, variant: str) -> list[str]:
    """The other kept variants that suppress in some way within the limits of `variant`; none where it suppresses
    nothing. Of these, the ones that keep more detections can tell what it removed."""
    own = run.reading(variant)
    return [
        name
        for name in run.metrics
        if own.suppression and name != variant and kept_predictions(run.folder, name)
        and run.reading(name).suppression and run.reading(name).limits == own.limits
    ]  # fmt: skip


def read_matched(path: Path, ground_truth: GroundTruth) -> Matched:
    """Raises InputError for predictions that do not belong to `ground_truth`."""
    predictions = read_predictions(path, ground_truth)
    return Matched(predictions, match(ground_truth, predictions))


class _Work(NamedTuple):
    """The outcomes to find of one run. variants: the one that the paper reads first; labels: of each, for readers.
    order: of the variants in the paper's table. telling: `telling_variants` of the first. best: the variant by which
    the regime "best" reads a trained run, and its label, None where its predictions are not kept."""

    run: ReleasedRun
    dataset: Path
    variants: tuple[str, ...]
    labels: tuple[str, ...]
    order: tuple[str, ...]
    telling: dict[str, str]
    layers: int | None
    best: tuple[str, str] | None


class _Judged(NamedTuple):
    """The outcomes of a run's variants, and the one of its best reading."""

    shown: list[Outcome]
    best: Outcome | None


def _plan(run: ReleasedRun, headline: str, dataset: Path, ranking: PaperTable) -> _Work:
    telling = telling_variants(run, headline)
    order = (headline,)
    if telling and run.trained:
        named = dict.fromkeys(ranking.rows["run_variant"])
        order = tuple(name for name in named if kept_predictions(run.folder, name))
    variants = tuple(dict.fromkeys([headline, *order]))
    labels = tuple(ranking.variant_label(run, variant) for variant in variants)
    layered = (ranking.rows["run_layers"][ranking.rows["run_model"] == run.model] != "").any()
    choice = choose("best", run, ranking) if run.trained else None
    kept = choice is not None and kept_predictions(run.folder, choice.variant)
    best = (choice.variant, ranking.variant_label(run, choice.variant)) if choice and kept else None
    return _Work(run, dataset, variants, labels, order, telling, run.layers if layered else None, best)


def _judge_all(work: Sequence[_Work]) -> list[_Judged]:
    """The outcomes of each run, in the order of its variants."""
    files = [kept_predictions(one.run.folder, name) for one in work for name in one.variants]
    size = sum(path.stat().st_size for path in files if path)
    processes = min(os.cpu_count() or 1, len(work))
    shown: dict[str, Any] = {"total": len(work), "description": "match predictions", "unit": "run"}
    if processes < 2 or size < WORTH_PROCESSES:
        return list(progress(map(_judge_run, work), **shown))
    with worker_pool(processes, get_context("spawn")) as pool:
        return list(progress(pool.map(_judge_run, work), **shown))


def _judge_run(work: _Work) -> _Judged:
    dataset, ground_truth = _open(work.dataset)

    @cache
    def matched(variant: str) -> Matched:
        path = kept_predictions(work.run.folder, variant)
        assert path is not None  # `_plan` takes only variants whose predictions are kept
        return read_matched(path, ground_truth)

    def judged(variant: str, label: str, telling: Mapping[str, str], headline: bool) -> Outcome:
        others = {reason: (name, matched(name)) for reason, name in telling.items()}
        shown = matched(variant)
        errors = find_errors(ground_truth, *shown)
        reached = _reached(dataset, ground_truth, shown, errors, work.layers) if work.layers else None
        tell = {reason: found for reason, (_, found) in others.items()}
        reasons = find_reasons(ground_truth, shown, errors, tell, reached)
        keeping = {name: matched(name) for name in can_tell(work.run, variant)} if headline else {}
        suppressed = _suppressed(keeping, shown, errors, ground_truth)
        return Outcome(work.run, variant, label, work.layers, shown, errors, reasons, others, suppressed)

    outcomes = [
        judged(variant, label, work.telling, variant == work.variants[0])
        for variant, label in zip(work.variants, work.labels, strict=True)
    ]
    if work.best is None or work.best[0] == work.variants[0]:
        return _Judged(outcomes, outcomes[0] if work.best else None)
    return _Judged(outcomes, judged(*work.best, _most_telling(work.run, work.best[0]), True))


def _suppressed(
    telling: Mapping[str, Matched], shown: Matched, errors: Errors, ground_truth: GroundTruth
) -> dict[str, float]:
    """See `Outcome`."""
    lost = errors.instance_kind != NO_ERROR
    return {
        name: float((found_elsewhere(ground_truth, shown.predictions, other, lost) >= 0).mean())
        for name, other in telling.items()
        if len(other.predictions.scores) > len(shown.predictions.scores)
    }


def _in_order(work: _Work, outcomes: Sequence[Outcome]) -> list[Outcome]:
    by_variant = {outcome.variant: outcome for outcome in outcomes}
    return [by_variant[name] for name in work.order]


@lru_cache(maxsize=2)
def _open(folder: Path) -> tuple[ExportedDataset, GroundTruth]:
    """Read once per process; an evaluation set does not change while the benchmark runs."""
    dataset = ExportedDataset(folder)
    return dataset, read_annotations(dataset.annotations_file)


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
