"""What a footnote says of a run: everything that a reader must know to judge its numbers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.runs.manifest import UNTRAINED
from benchmark.runs.record import PAPER_IMAGES, ReleasedRun


def facts(run: ReleasedRun) -> str:
    """One line with all `fact_parts`."""
    return ", ".join(fact_parts(run))


def fact_parts(run: ReleasedRun) -> list[str]:
    """The facts one by one, so that those of several runs can be compared."""
    manifest = run.manifest
    parts = [run.model]
    if run.preset:
        parts.append(f"preset {run.preset}")
    if run.tier != UNTRAINED:
        seen = _budget(run.images_seen, run.budget, run.tier)
        parts.append(seen if run.images_seen else "training images not stated")
        parts.append(f"pretraining: {_pretraining(manifest) or 'none'}")
        if manifest.get("seed") is not None:
            parts.append(f"seed {manifest['seed']}")
    parts += machines(run)
    times = manifest.get("wall_time_seconds") or {}
    parts += [f"{phase} {duration(seconds)}" for phase, seconds in times.items() if seconds]
    dataset = manifest.get("dataset") or {}
    if dataset:
        images = f"{dataset['images']:,} images" if dataset.get("images") else "a dataset"
        data = [scenes_title(run.scenes), *([f"hash {run.dataset_hash[:12]}"] if run.dataset_hash else [])]
        parts.append(f"evaluated on {images} ({', '.join(data)})")
    return parts


def machines(run: ReleasedRun) -> list[str]:
    """What it was trained and evaluated on, in order of time."""
    sittings = [sitting["hardware"] for sitting in run.manifest.get("sittings", [])]
    found = sittings or [run.manifest.get("hardware") or {}]
    return list(dict.fromkeys(_machine(machine) for machine in found if machine))


def images_text(run: ReleasedRun) -> str:
    """ "30,000 images", or "10,000 of 30,000 images" where it stopped within its budget."""
    of_budget = f" of {run.budget:,}" if run.stopped else ""
    return f"{run.images_seen:,}{of_budget} images"


def scenes_title(label: str) -> str:
    """ "N = 6" of the benchmark's own scenes; another data set's name as it is."""
    return f"N = {label}" if label[:1].isdigit() else label


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _budget(seen: int, budget: int | None, tier: str) -> str:
    text = f"tier {tier}: {seen:,} images seen"
    if budget and seen < budget:
        text += f" of {budget:,} (stopped early)"
    share = seen / PAPER_IMAGES
    return text if share == 1 else f"{text}, {share:.3g} times the paper's"


def _machine(hardware: dict[str, Any]) -> str:
    cores = f" ({hardware['cores']} cores)" if hardware.get("cores") else ""
    return f"{hardware.get('cpu') or 'unknown CPU'}{cores}, {hardware.get('gpu') or 'no GPU'}"


def _pretraining(manifest: Mapping[str, Any]) -> str | None:
    """The file of weights that training started from; manifests of old do not say it outside the hyperparameters."""
    if "pretraining" in manifest:
        return manifest["pretraining"]
    hyperparameters = manifest.get("hyperparameters") or {}
    parts = [hyperparameters, *(part for part in hyperparameters.values() if isinstance(part, dict))]
    files = [value for part in parts for name, value in part.items() if name.endswith("weights") and value]
    return Path(files[0]).name if files else None
