"""Making runs: train, predict, evaluate, and the folder that holds the results."""

import json
import random
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.adapter import Adapter, Run
from benchmark.analysis.analyse import Analysis
from benchmark.evaluation.evaluate import Metrics, evaluate
from benchmark.evaluation.validate import read_annotations
from benchmark.models.presets import preset_from_values
from benchmark.models.registry import find_adapter, find_preset
from benchmark.runs.folder import is_main_process
from benchmark.runs.manifest import IDENTITY, add_dataset, describe, read_manifest, training_progress, write_manifest
from benchmark.runs.predictions import predict, write_predictions
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.files import write_json
from datasets.scene import SceneParameters
from datasets.source import read_source


def train(run: Run, *, resume: bool, overwrite: bool) -> bool:
    """Train in ``run.folder``; True when ``run.max_images`` or the budget are seen, False when time was over first.

    A run that is so far already is not trained again, whether or not its checkpoint is still there.
    Raises InputError if the folder holds a run and neither `resume` nor `overwrite` is given, or if the run to resume
    differs in model, preset, scenes, layers or seed.
    """
    adapter = find_adapter(run.model)
    if is_main_process():
        _prepare_folder(run, adapter, resume, overwrite)
    if resume and run.weights.exists() and (read_manifest(run.folder)["finished"] or _as_far_as_asked(run)):
        finished = read_manifest(run.folder)["finished"]
    else:
        if is_main_process():
            write_manifest(run, _command(), finished=False, wall_time={})
        seed_everything(run.seed)
        finished = adapter.train(run)
    if is_main_process():
        write_manifest(run, _command(), finished=finished, wall_time={})
    return finished or _as_far_as_asked(run)


def predict_and_evaluate(
    run: Run, dataset: ExportedDataset, variants: Sequence[str], *, keep_predictions: bool = True, analyse: bool = True
) -> dict[str, Metrics]:
    """Write predictions, metrics and analysis of `variants` to the run's folder; returns the metrics by variant.

    Metrics of other variants of the same dataset are kept. analyse: False leaves ``analysis.json`` out, which takes
    a second or two per variant and thousand images.
    """
    adapter = find_adapter(run.model)
    seed_everything(run.seed)
    started = time.monotonic()
    predictions = predict(adapter, dataset, run, variants)
    seconds = time.monotonic() - started
    ground_truth = read_annotations(dataset.annotations_file)
    if analyse:
        analyses = {name: Analysis.of(ground_truth, entries) for name, entries in predictions.items()}
        metrics = {name: analysis.metrics for name, analysis in analyses.items()}
    else:
        analyses, metrics = {}, {name: evaluate(ground_truth, entries) for name, entries in predictions.items()}
    if not (run.folder / "manifest.json").exists():
        write_manifest(run, _command(), finished=True, wall_time={})
    manifest = read_manifest(run.folder)
    same_dataset = manifest.get("dataset", {}).get("content_hash") == dataset.info.get("content_hash")
    earlier = read_metrics(run.folder) if same_dataset else {}
    if analyses:
        write_analysis(run.folder, {name: analysis.summary for name, analysis in analyses.items()}, keep=bool(earlier))
    if keep_predictions:
        for name, entries in predictions.items():
            write_predictions(run.folder / f"predictions.{name}.json.gz", entries)
    if earlier and all(earlier.get(name) == values for name, values in metrics.items()):
        return metrics  # nothing new: leave the files, and their date and machine, as they are
    write_manifest(run, manifest["command"], finished=manifest["finished"], wall_time={"prediction": seconds})
    add_dataset(run, dataset)
    merged = {**earlier, **metrics}
    ordered = [name for name in adapter.variants if name in merged]
    write_json(run.folder / "metrics.json", {name: merged[name] for name in ordered})
    return metrics


def load_run(folder: Path, device: str = "cpu") -> Run:
    """The run in `folder`, ready to predict, with the hyperparameters that it was trained with.

    Raises InputError if there is none or this code no longer knows its preset or one of its hyperparameters.
    """
    manifest = read_manifest(folder)
    adapter = find_adapter(manifest["model"])
    preset = find_preset(adapter, manifest["model"], manifest["preset"])
    if preset is not None:
        preset = preset_from_values(preset, manifest["hyperparameters"], f"{folder}/manifest.json")
    return Run(
        folder=folder,
        model=manifest["model"],
        preset_name=manifest["preset"],
        preset=preset,
        source=read_source(manifest["scenes"]),
        layers=manifest["layers"],
        seed=manifest["seed"],
        device=device,
    )


def find_run(model_or_run: str, device: str) -> tuple[Adapter, Run]:
    """Adapter and run that the MODEL|RUN of the command line means: a run folder, or a model that needs no training."""
    folder = Path(model_or_run)
    if (folder / "manifest.json").exists():
        run = load_run(folder, device)
        return find_adapter(run.model), run
    if folder.is_dir():
        read_manifest(folder)  # raises: a folder, but not of a run
    adapter = find_adapter(model_or_run)
    if adapter.presets:
        raise InputError(f"{model_or_run}: has to be trained first; expected the folder of a run of it")
    return adapter, Run(folder, model_or_run, None, None, SceneParameters(), device=device)


def read_metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """Metrics by variant, {} where the run has none yet."""
    path = folder / "metrics.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write_analysis(folder: Path, summaries: dict[str, dict[str, Any]], *, keep: bool) -> None:
    """Write ``analysis.json`` if that changes it; `keep` what it says of other variants."""
    path = folder / "analysis.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    merged = {**earlier, **summaries} if keep else summaries
    if merged != earlier:
        write_json(path, merged)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and, where an adapter has imported it, torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries draw from the global state
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _as_far_as_asked(run: Run) -> bool:
    return run.max_images is not None and training_progress(run)[0] >= run.max_images


def _prepare_folder(run: Run, adapter: Adapter, resume: bool, overwrite: bool) -> None:
    holds_files = run.folder.is_dir() and any(run.folder.iterdir())
    if run.folder.exists() and not run.folder.is_dir():
        raise InputError(f"--out {run.folder}: is a file, expected a folder")
    if holds_files and overwrite:
        read_manifest(run.folder)  # raises: only a run is ever replaced
        shutil.rmtree(run.folder)
    elif holds_files and resume:
        check_same(run, adapter, read_manifest(run.folder))
    elif holds_files:
        raise InputError(f"--out {run.folder}: already holds a run; --resume to go on, --overwrite to start again")
    run.folder.mkdir(parents=True, exist_ok=True)


def check_same(run: Run, adapter: Adapter, manifest: dict[str, Any]) -> None:
    """Raise InputError unless `manifest` is that of `run`, whatever its prediction settings."""
    wanted = describe(run)
    for key in IDENTITY:
        found, asked = manifest[key], wanted[key]
        if key == "hyperparameters":
            found, asked = (
                {name: value for name, value in values.items() if name not in adapter.prediction_settings}
                for values in (found, asked)
            )
        if asked != found:
            found, asked = _first_difference(found, asked)
            raise InputError(f"{run.folder}/manifest.json: {key}: the run has {found}, this command or code {asked}")


def _first_difference(found: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*found, *wanted]:
            if found.get(key) != wanted.get(key):
                inner = _first_difference(found.get(key), wanted.get(key))
                return f"{key} {inner[0]}", f"{key} {inner[1]}"
    return found, wanted


def _command() -> str:
    return " ".join(["run_benchmark.py", *sys.argv[1:]])
