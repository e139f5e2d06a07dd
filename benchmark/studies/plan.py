"""What a study will do and cost, told before it starts: runs, images, hours and disk."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.engine.precision import computed_in
from benchmark.runs.folder import CHECKPOINT, run_folders
from benchmark.runs.hardware import hardware
from benchmark.runs.manifest import read_manifest, training_progress
from benchmark.studies.job import JOBS, Job
from benchmark.studies.study import Study, StudyRun
from datasets.files import write_json

PLAN = "plan.json"

ELSEWHERE = "~"
"""In front of figures that were measured on another kind of machine or in another precision."""


@dataclass(frozen=True)
class Measured:
    """What a run cost where it was made. precision: "bf16" or "fp32", None where nothing was trained.
    seconds_per_evaluation_image: of predicting. bytes: of its folder. with_checkpoint: whether those include a
    checkpoint, which released runs come without."""

    folder: Path
    model: str
    preset: str | None
    hardware: dict[str, Any]
    precision: str | None
    instances: int
    images_per_second: float | None
    seconds_per_evaluation_image: float | None
    bytes: int
    with_checkpoint: bool


@dataclass(frozen=True)
class Expected:
    """What a run is expected to cost from now on. images: left of its budget. state: "finished", "half-trained" or
    "new". source: a like run on like hardware, None where none has been measured. kept: a like run on any hardware,
    whose folder says how much disk one takes."""

    planned: StudyRun
    state: str
    images: int
    source: Measured | None
    kept: Measured | None

    @property
    def seconds(self) -> float | None:
        """How long training and predicting are expected to take together; None where nobody has measured it."""
        if self.state == "finished":
            return 0.0
        return None if self.source is None else self.seconds_at(self.source)

    @property
    def seconds_elsewhere(self) -> float | None:
        """How long it took where a run of the preset was measured, if none was on like hardware in this precision."""
        return None if self.seconds is not None or self.kept is None else self.seconds_at(self.kept)

    def seconds_at(self, measured: Measured) -> float | None:
        """How long training and predicting take together at the speed of `measured`; None if that trained nothing."""
        speed = measured.images_per_second
        if self.images and speed is None:
            return None
        training = self.images / speed if self.images and speed else 0.0
        return training + self.planned.evaluation_images * (measured.seconds_per_evaluation_image or 0.0)


def expect(jobs: Sequence[Job], measured: Sequence[Measured], *, here: bool) -> list[Expected]:
    """What each of `jobs` is expected to cost. measured: earlier runs, those to prefer first. here: whether jobs run on
    this machine; elsewhere nobody knows the hardware, and only runs of the study itself are like it.
    """
    machine = hardware()
    expected = []
    for job in jobs:
        run = job.planned.run
        seen = training_progress(run)[0]
        state = "finished" if job.is_finished() else "half-trained" if seen else "new"
        # a crowded scene costs more than a sparse one, so the nearest number of instances counts; the first of equals
        same = sorted(
            (found for found in measured if (found.model, found.preset) == (run.model, run.preset_name)),
            key=lambda found: abs(found.instances - sum(job.planned.scenes.counts)),
        )
        like = [found for found in same if _says_the_speed_of(found, job, machine, here)]
        expected.append(
            Expected(
                job.planned, state, max(0, job.planned.images - seen), next(iter(like), None), next(iter(same), None)
            )
        )
    return expected


def measurements(folder: Path) -> list[Measured]:
    """What the runs in `folder` cost; one that has neither trained nor predicted says nothing."""
    found = []
    for run in run_folders(folder):
        manifest = read_manifest(run)
        times, seen = manifest.get("wall_time_seconds") or {}, manifest.get("images_seen") or 0
        evaluated = (manifest.get("dataset") or {}).get("images")
        training, prediction = times.get("training"), times.get("prediction")
        speed = seen / training if training and seen else None
        per_image = prediction / evaluated if prediction and evaluated else None
        if speed is None and per_image is None:
            continue
        files = [file for file in run.rglob("*") if file.is_file()]
        found.append(
            Measured(
                run, manifest["model"], manifest["preset"], manifest.get("hardware") or {},
                manifest.get("precision", (manifest["hyperparameters"].get("training") or {}).get("precision")),
                sum(manifest["scenes"].get("counts") or [0]), speed, per_image,
                sum(file.stat().st_size for file in files), (run / CHECKPOINT).exists(),
            )
        )  # fmt: skip
    return found


def _says_the_speed_of(found: Measured, job: Job, machine: dict[str, Any], here: bool) -> bool:
    if not here:
        return found.folder.parent == job.planned.run.folder.parent
    return is_like(found.hardware, machine, job.device) and found.precision == _precision(job)


def is_like(measured: dict[str, Any], machine: dict[str, Any], device: str | None) -> bool:
    """Whether a speed measured on one machine holds for another: the same GPU, or the same processor and cores."""
    if device == "cuda":
        return bool(machine.get("gpu")) and measured.get("gpu") == machine.get("gpu")
    return not measured.get("gpu") and all(measured.get(key) == machine.get(key) for key in ("cpu", "cores"))


def plan_text(study: Study, out: Path, expected: Sequence[Expected], *, here: bool) -> str:
    """The plan as a table and its sums, in plain text."""
    rows = [("run", "state", "images", "images/s", "hours", "disk"), *(_row(entry) for entry in expected)]
    lines = [f"{study.name}: {study.title}; {len(expected)} runs in {out}"]
    lines += [f"  {line}" for line in aligned(rows)]
    return "\n".join([*lines, *_sums(out, expected, here)])


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Lines whose columns stand below each other, the first two to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def longest(expected: Sequence[Expected]) -> float | None:
    """Expected seconds of the longest run, None where that of any is unknown."""
    seconds = [entry.seconds for entry in expected]
    known = [value for value in seconds if value is not None]
    return max(known, default=0.0) if len(known) == len(seconds) else None


def keep_plan(out: Path, jobs: Sequence[Job]) -> None:
    """Leave the planned runs and their budgets beside the runs, for `status`; those of earlier plans stay."""
    budgets = {job.planned.name: job.planned.images for job in jobs}
    write_json(out / JOBS / PLAN, {**read_plan(out), **budgets})


def read_plan(out: Path) -> dict[str, int]:
    """Run -> budget in images of all runs that were ever planned in `out`."""
    path = out / JOBS / PLAN
    return json.loads(path.read_text()) if path.exists() else {}


def _precision(job: Job) -> str | None:
    """In which this machine would compute the run; a processor without bfloat16 takes several times as long."""
    preset = job.planned.run.preset
    return computed_in(preset.training.precision, job.device or "cpu") if preset is not None else None


def _row(entry: Expected) -> tuple[str, ...]:
    source, sign, seconds = entry.source, "", entry.seconds
    if seconds is None and entry.seconds_elsewhere is not None:
        source, sign, seconds = entry.kept, ELSEWHERE, entry.seconds_elsewhere
    speed = f"{sign}{source.images_per_second:.1f}" if source and source.images_per_second else "unknown"
    hours = "unknown" if seconds is None else f"{sign}{seconds / 3600:.1f}"
    disk = "unknown" if entry.kept is None else f"{'' if _complete(entry) else '> '}{_size(entry.kept.bytes)}"
    images = f"{entry.images:,}" if entry.planned.images else "none"
    return (entry.planned.name, entry.state, images, speed if entry.planned.images else "", hours, disk)


def _complete(entry: Expected) -> bool:
    return not entry.planned.images or (entry.kept is not None and entry.kept.with_checkpoint)


def _sums(out: Path, expected: Sequence[Expected], here: bool) -> list[str]:
    known = [entry.seconds for entry in expected if entry.seconds is not None]
    elsewhere = [entry for entry in expected if entry.seconds_elsewhere is not None]
    unknown = len(expected) - len(known)
    machine = hardware()
    where = machine["gpu"] or f"{machine['cpu']}, {machine['cores']} cores" if here else "the cluster"
    images = sum(entry.images for entry in expected if entry.state != "finished")
    hours = f"{sum(known) / 3600:.1f} hours, one run after another, on {where}" if known else ""
    missing = f"{unknown} runs of unknown duration: no run of their preset was measured on like hardware"
    lines = [f"{images:,} images to train on; " + "; ".join([hours] * bool(known) + [missing] * bool(unknown))]
    sources = dict.fromkeys(str(entry.source.folder) for entry in expected if entry.source)
    if sources:
        lines.append(f"images/s and hours as measured by {', '.join(sources)}")
    lines += _measured_elsewhere(elsewhere)
    sizes = [entry.kept.bytes for entry in expected if entry.kept and entry.state != "finished"]
    more = [entry for entry in expected if entry.state != "finished" and not _complete(entry)]
    place = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    free = f"{_size(shutil.disk_usage(place).free)} free"
    lines.append(
        f"disk: {_size(sum(sizes))}"
        + (f", and the checkpoints of {len(more)} runs, of unknown size" if more else "")
        + f"; {free}"
    )
    return lines


def _measured_elsewhere(expected: Sequence[Expected]) -> list[str]:
    """A line for each kind of machine and precision that figures with ELSEWHERE were measured on."""
    seconds: dict[str, float] = {}
    for entry in expected:
        if entry.kept is not None and entry.seconds_elsewhere is not None:
            machine = entry.kept.hardware
            name = machine.get("gpu") or f"{machine.get('cpu', 'another processor')}, {machine.get('cores', '?')} cores"
            basis = f"{entry.kept.precision or 'unknown precision'} on {name}"
            seconds[basis] = seconds.get(basis, 0.0) + entry.seconds_elsewhere
    return [
        f"{ELSEWHERE} measured in {basis}: {total / 3600:.1f} hours there; unknown here"
        for basis, total in seconds.items()
    ]


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
