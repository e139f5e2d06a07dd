"""Evaluating what is released: the kept predictions of every run, and the models that need no training."""

import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from benchmark.adapter import Run
from benchmark.analysis.analyse import evaluate_files, resample_files
from benchmark.analysis.bootstrap import Resamples
from benchmark.evaluation.evaluate import Metrics, evaluate
from benchmark.evaluation.sets import evaluation_set
from benchmark.evaluation.validate import read_annotations
from benchmark.models.registry import find_adapter, untrained_names
from benchmark.released.compare import RunAndVariant
from benchmark.runs.folder import MANIFEST, kept_predictions, read_metrics, run_folders
from benchmark.runs.make import seed_everything
from benchmark.runs.manifest import read_manifest
from benchmark.runs.predictions import predict
from benchmark.runs.record import ReleasedRun
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters


def untrained_runs(released: Path, dataset: ExportedDataset) -> list[Run]:
    """A run of every registered model that needs no training, for `dataset`, in a folder of `released`."""
    scenes = SceneParameters(tuple(dataset.info["parameters"]["counts"]))
    return [
        Run(released / f"{name}-n{scenes.label}", name, None, None, scenes, command="run_benchmark.py")
        for name in untrained_names()
    ]


def evaluate_untrained(dataset: ExportedDataset) -> dict[str, dict[str, Metrics]]:
    """Metrics of every model that needs no training on `dataset` by run and variant; writes nothing."""
    ground_truth = read_annotations(dataset.annotations_file)
    metrics = {}
    for run in untrained_runs(Path(), dataset):
        adapter = find_adapter(run.model)
        seed_everything(run.seed)
        predictions = predict(adapter, dataset, run, adapter.variants)
        metrics[run.folder.name] = {name: evaluate(ground_truth, entries) for name, entries in predictions.items()}
    return metrics


def evaluate_released(released: Path, data: Path) -> dict[str, dict[str, Metrics]]:
    """Metrics of all kept predictions by run and variant, computed again on all processor cores; writes nothing.

    Damaged files are left out, which a line on standard error says.
    """
    metrics: dict[str, dict[str, Metrics]] = {}
    files: dict[tuple[str, str], tuple[Path, Path]] = {}
    for folder, dataset, predictions in runs_with_predictions(released, data):
        metrics[folder.name] = {}
        files |= {(folder.name, variant): (dataset.annotations_file, path) for variant, path in predictions.items()}
    together = dict(sorted(files.items(), key=lambda item: item[1][0]))
    for (name, variant), found in evaluate_files(together, os.cpu_count() or 1).items():
        if isinstance(found, InputError):
            print(f"{found}; these predictions are left out", file=sys.stderr)
        else:
            metrics[name][variant] = found
    return metrics


def resample_released(
    runs: Sequence[ReleasedRun], readings: Sequence[RunAndVariant], data: Path
) -> dict[RunAndVariant, Resamples]:
    """What paired tests need of each (run name, variant) in `readings`; uses all processor cores."""
    by_name = {run.name: run for run in runs}
    by_dataset: dict[Path, dict[RunAndVariant, Path]] = {}
    for name, variant in readings:
        run = by_name[name]
        described, path = run.manifest["dataset"], kept_predictions(run.folder, variant)
        if path is None or run.evaluation_scenes is None:
            raise InputError(f"{run.folder}: found no predictions of {variant} on the benchmark's own scenes")
        dataset = evaluation_set(data, run.evaluation_scenes, described["images"], described["seed"])
        by_dataset.setdefault(dataset.annotations_file, {})[name, variant] = path
    return {
        reading: found
        for annotations, files in by_dataset.items()
        for reading, found in resample_files(annotations, files, os.cpu_count() or 1).items()
    }


def runs_with_predictions(released: Path, data: Path) -> Iterator[tuple[Path, ExportedDataset, dict[str, Path]]]:
    """(run folder, the dataset that it was evaluated on, variant -> results file) of each run that kept some.

    A damaged run is left out, which a line on standard error says. Each dataset is read once.
    """
    open_set = cache(partial(evaluation_set, data))
    for folder in run_folders(released):
        try:
            files = {variant: kept_predictions(folder, variant) for variant in read_metrics(folder)}
            kept = {variant: path for variant, path in files.items() if path}
            described = read_manifest(folder).get("dataset") or {}
            if not kept or not described.get("parameters"):  # other data cannot be made again
                continue
            for key in ("images", "seed"):
                if described.get(key) is None:
                    raise InputError(f"{folder / MANIFEST}: dataset: found no {key}, expected its {key}")
            scenes = SceneParameters(tuple(described["parameters"]["counts"]))
            dataset = open_set(scenes, described["images"], described["seed"])
        except InputError as error:
            print(f"{error}; the run is left out", file=sys.stderr)
            continue
        yield folder, dataset, kept
