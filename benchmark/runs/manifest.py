"""The manifest of a run: everything that one must know to believe or repeat its numbers."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.adapter import Adapter, Run
from benchmark.engine.rows import read_log
from benchmark.engine.settings import TrainingSettings
from benchmark.models.hints import pretraining
from benchmark.models.presets import preset_from_values
from benchmark.runs.folder import INITIAL_WEIGHTS, MANIFEST, read_object
from benchmark.runs.hardware import code_version, hardware, libraries
from benchmark.runs.schema import Manifest
from datasets.dataset import Dataset
from datasets.errors import InputError
from datasets.files import write_json

TIERS = {100_000: "full", 30_000: "short", 10_000: "tiny"}
"""Budget in images -> its name."""

UNTRAINED, SMOKE, UNKNOWN = "none", "smoke", "unknown"
"""Tiers of what has nothing to train, of tests that the code runs, and of results whose budget nobody states."""

IDENTITY = ("model", "preset", "hyperparameters", "scenes", "layers", "seed")
"""What must not change when a run is resumed."""

SCENES_AND_LAYERS = ("model", "scenes", "layers")
"""What the report must know of a run, whoever wrote its manifest."""


@dataclass(frozen=True)
class Progress:
    """How far a training is. images_seen, images_budget: in images, 0 where nothing is trained or nobody states it.
    finished: whether the budget is used up. seconds: of training, in all sittings."""

    images_seen: int = 0
    images_budget: int = 0
    finished: bool = True
    seconds: float = 0.0


def describe(run: Run) -> dict[str, Any]:
    """The part of the manifest that is known before training."""
    return {
        "model": run.model,
        "preset": run.preset_name,
        "hyperparameters": _values(run.preset),
        "scenes": run.source.describe(),
        "layers": run.layers,
        "seed": run.seed,
        "pretraining": pretraining(run.preset),
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in `folder`. Raises InputError if there is none or it is damaged."""
    path = folder / MANIFEST
    try:
        manifest = read_object(path, Manifest)
    except FileNotFoundError:
        raise InputError(f"{folder}: found no {MANIFEST}, expected the folder of a run") from None
    missing = [key for key in IDENTITY if key not in manifest]
    if missing:
        raise InputError(f"{path}: lacks {missing[0]!r}, expected a manifest that `train` wrote")
    return manifest


def write_run_manifest(run: Run, *, finished: bool) -> None:
    """Write or update the manifest of a run that is made here, with what its training log says; keeps its dataset."""
    seen, seconds = training_progress(run)
    budget = run.preset.training.images if run.preset is not None else 0
    here = {"hardware": hardware(), "precision": _precision(run), "code_version": code_version()}
    write_manifest(run.folder, describe(run), Progress(seen, budget, finished, seconds), run.command, here)


def write_manifest(
    folder: Path, identity: Mapping[str, Any], progress: Progress, command: str, here: Mapping[str, Any] | None = None
) -> None:
    """Write or update a manifest: identity of the run, images seen so far, machine, software, time.

    identity: as from `describe`. here: "hardware", "precision" and "code_version" of this sitting; None for results
    that were made elsewhere, of which this machine and code say nothing.
    """
    path = folder / MANIFEST
    earlier = read_object(path) if path.exists() else {}
    manifest: dict[str, Any] = {
        **identity,
        "images_seen": progress.images_seen,
        "images_budget": progress.images_budget,
        "tier": tier(identity["preset"], progress.images_budget),
        "finished": progress.finished,
    }
    if here is not None:
        times = {**earlier.get("wall_time_seconds", {}), "training": round(progress.seconds, 1)}
        manifest |= {
            **here,
            "sittings": _with_this_sitting(earlier.get("sittings", []), here, progress.images_seen),
            "wall_time_seconds": times,
            "libraries": libraries(),
        }
    manifest["command"] = command
    if (folder / INITIAL_WEIGHTS).exists():
        manifest["initial_weights"] = read_object(folder / INITIAL_WEIGHTS)
    kept = {key: earlier[key] for key in ("dataset", "readings") if key in earlier}
    write_json(path, manifest | kept)


def add_to_manifest(folder: Path, **entries: Any) -> None:
    """Add to an existing manifest, or replace there, what is only known later."""
    path = folder / MANIFEST
    write_json(path, {**read_object(path), **entries})


def dataset_entry(dataset: Dataset) -> dict[str, Any]:
    """What a manifest says of the dataset that predictions and metrics are of."""
    info = dataset.info
    return {key: info.get(key) for key in ("content_hash", "seed", "parameters")} | {"images": len(dataset)}


def reading_entries(adapter: Adapter, variants: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a manifest says of how each variant reads the model; only of those that the adapter describes."""
    return {name: asdict(adapter.readings[name]) for name in variants if name in adapter.readings}


def tier(preset_name: str | None, budget: int) -> str:
    """Name of the budget: "full", "short", ...; the preset "smoke" is its own; "none" where nothing is trained."""
    if preset_name is None:
        return UNTRAINED
    if preset_name == SMOKE:
        return SMOKE
    return TIERS.get(budget, f"{budget} images") if budget else UNKNOWN


def check_same(run: Run, adapter: Adapter, manifest: Mapping[str, Any]) -> None:
    """Raise InputError unless `manifest` is that of `run`, whatever its prediction settings."""
    wanted = describe(run)
    for key in IDENTITY:
        found, asked = manifest[key], wanted[key]
        if key == "hyperparameters" and run.preset is not None:
            found = _values(preset_from_values(run.preset, found, str(run.folder / MANIFEST)))
            found, asked = (
                {name: value for name, value in values.items() if name not in adapter.prediction_settings}
                for values in (found, asked)
            )
        if asked != found:
            found, asked = _first_difference(found, asked)
            raise InputError(f"{run.folder / MANIFEST}: {key}: the run has {found}, this command or code {asked}")


def training_progress(run: Run) -> tuple[int, float]:
    """Images seen and seconds trained, from the last line of the training log; zeros without one."""
    rows = read_log(run.training_log)
    return (int(rows[-1]["images"]), rows[-1]["seconds"]) if rows else (0, 0.0)


def _with_this_sitting(
    sittings: list[dict[str, Any]], here: Mapping[str, Any], images_seen: int
) -> list[dict[str, Any]]:
    """Where and with which code the run was worked on: an entry for each change of machine or code."""
    same_as_last = sittings and all(sittings[-1].get(key, value) == value for key, value in here.items())
    return sittings if same_as_last else [*sittings, {**here, "images_seen": images_seen}]


def _values(preset: Any) -> dict[str, Any]:
    """A preset's values as a manifest read back holds them: through JSON, in which tuples are lists."""
    return json.loads(json.dumps(asdict(preset))) if preset is not None else {}


def _precision(run: Run) -> str | None:
    """The precision in which this machine computes the run's model; None where the engine does not train it."""
    training = getattr(run.preset, "training", None)
    if not isinstance(training, TrainingSettings):
        return None
    from benchmark.engine.precision import computed_in  # imports torch, which models without training do not need

    return computed_in(training.precision, run.device)


def _first_difference(found: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*found, *wanted]:
            if found.get(key) != wanted.get(key):
                inner = _first_difference(found.get(key), wanted.get(key))
                return f"{key} {inner[0]}", f"{key} {inner[1]}"
    return found, wanted
