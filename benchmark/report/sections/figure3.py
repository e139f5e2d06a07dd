"""The paper's Fig. 3 from the runs of its study: metrics against instances per image, one line for each C."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from benchmark.paper.figure3 import Figure3, read_figure3
from benchmark.paper.tables import MAIN_METRICS
from benchmark.report.facts import duration, fact_parts, machines
from benchmark.report.formats import metric_head
from benchmark.report.plots import MARKERS, STYLE, Looks, Plot, shade
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Row, Table, mark_best, measured
from benchmark.report.words import BEST
from benchmark.runs.record import ReleasedRun
from benchmark.runs.results import paper_folder
from datasets.errors import InputError
from datasets.scene import CATEGORIES

NAME = "figure3"

NOTES = ("Rectangles only, N of them in an image. The paper draws its numbers and prints none.", BEST)


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


def tables(inputs: Inputs) -> list[Table]:
    return [grid_table(grid) for grid in read_grids(inputs)]


def plots(inputs: Inputs) -> list[Plot]:
    caption = "Metrics against the number of rectangles in an image, one line for each number of channels."
    grids = read_grids(inputs)
    return [
        Plot(NAME if place == 1 else f"{NAME}-{place}", grid_plot(grid, inputs.looks), caption)
        for place, grid in enumerate(grids, 1)
    ]


def read_grids(inputs: Inputs) -> list[Grid]:
    """The evaluated runs of Fig. 3, those of one preset, L and budget together, most images first.

    Raises InputError for a run without the hyperparameter that the figure varies.
    """
    runs = [run for run in inputs.figure3_runs if run.metrics]
    if not runs:
        return []
    figure = read_figure3(paper_folder(inputs.results))
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
    """One row for each number of instances and C, by the variant that the study evaluates."""
    rows = [
        _row(instances, channels, grid.cells.get((channels, instances)))
        for instances in grid.instances
        for channels in grid.channels
    ]
    one = grid.runs[0]
    title = "Fig. 3: embedding channels C and instances per image"
    title += f" ({one.preset}, L = {one.layers}, {one.images_seen:,} training images each)"
    notes = (*NOTES, _facts(grid.runs))
    tier = one.tier_and_status
    return Table(title, "Embedding channels", MAIN_METRICS, mark_best(rows), notes, tier=tier, folded=True)


def grid_plot(grid: Grid, looks: Looks) -> Figure:
    """A small plot for each metric, a line for each C: the model's colour, from dark to pale."""
    color = looks.color(grid.runs[0].model)
    shades = [shade(color, share) for share in np.linspace(-0.6, 0.65, len(grid.channels))]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 4.4), layout="constrained")
        axes = figure.subplots(2, 4, sharex=True).flat
        for axis, metric in zip(axes, MAIN_METRICS, strict=False):
            for place, channels in enumerate(grid.channels):
                points = _points(grid, channels, metric)
                style = {"color": shades[place], "marker": MARKERS[place % len(MARKERS)]}
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
    return Row(str(instances), f"C = {channels}", variant, measured(run, variant, MAIN_METRICS), run)


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


SECTION = Section(
    NAME,
    "Crowds and channels",
    "The paper's Fig. 3: how many instances of one class can an embedding of C channels keep apart? Trained and "
    "evaluated on rectangles only, all points of a plot with one network and budget.",
    tables=tables,
    plots=plots,
    menu="Fig. 3",
)
