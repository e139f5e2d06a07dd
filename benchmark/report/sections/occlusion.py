"""Recall against occlusion: how much of what is hidden each model finds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.released.select import oracle_variants
from benchmark.report import escape
from benchmark.report.plots import PAPER_COLOR, Plot, axes_grid
from benchmark.report.sections.section import OTHER_BUDGETS, Analysed, Inputs, Section, at_main_budgets, by_condition
from benchmark.runs.record import ReleasedRun

ORACLE_LAYERS_SHOWN = 2
"""Layers of the oracle in the plot: the paper's."""


def plots(inputs: Inputs) -> list[Plot]:
    """Recall in bins of occlusion rate, with the share of instances in each bin behind it; axes for each N, tier and
    regime. Budgets with both sides of the paper stand first, in a plot of their own."""
    groups = by_condition(inputs)
    compared = at_main_budgets(inputs, groups)
    others = {title: here for title, here in groups.items() if title not in compared}
    caption = "Recall by the hidden share of an instance. Bars: the share of all instances that falls into a bin."
    plots = {"": compared, OTHER_BUDGETS: others}
    names = {"": "recall-by-occlusion", OTHER_BUDGETS: "recall-by-occlusion-other-budgets"}
    return [Plot(names[fold], _draw(inputs, shown), caption, fold) for fold, shown in plots.items() if shown]


def _draw(inputs: Inputs, groups: dict[str, list[Analysed]]) -> Figure:
    def draw(axis: Axes, place: int) -> None:
        here = list(groups.values())[place]
        bins = here[0].summary["recall_by_occlusion"]
        instances, edges = np.array(bins["instances"]), np.array(bins["edges"])
        axis.bar(edges[:-1], instances / max(instances.sum(), 1), np.diff(edges), align="edge", color=PAPER_COLOR,
                 alpha=0.18, label="share of instances")  # fmt: skip
        for one in here:
            label = escape.plot(one.label(inputs))
            axis.plot(_middles(one.summary), _recall(one.summary), label=label, **inputs.looks.line(one.run))
        oracle = _oracle(inputs.runs, here[0].run.scenes)
        if oracle:
            label = f"{ORACLE_LAYERS_SHOWN} layers of ground truth"
            axis.plot(_middles(oracle), _recall(oracle), "o--", color=PAPER_COLOR, markersize=3.5, linewidth=1.6,
                      fillstyle="none", label=label)  # fmt: skip
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="occlusion rate")

    return axes_grid(list(groups), min(2, len(groups)), "recall", draw, height=2.4)


def _middles(summary: dict[str, Any]) -> np.ndarray:
    edges = np.array(summary["recall_by_occlusion"]["edges"])
    return (edges[:-1] + edges[1:]) / 2


def _recall(summary: dict[str, Any]) -> list[float]:
    return [np.nan if value is None else value for value in summary["recall_by_occlusion"]["recall"]]


def _oracle(runs: Sequence[ReleasedRun], scenes: str) -> dict[str, Any] | None:
    for run in runs:
        layers = oracle_variants(run)
        if run.scenes == scenes and ORACLE_LAYERS_SHOWN in layers:
            return run.analysis.get(layers[ORACLE_LAYERS_SHOWN])
    return None


SECTION = Section(
    "occlusion",
    "Recall against occlusion",
    "Recall (mean over IoU .50:.05:.95) of instances by the hidden share of their area, in ten equal bins.",
    plots=plots,
    menu="Occlusion",
)
