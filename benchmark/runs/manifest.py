"""The manifest of a run: everything that one must know to believe or repeat its numbers."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

import pandas as pd

from benchmark.adapter import Run
from benchmark.engine.settings import TrainingSettings
from benchmark.runs.hardware import code_version, hardware, libraries
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.files import write_json

TIERS = {100_000: "full", 30_000: "short", 10_000: "tiny"}
"""Images seen -> name of the budget; models are compared within one only."""

IDENTITY = ("model", "preset", "hyperparameters", "scenes", "layers", "seed")
"""What must not change when a run is resumed."""


def describe(run: Run) -> dict[str, Any]:
    """The part of the manifest that is known before training."""
    return {
        "model": run.model,
        "preset": run.preset_name,
        # through JSON, so that tuples compare equal to what a manifest read back holds
        "hyperparameters": json.loads(json.dumps(asdict(run.preset))) if is_dataclass(run.preset) else {},
        "scenes": run.source.describe(),
        "layers": run.layers,
        "seed": run.seed,
    }


def read_manifest(run_folder) -> dict[str, Any]:
    """The manifest in `run_folder`. Raises InputError if there is none or it is damaged."""
    path = run_folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text())
        missing = [key for key in IDENTITY if key not in manifest]
    except FileNotFoundError:
        raise InputError(f"{run_folder}: found no manifest.json, expected the folder of a run") from None
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if missing:
        raise InputError(f"{path}: lacks {missing[0]!r}, expected a manifest that `train` wrote")
    return manifest


def write_manifest(run: Run, command: str, finished: bool, wall_time: dict[str, float]) -> None:
    """Write or update ``manifest.json``: identity of the run, images seen so far, machine, software, time.

    wall_time: seconds by part ("training", "prediction"), of all sittings together.
    """
    path = run.folder / "manifest.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    seen, training_seconds = training_progress(run)
    budget = run.preset.training.images if run.preset is not None else 0
    manifest = {
        **describe(run),
        "images_seen": seen,
        "images_budget": budget,
        "tier": tier(run.preset_name, seen, budget),
        "finished": finished,
        "hardware": hardware(),
        "precision": _precision(run),
        "sittings": _with_this_sitting(earlier.get("sittings", []), run, seen),
        "wall_time_seconds": {
            **earlier.get("wall_time_seconds", {}),
            "training": round(training_seconds, 1),
            **{part: round(seconds, 1) for part, seconds in wall_time.items()},
        },
        "code_version": code_version(),
        "libraries": libraries(),
        "command": command,
    }
    if "dataset" in earlier:
        manifest["dataset"] = earlier["dataset"]
    write_json(path, manifest)


def _with_this_sitting(sittings: list[dict[str, Any]], run: Run, images_seen: int) -> list[dict[str, Any]]:
    """Where and with which code the run was worked on: an entry for each change of machine or code."""
    sitting = {"hardware": hardware(), "precision": _precision(run), "code_version": code_version()}
    same_as_last = sittings and {key: sittings[-1].get(key, sitting[key]) for key in sitting} == sitting
    return sittings if same_as_last else [*sittings, {**sitting, "images_seen": images_seen}]


def _precision(run: Run) -> str | None:
    """The precision in which this machine computes the run's model; None where the engine does not train it."""
    training = getattr(run.preset, "training", None)
    if not isinstance(training, TrainingSettings):
        return None
    from benchmark.engine.precision import computed_in  # imports torch, which models without training do not need

    return computed_in(training.precision, run.device)


def add_dataset(run: Run, dataset: ExportedDataset) -> None:
    """Record which dataset the run's predictions and metrics are of."""
    path = run.folder / "manifest.json"
    info = dataset.info
    entry = {key: info.get(key) for key in ("content_hash", "seed", "parameters")} | {"images": len(dataset)}
    write_json(path, {**json.loads(path.read_text()), "dataset": entry})


def tier(preset_name: str | None, images_seen: int, budget: int) -> str:
    """Name of the budget: "full", "short", ...; the preset "smoke" is its own; "none" where nothing is trained.

    The last batch may go beyond the budget; a run that has not used it up belongs to no tier, and is compared only
    with others that stopped there: their learning rate has not come down.
    """
    if preset_name is None:
        return "none"
    if preset_name == "smoke":
        return "smoke"
    if images_seen < budget:
        return f"{images_seen:,} of {budget:,} images"
    return TIERS.get(budget, f"{budget} images")


def training_progress(run: Run) -> tuple[int, float]:
    """Images seen and seconds trained, from the last line of the training log; zeros without one."""
    if not run.training_log.exists():
        return 0, 0.0
    rows = pd.read_csv(run.training_log)
    return (int(rows["images"].iloc[-1]), float(rows["seconds"].iloc[-1])) if len(rows) else (0, 0.0)
