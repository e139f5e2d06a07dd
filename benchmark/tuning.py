"""Tuning: which of the readings that an adapter declares is best on the tuning scenes, and what it gives elsewhere.

Every model is searched with the same effort: the readings of its declared grid, all from one pass of the network over
the same 200 tuning scenes, which no model was trained on and none is evaluated on. The objective is AP. The choice is
kept in the run folder and then applied once to the images that the run was evaluated on.
"""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.adapter import TUNED_VARIANT, Reading, Run
from benchmark.analysis.analyse import Analysis
from benchmark.analysis.quality import visible_masks
from benchmark.evaluation.evaluate import Metrics, evaluate
from benchmark.evaluation.sets import evaluation_set
from benchmark.evaluation.validate import read_annotations
from benchmark.models.registry import find_adapter
from benchmark.runs.folder import TUNED, predictions_path, read_metrics, write_analysis, write_metrics
from benchmark.runs.hardware import code_version, hardware
from benchmark.runs.make import seed_everything
from benchmark.runs.manifest import add_to_manifest, dataset_entry, read_manifest
from benchmark.runs.predictions import predict, write_predictions
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.files import write_json
from datasets.progress import progress
from datasets.scene import SceneParameters
from datasets.seeds import TUNING_SEED

OBJECTIVE = "AP"

TUNING_IMAGES = 200


@dataclass(frozen=True)
class Tuned:
    """What `tune` found. choice: name of the best reading in the adapter's grid. scores: AP on the tuning scenes of
    every reading, by name. metrics: of the choice on the images that the run was evaluated on."""

    choice: str
    scores: dict[str, float]
    metrics: Metrics


def tune(run: Run, data: Path, images: int = TUNING_IMAGES) -> Tuned:
    """Search the grid of the run's adapter on `images` tuning scenes like those that the run was evaluated on.

    Writes ``tuned.json`` (grid, AP of each reading, choice, hash of the tuning set) into the run's folder, then
    predictions, metrics and analysis of the variant "tuned". data: folder of evaluation sets. Raises InputError for a
    model without a grid, a run without weights, and one that was not evaluated on the benchmark's own scenes.
    """
    adapter = find_adapter(run.model)
    described = read_manifest(run.folder).get("dataset") or {}
    if not adapter.grid:
        raise InputError(f"{run.model}: declares no grid of readings, expected one to choose from")
    if not run.weights.exists():
        raise InputError(f"{run.weights}: not found, expected the weights of the run to tune")
    if "parameters" not in described:
        raise InputError(f"{run.folder}: not evaluated on the benchmark's own scenes, expected a run that was")
    scenes = SceneParameters(tuple(described["parameters"]["counts"]))
    tuning_set = evaluation_set(data, scenes, images, TUNING_SEED)

    started = time.monotonic()
    scores = search(run, tuning_set)
    choice = max(scores, key=lambda name: scores[name])  # the first among equals, as the grid has them
    found = {
        "objective": OBJECTIVE,
        "choice": choice,
        "settings": asdict(adapter.grid[choice]),
        "AP": scores,
        "dataset": dataset_entry(tuning_set),
        "seconds": round(time.monotonic() - started, 1),
        "hardware": hardware(),
        "code_version": code_version(),
    }
    write_json(run.folder / TUNED, found)
    return Tuned(choice, scores, _predict_tuned(run, choice, data, scenes, described))


def search(run: Run, tuning_set: ExportedDataset) -> dict[str, float]:
    """AP of every reading of the grid on `tuning_set`, 0 where it finds nothing; one pass of the network for all."""
    adapter = find_adapter(run.model)
    seed_everything(run.seed)
    predictions = predict(adapter, tuning_set, run, list(adapter.grid))
    ground_truth = read_annotations(tuning_set.annotations_file)
    readings = progress(predictions.items(), total=len(predictions), description="evaluate readings", unit="reading")
    return {name: evaluate(ground_truth, entries)[OBJECTIVE] or 0.0 for name, entries in readings}


def _predict_tuned(run: Run, choice: str, data: Path, scenes: SceneParameters, described: dict[str, Any]) -> Metrics:
    """Predict, evaluate and analyse the tuned reading on the run's evaluation images; other variants stay."""
    dataset = evaluation_set(data, scenes, described["images"], described["seed"])
    adapter = find_adapter(run.model)
    seed_everything(run.seed)
    entries = predict(adapter, dataset, run, [TUNED_VARIANT])[TUNED_VARIANT]
    analysis = Analysis.of(read_annotations(dataset.annotations_file), entries, visible_masks(dataset.annotations_file))
    write_predictions(predictions_path(run.folder, TUNED_VARIANT), entries)
    write_analysis(run.folder, {TUNED_VARIANT: analysis.summary}, keep=True)
    write_metrics(run.folder, {**read_metrics(run.folder), TUNED_VARIANT: analysis.metrics})
    declared = adapter.readings.get(choice, Reading(text=choice))
    reading = replace(declared, family=TUNED_VARIANT, number=None, text=f"{declared.text}, chosen on tuning scenes")
    add_to_manifest(
        run.folder, readings={**read_manifest(run.folder).get("readings", {}), TUNED_VARIANT: asdict(reading)}
    )
    return analysis.metrics
