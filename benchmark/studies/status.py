"""How far the runs in a folder are, in plain text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.adapter import TUNED_VARIANT
from benchmark.engine.rows import read_log
from benchmark.runs.folder import TRAINING_LOG, holds_run, read_metrics, run_folders
from benchmark.runs.manifest import read_manifest
from benchmark.studies.job import last_error
from benchmark.studies.plan import aligned, read_plan
from datasets.errors import InputError
from datasets.locks import is_held

SHOWN = ("AP", "AP50", "AP75", "AR100", "AR_heavy")
"""Metrics in the table that a study ends with; the report has all."""


@dataclass(frozen=True)
class Status:
    """One run. state: "waiting", "running", "stopped", "failed", "trained", "done", or "damaged" where a file of its
    folder cannot be read. images_per_second: since it began, None before the first line of its log. error: of its last
    try or of the file, or ""."""

    name: str
    state: str
    images_seen: int
    images_budget: int
    images_per_second: float | None
    error: str

    @property
    def seconds_left(self) -> float | None:
        """How long training still takes at the speed so far; None where that is not known."""
        left = self.images_budget - self.images_seen
        if left <= 0:
            return 0.0
        return left / self.images_per_second if self.images_per_second else None


def read_status(folder: Path) -> list[Status]:
    """Every run in `folder`, and those that are only planned. Raises InputError if there is none."""
    planned = read_plan(folder) if folder.is_dir() else {}
    found = [path.name for path in run_folders(folder)]
    if not planned and not found:
        raise InputError(f"{folder}: found no run, expected a folder of run folders")
    return [_status(folder / name, planned.get(name)) for name in dict.fromkeys([*planned, *found])]


def status_text(statuses: list[Status]) -> str:
    """A line for each run, and one for each error."""
    rows = [("run", "state", "images", "of", "images/s", "left")]
    for status in statuses:
        speed = "" if status.images_per_second is None else f"{status.images_per_second:.1f}"
        left = status.seconds_left
        hours = "" if left == 0 else "unknown" if left is None else f"{left / 3600:.1f} h"
        rows.append(
            (status.name, status.state, f"{status.images_seen:,}", f"{status.images_budget:,}", speed, hours)
        )  # fmt: skip
    lines = aligned(rows)
    counts = pd.Series([status.state for status in statuses]).value_counts()
    lines.append(f"{len(statuses)} runs: {', '.join(f'{number} {state}' for state, number in counts.items())}")
    return "\n".join(lines + [f"{status.name}: {status.error}" for status in statuses if status.error])


def results_text(runs: Sequence[Path]) -> str:
    """A line for each evaluated run and its first variant, and for its tuned one; "" where there is none."""
    rows: list[tuple[str, ...]] = [("run", "variant", *SHOWN)]
    for folder in runs:
        metrics = read_metrics(folder)
        for variant in dict.fromkeys([*list(metrics)[:1], *({TUNED_VARIANT} & set(metrics))]):
            values = [metrics[variant].get(name) for name in SHOWN]
            rows.append((folder.name, variant, *("none" if value is None else f"{value:.4f}" for value in values)))
    return "\n".join(aligned(rows)) if len(rows) > 1 else ""


def _status(folder: Path, planned_budget: int | None) -> Status:
    try:
        return _status_of_whole(folder, planned_budget)
    except InputError as error:
        return Status(folder.name, "damaged", 0, planned_budget or 0, None, str(error))


def _status_of_whole(folder: Path, planned_budget: int | None) -> Status:
    manifest = read_manifest(folder) if holds_run(folder) else {}
    seen, speed = _progress(folder)
    seen = max(seen, manifest.get("images_seen") or 0)
    if speed is None and seen and (seconds := (manifest.get("wall_time_seconds") or {}).get("training")):
        speed = seen / seconds
    budget = manifest.get("images_budget", planned_budget) or 0
    error = last_error(folder)
    if is_held(folder):
        state, error = "running", ""
    elif error:
        state = "failed"
    elif manifest.get("finished"):
        state = "done" if read_metrics(folder) else "trained"
    else:
        state = "stopped" if seen else "waiting"
    return Status(folder.name, state, seen, budget, speed, error)


def _progress(folder: Path) -> tuple[int, float | None]:
    """Images seen and images a second, by the last line of the training log."""
    log = folder / TRAINING_LOG
    if not log.exists() or log.stat().st_size == 0:
        return 0, None
    rows = read_log(log)
    if not rows:
        return 0, None
    images, seconds = rows[-1]["images"], rows[-1]["seconds"]
    return int(images), images / seconds if seconds else None
