"""Metrics and analyses of everything released, computed again only where something has changed since."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.analysis.analyse import analyse_files
from benchmark.evaluation.evaluate import Metrics
from benchmark.models.registry import declared_readings, find_adapter
from benchmark.released.evaluate import runs_with_predictions, untrained_runs
from benchmark.released.kept import ANALYSING, PREDICTING, Kept, digest_of, digest_of_code
from benchmark.runs.folder import (
    MANIFEST,
    read_analysis,
    read_metrics,
    read_object,
    run_folders,
    same_numbers,
    write_analysis,
    write_metrics,
)
from benchmark.runs.make import predict_and_evaluate, seed_everything
from benchmark.runs.manifest import add_to_manifest
from benchmark.runs.predictions import predict
from datasets.exported import ExportedDataset


def analyse_untrained(released: Path, dataset: ExportedDataset, kept: Kept) -> list[str]:
    """Run every model that needs no training on `dataset`; returns the names of those whose predictions are new.

    Nothing is predicted while code and images are the same; only new predictions are evaluated and analysed. The
    predictions themselves are cheap to make again and not kept.
    """
    new = []
    for run in untrained_runs(released, dataset):
        adapter = find_adapter(run.model)
        if kept.holds(_run_name(run.folder), _digest_by_code(run.folder, dataset)):
            kept.carry(_name(run.folder, variant) for variant in adapter.variants)
            continue
        seed_everything(run.seed)
        predictions = predict(adapter, dataset, run, adapter.variants)
        made_from = {variant: _made_from(entries, dataset) for variant, entries in predictions.items()}
        if not all([_holds(kept, run.folder, variant, digest) for variant, digest in made_from.items()]):
            predict_and_evaluate(run, dataset, adapter.variants, keep_predictions=False)
            new.append(run.folder.name)
            for variant, digest in made_from.items():
                _note(kept, run.folder, variant, digest)
        kept.note(_run_name(run.folder), _digest_by_code(run.folder, dataset))
    return new


def keep_readings(released: Path) -> None:
    """Write into the manifests of runs made by earlier code what their adapters say of their variants.

    So reports need no adapter, whose libraries take seconds to import. A model without an adapter here is left alone.
    """
    for folder in run_folders(released):
        manifest, metrics = read_object(folder / MANIFEST), read_metrics(folder)
        stated = manifest.get("readings", {})
        missing = [name for name in metrics if name not in stated]
        if missing and isinstance(stated, dict):  # whoever reads the run says what is wrong with it otherwise
            found = declared_readings(str(manifest.get("model")))
            if entries := {name: asdict(found[name]) for name in missing if name in found}:
                add_to_manifest(folder, readings={**stated, **entries})


def analyse_released(released: Path, data: Path, kept: Kept) -> list[str]:
    """Evaluate and analyse the kept predictions of all runs that are new or changed, on all processor cores.

    Puts metrics and summaries that changed into the runs. Returns "run/variant" of everything that was analysed. A
    damaged run is left out, which a line on standard error says; raises InputError for damaged predictions.
    """
    work: dict[Path, dict[tuple[Path, str], Path]] = {}
    made_from = {}
    for folder, dataset, predictions in runs_with_predictions(released, data):
        for variant, path in predictions.items():
            made_from[folder, variant] = _made_from(path, dataset)
            if not _holds(kept, folder, variant, made_from[folder, variant]):
                work.setdefault(dataset.annotations_file, {})[folder, variant] = path
    for annotations, files in work.items():
        found = analyse_files(annotations, files, os.cpu_count() or 1)
        for folder in dict.fromkeys(folder for folder, _ in found):
            analyses = {variant: analysis for (place, variant), analysis in found.items() if place == folder}
            _update_metrics(folder, {variant: analysis.metrics for variant, analysis in analyses.items()})
            write_analysis(folder, {variant: analysis.summary for variant, analysis in analyses.items()}, keep=True)
            for variant in analyses:
                _note(kept, folder, variant, made_from[folder, variant])
    return [f"{folder.name}/{variant}" for files in work.values() for folder, variant in files]


def _update_metrics(folder: Path, found: Mapping[str, Metrics]) -> None:
    """Numbers that differ in their last bits alone stay as they are."""
    earlier = read_metrics(folder)
    changed = {name: values for name, values in found.items() if not same_numbers(earlier.get(name), values)}
    if changed:
        write_metrics(folder, {**earlier, **changed})


def _made_from(predictions: Path | list[dict[str, Any]], dataset: ExportedDataset) -> str:
    return digest_of(predictions, dataset.info.get("content_hash"), digest_of_code(*ANALYSING))


def _holds(kept: Kept, folder: Path, variant: str, made_from: str) -> bool:
    return kept.holds(_name(folder, variant), _digest(folder, variant, made_from))


def _note(kept: Kept, folder: Path, variant: str, made_from: str) -> None:
    kept.note(_name(folder, variant), _digest(folder, variant, made_from))


def _name(folder: Path, variant: str) -> str:
    return f"{_run_name(folder)}/{variant}"


def _run_name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


def _digest_by_code(folder: Path, dataset: ExportedDataset) -> str:
    """Of all that a model without training can depend on, and of the numbers that the folder holds."""
    return digest_of(
        dataset.info.get("content_hash"), digest_of_code(*PREDICTING), read_metrics(folder), read_analysis(folder)
    )


def _digest(folder: Path, variant: str, made_from: str) -> str:
    """Of what the numbers of a variant follow from, and of the numbers that the folder holds."""
    return digest_of(made_from, read_metrics(folder).get(variant), read_analysis(folder).get(variant))
