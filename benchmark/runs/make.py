"""Making runs: train, predict, evaluate, and the folder that holds the results."""

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.adapter import Adapter, Run
from benchmark.analysis.analyse import Analysis
from benchmark.analysis.quality import visible_masks
from benchmark.engine.rows import read_log
from benchmark.evaluation.evaluate import Metrics, evaluate
from benchmark.evaluation.validate import read_annotations
from benchmark.models.presets import preset_from_values
from benchmark.models.registry import find_adapter, find_preset
from benchmark.runs.folder import (
    ANALYSIS,
    MANIFEST,
    METRICS,
    holds_run,
    is_main_process,
    predictions_path,
    read_metrics,
    same_numbers,
    write_analysis,
    write_metrics,
)
from benchmark.runs.manifest import (
    add_to_manifest,
    check_same,
    dataset_entry,
    read_manifest,
    reading_entries,
    training_progress,
    write_run_manifest,
)
from benchmark.runs.pictures import keep_pictures
from benchmark.runs.predictions import predict, write_predictions
from datasets.dataset import Dataset
from datasets.errors import InputError
from datasets.files import remove_folder, remove_leftovers
from datasets.locks import locked
from datasets.scene import SceneParameters
from datasets.source import read_source


def train(run: Run, *, resume: bool, overwrite: bool) -> bool:
    """Train in ``run.folder``; True when ``run.max_images`` or the budget are seen, False when time was over first.

    A run that is so far already is not trained again, whether or not its checkpoint is still there.
    Raises InputError if the folder holds a run and neither `resume` nor `overwrite` is given, if the run to resume
    differs in model, preset, scenes, layers or seed, or if another process works on the run.
    """
    if not is_main_process():
        return _train(run, resume, overwrite)
    with locked(run.folder):
        return _train(run, resume, overwrite)


def _train(run: Run, resume: bool, overwrite: bool) -> bool:
    adapter = find_adapter(run.model)
    if is_main_process():
        _prepare_folder(run, adapter, resume, overwrite)
    if resume and run.weights.exists() and (read_manifest(run.folder).get("finished") or _as_far_as_asked(run)):
        finished = bool(read_manifest(run.folder).get("finished"))
    else:
        if is_main_process():
            write_run_manifest(run, finished=False)
        seed_everything(run.seed)
        finished = adapter.train(run)
    if is_main_process():
        write_run_manifest(run, finished=finished)
    return finished or _as_far_as_asked(run)


def predict_and_evaluate(
    run: Run, dataset: Dataset, variants: Sequence[str], *, keep_predictions: bool = True, analyse: bool = True
) -> dict[str, Metrics]:
    """Write predictions, metrics, analysis and pictures to the run's folder; returns the metrics by variant.

    Metrics of other variants of the same dataset are kept. analyse: False leaves ``analysis.json`` out, which takes
    a second or two per variant and thousand images. Raises InputError if another process works on the run.
    """
    with locked(run.folder):
        return _predict_and_evaluate(run, dataset, variants, keep_predictions, analyse)


def _predict_and_evaluate(
    run: Run, dataset: Dataset, variants: Sequence[str], keep_predictions: bool, analyse: bool
) -> dict[str, Metrics]:
    adapter = find_adapter(run.model)
    seed_everything(run.seed)
    started = time.monotonic()
    predictions = predict(adapter, dataset, run, variants)
    seconds = time.monotonic() - started
    ground_truth = read_annotations(dataset.annotations_file)
    if analyse:
        visible = visible_masks(dataset.annotations_file)
        analyses = {name: Analysis.of(ground_truth, entries, visible) for name, entries in predictions.items()}
        metrics = {name: analysis.metrics for name, analysis in analyses.items()}
    else:
        analyses, metrics = {}, {name: evaluate(ground_truth, entries) for name, entries in predictions.items()}
    if not holds_run(run.folder):
        write_run_manifest(run, finished=True)
    manifest = read_manifest(run.folder)
    same_dataset = (manifest.get("dataset") or {}).get("content_hash") == dataset.info.get("content_hash")
    if not same_dataset:  # a kill in between must not leave these beside the new dataset's
        for name in (METRICS, ANALYSIS):
            (run.folder / name).unlink(missing_ok=True)
    earlier = read_metrics(run.folder)
    if analyses:
        write_analysis(run.folder, {name: analysis.summary for name, analysis in analyses.items()}, keep=bool(earlier))
    if keep_predictions:
        for name, entries in predictions.items():
            write_predictions(predictions_path(run.folder, name), entries)
        keep_pictures(adapter, dataset, run)
    if earlier and all(same_numbers(earlier.get(name), values) for name, values in metrics.items()):
        return metrics  # nothing new: leave the files, and their date and machine, as they are
    write_run_manifest(replace(run, command=manifest.get("command", "")), finished=bool(manifest.get("finished")))
    times = {**read_manifest(run.folder).get("wall_time_seconds", {}), "prediction": round(seconds, 1)}
    merged = {**earlier, **metrics}
    ordered = sorted(merged, key=lambda name: adapter.variants.index(name) if name in adapter.variants else len(merged))
    readings = {**manifest.get("readings", {}), **reading_entries(adapter, ordered)}
    add_to_manifest(run.folder, wall_time_seconds=times, dataset=dataset_entry(dataset), readings=readings)
    write_metrics(run.folder, {name: merged[name] for name in ordered})
    return metrics


