"""The paper's Fig. 3 from the runs of a sweep: metrics against instances per image, one line for each C."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from benchmark.paper.figure3 import Figure3, read_figure3
from benchmark.paper.tables import MAIN_METRICS
from benchmark.report.facts import duration, fact_parts, machines
from benchmark.report.formats import metric_head
from benchmark.report.plots import LINE_COLORS, STYLE
from benchmark.report.tables import Row, Table, Value, mark_best
from benchmark.report.words import TABLE_NOTES, TABLE_TITLES
from benchmark.runs.record import ReleasedRun, read_runs
from benchmark.runs.results import figure3_folder, paper_folder
from datasets.errors import InputError
from datasets.scene import CATEGORIES

NAME = "figure3"

MARKERS = "osD^vP"
"""One for each line, for readers who do not tell the colours apart."""


@dataclass(frozen=True)
class Grid:
    """Runs that differ in C and in the number of instances only. cells: (C, instances per image) -> evaluated run."""

    cells: dict[tuple[int, int], ReleasedRun]

    @property
    def channels(self) -> list[int]:
        return sorted({channels for channels, _ in self.cells})

    @property
    def instances(self) -> list[int]:
        return sorted({instances for _, instances in self.cells})

    @property
    def runs(self) -> list[ReleasedRun]:
        return [self.cells[cell] for cell in sorted(self.cells)]


def read_grids(results: Path) -> list[Grid]:
    """The evaluated runs of Fig. 3, those of one preset, L and budget together, most images first.

    Raises InputError for a run without the hyperparameter that the figure varies.
    """
    runs = [run for run in read_runs(figure3_folder(results)) if run.metrics]
    if not runs:
        return []
    figure = read_figure3(paper_folder(results))
    runs = [run for run in runs if run.model == figure.model and _has_scenes_of(run, figure)]
    grids: dict[tuple, dict[tuple[int, int], ReleasedRun]] = {}
    for run in sorted(runs, key=lambda run: -run.images_seen):
        key = (
            run.model,
            run.preset,
            run.layers,
            run.tier_and_status,
            (run.manifest.get("dataset") or {}).get("images"),
        )
        cell = (_channels(run, figure), sum(run.manifest["scenes"]["counts"]))
        grids.setdefault(key, {})[cell] = run
    return [Grid(cells) for cells in grids.values()]


def grid_table(grid: Grid) -> Table:
    """One row for each number of instances and C, by the variant that the sweep evaluated."""
    rows = [
        _row(instances, channels, grid.cells.get((channels, instances)))
        for instances in grid.instances
        for channels in grid.channels
    ]
    one = grid.runs[0]
    title = f"{TABLE_TITLES[NAME]} ({one.preset}, L = {one.layers}, {one.images_seen:,} training images each)"
    notes = (*TABLE_NOTES[NAME], _facts(grid.runs))
    return Table(
        NAME, title, "Embedding channels", MAIN_METRICS, tuple(mark_best(rows)), notes, {}, one.tier_and_status
    )


def grid_plot(grid: Grid) -> Figure:
    """A small plot for each metric, a line for each C."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.8), layout="constrained")
        axes = figure.subplots(2, 4, sharex=True).flat
        for axis, metric in zip(axes, MAIN_METRICS, strict=False):
            for place, channels in enumerate(grid.channels):
                points = _points(grid, channels, metric)
                style = {"color": LINE_COLORS[place % len(LINE_COLORS)], "marker": MARKERS[place % len(MARKERS)]}
                axis.plot(*zip(*points, strict=True), label=f"C = {channels}", linewidth=1.4, markersize=4, **style)
            axis.set_title(metric_head(metric), fontsize=10)
            axis.set_xticks(grid.instances)
        for axis in (*axes[-4:-1], axes[3]):  # the last ones in their columns: the legend has a place of its own
            axis.set_xlabel("instances per image")
            axis.tick_params(labelbottom=True)
        axes[-1].set_axis_off()
        handles, labels = axes[0].get_legend_handles_labels()
        axes[-1].legend(handles, labels, loc="center", ncols=2)
    return figure


def _has_scenes_of(run: ReleasedRun, figure: Figure3) -> bool:
    counts = zip(CATEGORIES, run.manifest["scenes"].get("counts") or (), strict=False)
    return tuple(name for name, count in counts if count) == figure.classes


def _channels(run: ReleasedRun, figure: Figure3) -> int:
    value: Any = run.manifest.get("hyperparameters")
    for key in figure.setting.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, int):
        raise InputError(f"{run.folder}/manifest.json: found no whole number as {figure.setting}, which Fig. 3 varies")
    return value


def _row(instances: int, channels: int, run: ReleasedRun | None) -> Row:
    variant = next(iter(run.metrics)) if run else ""
    values = {
        metric: Value(run.metrics[variant].get(metric), interval=run.interval(variant, metric)) if run else Value()
        for metric in MAIN_METRICS
    }
    return Row(str(instances), f"C = {channels}", variant, values, run)


def _points(grid: Grid, channels: int, metric: str) -> list[tuple[int, float]]:
    """(instances, value) of the runs of one C; a point without a value breaks the line."""
    points = []
    for instances in grid.instances:
        run = grid.cells.get((channels, instances))
        value = next(iter(run.metrics.values())).get(metric) if run else None
        points.append((instances, float("nan") if value is None else value))
    return points


def _facts(runs: Sequence[ReleasedRun]) -> str:
    """What all the runs share, where they ran, and how long they trained in all."""
    used = list(dict.fromkeys(machine for run in runs for machine in machines(run)))
    before_machines = takewhile(lambda part: part not in used, fact_parts(runs[0]))
    shared = [part for part in before_machines if all(part in fact_parts(run) for run in runs)]
    seconds = sum((run.manifest.get("wall_time_seconds") or {}).get("training") or 0 for run in runs)
    images = (runs[0].manifest.get("dataset") or {}).get("images")
    parts = [*shared, *used, f"{len(runs)} runs, training {duration(seconds)} in all"]
    return ", ".join(parts + ([f"each evaluated on {images:,} images"] if images else [])) + "."
