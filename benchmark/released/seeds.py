"""Runs that differ in their seed alone: one row of a table, one side of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from benchmark.runs.record import ReleasedRun


class Spread(NamedTuple):
    """One metric over the runs of a group: mean, sample standard deviation (None for one run), number of runs."""

    mean: float
    deviation: float | None
    runs: int


def seed_groups(runs: Sequence[ReleasedRun]) -> list[list[ReleasedRun]]:
    """The runs in groups that differ in their seed alone; groups stand where their first run does.

    Two runs of the same seed and settings, or of settings that nobody states, stay apart.
    """
    groups: list[list[ReleasedRun]] = []
    for run in runs:
        for group in groups:
            if _same_but_seed(run, group[0]) and run.manifest["seed"] not in [one.manifest["seed"] for one in group]:
                group.append(run)
                break
        else:
            groups.append([run])
    return groups


def spread(values: Sequence[float]) -> Spread:
    """Mean and deviation of one metric's values, one for each run of a group from `seed_groups`."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Spread(float(np.mean(values)), deviation, len(values))


def mean_run(group: Sequence[ReleasedRun]) -> ReleasedRun:
    """The first run of a group with the mean of all runs' metrics, of the variants that all have."""
    first, *others = group
    if not others:
        return first
    shared = [variant for variant in first.metrics if all(variant in run.metrics for run in others)]
    metrics = {variant: mean_of([run.metrics[variant] for run in group]) for variant in shared}
    return replace(first, metrics=metrics, analysis={})


def mean_of(summaries: Sequence[Any]) -> Any:
    """One JSON value for those of several runs: numbers are their mean, null where one is null or lacks them; what is
    no number is the first one's."""
    first, *others = summaries
    if not others:
        return first
    if any(of is None for of in summaries):
        return None
    if isinstance(first, Mapping):
        return {key: mean_of([of.get(key) for of in summaries]) for key in first}
    if isinstance(first, list):
        return [mean_of(items) for items in zip(*summaries, strict=True)]
    return float(np.mean(summaries)) if isinstance(first, int | float) else first


def _same_but_seed(a: ReleasedRun, b: ReleasedRun) -> bool:
    return a.manifest.get("seed") is not None and b.manifest.get("seed") is not None and _settings(a) == _settings(b)


def _settings(run: ReleasedRun) -> tuple:
    hyperparameters = run.manifest.get("hyperparameters")
    return (run.model, run.preset, hyperparameters, run.layers, run.scenes, run.budget, run.images_seen,
            run.dataset_hash)  # fmt: skip