def load_run(folder: Path, device: str = "cpu") -> Run:
    """The run in `folder`, ready to predict, with the hyperparameters that it was trained with.

    Raises InputError if there is none or this code no longer knows its preset or one of its hyperparameters.
    """
    manifest = read_manifest(folder)
    adapter = find_adapter(manifest["model"])
    preset = find_preset(adapter, manifest["model"], manifest["preset"])
    if "counts" not in manifest["scenes"] and set(manifest["scenes"]) <= {"label"}:
        raise InputError(f"{folder / MANIFEST}: scenes: found no counts, expected those of its training")
    if preset is not None:
        preset = preset_from_values(preset, manifest["hyperparameters"], f"{folder / MANIFEST}")
    return Run(
        folder=folder,
        model=manifest["model"],
        preset_name=manifest["preset"],
        preset=preset,
        source=read_source(manifest["scenes"]),
        layers=manifest["layers"],
        seed=manifest["seed"],
        device=device,
        command=manifest.get("command", ""),
    )


def find_run(model_or_run: str, device: str) -> tuple[Adapter, Run]:
    """Adapter and run that the MODEL|RUN of the command line means: a run folder, or a model that needs no training."""
    folder = Path(model_or_run)
    if holds_run(folder):
        run = load_run(folder, device)
        return find_adapter(run.model), run
    if folder.is_dir():
        read_manifest(folder)  # raises: a folder, but not of a run
    if folder.name != model_or_run and ":" not in model_or_run:
        raise InputError(f"{model_or_run}: no such folder, expected that of a run")
    adapter = find_adapter(model_or_run)
    if adapter.presets:
        raise InputError(f"{model_or_run}: has to be trained first; expected the folder of a run of it")
    return adapter, Run(folder, model_or_run, None, None, SceneParameters(), device=device)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and, where an adapter has imported it, torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries draw from the global state
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _as_far_as_asked(run: Run) -> bool:
    return run.max_images is not None and training_progress(run)[0] >= run.max_images


def _prepare_folder(run: Run, adapter: Adapter, resume: bool, overwrite: bool) -> None:
    remove_leftovers(run.folder.parent, run.folder.name)
    remove_leftovers(run.folder)
    holds_files = run.folder.is_dir() and any(run.folder.iterdir())
    if run.folder.exists() and not run.folder.is_dir():
        raise InputError(f"--out {run.folder}: is a file, expected a folder")
    if holds_files and overwrite:
        read_manifest(run.folder)  # raises: only a run is ever replaced
        remove_folder(run.folder)
    elif holds_files and resume:
        check_same(run, adapter, read_manifest(run.folder))
        _mend_log(run)
    elif holds_files:
        raise InputError(f"--out {run.folder}: already holds a run; --resume to go on, --overwrite to start again")
    run.folder.mkdir(parents=True, exist_ok=True)


def _mend_log(run: Run) -> None:
    """Put a damaged log aside: the checkpoint is all that going on needs."""
    try:
        read_log(run.training_log)
    except InputError as error:
        print(f"{error}; the log begins anew at the checkpoint", file=sys.stderr)
        run.training_log.unlink()
