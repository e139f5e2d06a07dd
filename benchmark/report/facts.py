"""What a footnote says of a run: everything that a reader must know to judge its numbers."""

from typing import Any

from benchmark.runs.manifest import UNTRAINED
from benchmark.runs.record import PAPER_IMAGES, ReleasedRun

_PRETRAINING_KEYS = ("pretraining", "pretrained", "pretrained_weights")


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
        pretraining = _find(manifest, _PRETRAINING_KEYS)
        parts.append(f"pretraining: {pretraining if pretraining not in (None, False, '') else 'none'}")
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


def _find(nested: dict[str, Any], keys: tuple[str, ...]) -> Any:
    """The first value under one of `keys`, at the top or inside the hyperparameters."""
    for place in (nested, nested.get("hyperparameters") or {}):
        for key in keys:
            if key in place:
                return place[key]
    return None
