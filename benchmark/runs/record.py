"""Released runs as the report sees them: what a manifest and its metrics say."""

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from datasets.errors import InputError
from datasets.scene import SceneParameters

PAPER_IMAGES = 100_000
"""Images seen in the paper's training: 100 epochs of 1000."""

UNTRAINED, SMOKE = "none", "smoke"
"""Tiers of what has nothing to train, and of tests that the code runs."""

_PRETRAINING_KEYS = ("pretraining", "pretrained", "pretrained_weights")


@dataclass(frozen=True)
class ReleasedRun:
    """One folder of ``results/released``. metrics: variant -> metric -> value in [0, 1], None where undefined.
    analysis: variant -> summary (`benchmark.analysis.analyse.Analysis`), {} where there is none."""

    folder: Path
    manifest: dict[str, Any]
    metrics: dict[str, dict[str, float | None]]
    analysis: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def model(self) -> str:
        return self.manifest["model"]

    @property
    def preset(self) -> str:
        return self.manifest.get("preset") or ""

    @property
    def scenes(self) -> str:
        """The label of the scenes, "6" for N=6: trained on and, unless it says otherwise, evaluated on."""
        trained_on = self.manifest["scenes"]["label"]
        evaluated_on = self.evaluation_scenes.label if self.evaluation_scenes else trained_on
        if evaluated_on == trained_on or self.tier == UNTRAINED:
            return evaluated_on
        return f"{evaluated_on}, trained on {trained_on}"

    @property
    def evaluation_scenes(self) -> SceneParameters | None:
        """Of the evaluation set, which can be made again from them; None for another data set, and where none was."""
        parameters = (self.manifest.get("dataset") or {}).get("parameters")
        return SceneParameters(tuple(parameters["counts"])) if parameters else None

    @property
    def layers(self) -> int:
        return self.manifest["layers"]

    @property
    def tier(self) -> str:
        """Budget tier: models are compared only with others that saw as many images."""
        return self.manifest["tier"]

    @property
    def trained(self) -> bool:
        """Whether it was trained in earnest, neither an oracle nor a smoke test."""
        return self.tier not in (UNTRAINED, SMOKE)

    @property
    def images_seen(self) -> int:
        return self.manifest.get("images_seen") or 0

    @property
    def images_text(self) -> str:
        """ "30,000 images", or "10,000 of 30,000 images" where it stopped within its budget."""
        of_budget = f" of {self.manifest['images_budget']:,}" if self.stopped else ""
        return f"{self.images_seen:,}{of_budget} images"

    @property
    def stopped(self) -> bool:
        """Whether it ended before its budget was used up."""
        return self.images_seen < (self.manifest.get("images_budget") or 0)

    def interval(self, variant: str, metric: str) -> tuple[float, float] | None:
        """95 % bootstrap interval over images."""
        found = self.analysis.get(variant, {}).get("intervals", {}).get(metric)
        return found and tuple(found)

    @property
    def dataset_hash(self) -> str:
        """Content hash of the dataset that the run was evaluated on, or ""."""
        return (self.manifest.get("dataset") or {}).get("content_hash") or ""

    @property
    def machines(self) -> list[str]:
        """What it was trained and evaluated on, in order of time."""
        sittings = [sitting["hardware"] for sitting in self.manifest.get("sittings", [])]
        found = sittings or [self.manifest.get("hardware") or {}]
        return list(dict.fromkeys(_machine(machine) for machine in found if machine))

    @property
    def facts(self) -> str:
        """One line for a footnote: everything that a reader must know to judge the run's numbers."""
        return ", ".join(self.fact_parts)

    @cached_property
    def fact_parts(self) -> list[str]:
        """The facts one by one, so that those of several runs can be compared."""
        manifest = self.manifest
        parts = [self.model]
        if self.preset:
            parts.append(f"preset {self.preset}")
        if self.tier != UNTRAINED:
            seen = _budget(self.images_seen, manifest.get("images_budget"), self.tier)
            parts.append(seen if self.images_seen else "training images not stated")
            pretraining = _find(manifest, _PRETRAINING_KEYS)
            parts.append(f"pretraining: {pretraining if pretraining not in (None, False, '') else 'none'}")
            if manifest.get("seed") is not None:
                parts.append(f"seed {manifest['seed']}")
        parts += self.machines
        times = manifest.get("wall_time_seconds") or {}
        parts += [f"{phase} {duration(seconds)}" for phase, seconds in times.items() if seconds]
        dataset = manifest.get("dataset") or {}
        if dataset:
            images = f"{dataset['images']:,} images" if dataset.get("images") else "a dataset"
            data = [scenes_title(self.scenes), *([f"hash {self.dataset_hash[:12]}"] if self.dataset_hash else [])]
            parts.append(f"evaluated on {images} ({', '.join(data)})")
        return parts


def scenes_title(label: str) -> str:
    """ "N = 6" of the benchmark's own scenes; another data set's name as it is."""
    return f"N = {label}" if label[:1].isdigit() else label


def read_runs(released: Path) -> list[ReleasedRun]:
    """All runs in `released` by name, n6 before n12; a folder without a manifest is none, one without metrics is not
    evaluated yet."""
    if not released.is_dir():
        return []
    folders = [path.parent for path in released.glob("*/manifest.json")]
    return [_read_run(folder) for folder in sorted(folders, key=_numbers_in_their_order)]


def _numbers_in_their_order(folder: Path) -> list[tuple[int, str]]:
    """Sorts names part by part, their numbers by value."""
    parts = re.findall(r"\d+|\D+", folder.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _read_run(folder: Path) -> ReleasedRun:
    manifest = _read_json(folder / "manifest.json")
    for key in ("model", "scenes", "layers", "tier"):
        if key not in manifest:
            raise InputError(f"{folder / 'manifest.json'}: found no '{key}', expected a run's manifest")
    if "label" not in manifest["scenes"]:
        raise InputError(f"{folder / 'manifest.json'}: scenes: found no 'label', expected the scenes' name")
    metrics_file = folder / "metrics.json"
    metrics = _read_json(metrics_file) if metrics_file.exists() else {}
    for variant, values in metrics.items():
        if not isinstance(values, dict):
            raise InputError(f"{metrics_file}: {variant}: found {values!r}, expected metrics by name")
        for metric, value in values.items():
            if value is not None and not (isinstance(value, int | float) and 0 <= value <= 1):
                raise InputError(f"{metrics_file}: {variant}: {metric}: found {value!r}, expected 0 to 1 or null")
    analysis_file = folder / "analysis.json"
    return ReleasedRun(folder, manifest, metrics, _read_json(analysis_file) if analysis_file.exists() else {})


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found a {type(content).__name__}, expected an object")
    return content


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


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
