"""Released runs as the report sees them: what a manifest and its metrics say."""

import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from benchmark.adapter import Reading
from benchmark.models.registry import declared_readings
from benchmark.runs.folder import MANIFEST, read_analysis, read_metrics, read_object, run_folders
from benchmark.runs.manifest import SCENES_AND_LAYERS, SMOKE, UNTRAINED, tier
from benchmark.runs.schema import Manifest
from datasets.errors import InputError
from datasets.scene import SceneParameters

PAPER_IMAGES = 100_000
"""Images seen in the paper's training: 100 epochs of 1000."""


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
        """What the evaluation set can be made again from; None for another data set, and where there was none."""
        parameters = (self.manifest.get("dataset") or {}).get("parameters")
        return SceneParameters(tuple(parameters["counts"])) if parameters else None

    @property
    def layers(self) -> int:
        return self.manifest["layers"]

    @property
    def tier(self) -> str:
        """Name of the budget, such as "full" or "short" (`benchmark.runs.manifest.tier`)."""
        return tier(self.manifest.get("preset"), self.budget)

    @property
    def status(self) -> str:
        """ "finished", or "stopped at 10,000 images" where it ended within its budget."""
        return f"stopped at {self.images_seen:,} images" if self.stopped else "finished"

    @property
    def tier_and_status(self) -> str:
        """ "short", or "short, stopped at 10,000 images". Models are compared only where this is the same: the learning
        rate of a stopped run has not come down."""
        return f"{self.tier}, {self.status}" if self.stopped else self.tier

    @property
    def trained(self) -> bool:
        """Whether it was trained in earnest, neither an oracle nor a smoke test."""
        return self.tier not in (UNTRAINED, SMOKE)

    @property
    def images_seen(self) -> int:
        return self.manifest.get("images_seen") or 0

    @property
    def budget(self) -> int:
        """In images; 0 where nothing is trained or nobody states it."""
        return self.manifest.get("images_budget") or 0

    @property
    def stopped(self) -> bool:
        """Whether it ended before its budget was used up."""
        return self.images_seen < self.budget

    def reading(self, variant: str) -> Reading:
        """How a variant reads the model: as the manifest says, or else the model's adapter."""
        stored = self.manifest.get("readings", {}).get(variant)
        if stored is None:
            found = declared_readings(self.model).get(variant, Reading())
        else:
            known = {field.name for field in fields(Reading)}
            found = Reading(**{name: value for name, value in stored.items() if name in known})
        return found if found.family else replace(found, family=variant)

    def interval(self, variant: str, metric: str) -> tuple[float, float] | None:
        """95 % bootstrap interval over images."""
        found = self.analysis.get(variant, {}).get("intervals", {}).get(metric)
        return found and tuple(found)

    @property
    def dataset_hash(self) -> str:
        """Content hash of the dataset that the run was evaluated on, or ""."""
        return (self.manifest.get("dataset") or {}).get("content_hash") or ""


def read_runs(released: Path) -> list[ReleasedRun]:
    """All runs in `released` by name, n6 before n12; a folder without a manifest is none, one without metrics is not
    evaluated yet. A damaged one is left out, which a line on standard error says."""
    runs = []
    for folder in run_folders(released):
        try:
            runs.append(read_run(folder))
        except InputError as error:
            print(f"{error}; the run is left out", file=sys.stderr)
    return runs


def read_run(folder: Path) -> ReleasedRun:
    """The run in `folder`. Raises InputError where its manifest, metrics or analysis are damaged."""
    path = folder / MANIFEST
    manifest = read_object(path, Manifest)
    for key in SCENES_AND_LAYERS:
        if key not in manifest:
            raise InputError(f"{path}: found no '{key}', expected a run's manifest")
    if "label" not in manifest["scenes"]:
        raise InputError(f"{path}: scenes: found no 'label', expected the scenes' name")
    return ReleasedRun(folder, manifest, read_metrics(folder), read_analysis(folder))
