"""Plots of what lies behind the metrics: recall against occlusion, lost precision by error, layers reached."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.paper.tables import PaperTable, headline_variant
from benchmark.released.select import analysed, beside_oracle, families_of, oracle_variants, read_comparisons
from benchmark.report.facts import scenes_title
from benchmark.report.formats import metric_head
from benchmark.report.plots import LINE_COLORS, PAPER_COLOR, STYLE
from benchmark.runs.record import ReleasedRun

ORACLE_LAYERS_SHOWN = 2
"""Layers of the oracle in the plot of recall against occlusion: the paper's."""

Entry = tuple[ReleasedRun, str, dict[str, Any]]
"""A run, its headline variant, and the analysis of that, as from `analysed`."""


def recall_plot(runs: Sequence[ReleasedRun], ranking: PaperTable) -> Figure | None:
    """Recall in bins of occlusion rate, with the share of instances in each bin behind it."""
    entries = analysed(runs, ranking)
    if not entries:
        return None
    labels = _labels(entries, ranking)
    colors = _colors(labels.values())

    def draw(axis: Axes, group: str, here: Sequence[Entry]) -> None:
        lines = [(labels[run.name], summary) for run, _, summary in here]
        oracle = _oracle_recall(runs, group)
        if oracle:
            lines.append((f"{ORACLE_LAYERS_SHOWN} layers of ground truth", oracle))
        instances = np.array(lines[0][1]["recall_by_occlusion"]["instances"])
        edges = np.array(lines[0][1]["recall_by_occlusion"]["edges"])
        axis.bar(edges[:-1], instances / instances.sum(), np.diff(edges), align="edge", color=PAPER_COLOR, alpha=0.18,
                 label="share of instances")  # fmt: skip
        for label, summary in lines:
            recall = [np.nan if value is None else value for value in summary["recall_by_occlusion"]["recall"]]
            style = {"color": colors[label]} if label in colors else {"color": PAPER_COLOR, "linestyle": "--"}
            axis.plot((edges[:-1] + edges[1:]) / 2, recall, "o-" if label in colors else "o", markersize=3.5,
                      linewidth=1.6, label=label, **style)  # fmt: skip
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="occlusion rate")

    return _by_budget(entries, "recall", draw, height=3.0)


def recall_difference_plot(comparisons: Path, runs: Sequence[ReleasedRun], ranking: PaperTable) -> Figure | None:
    """Embedding minus Mask R-CNN in bins of occlusion rate, with 95 % intervals; None without such a comparison."""
    compared = read_comparisons("sides", comparisons, runs)
    if not compared:
        return None
    entries = [(run, entry["a"]["variant"], entry["recall_by_occlusion"]) for run, entry in compared]
    labels = _labels(entries, ranking)
    colors = _colors(labels.values())

    def draw(axis: Axes, group: str, here: Sequence[Entry]) -> None:
        axis.axhline(0, color=PAPER_COLOR, linewidth=1.2)
        for run, _, recall in here:
            edges = np.array(recall["edges"])
            value, low, high = (np.array(recall[name], float) for name in ("value", "low", "high"))
            middle, label = (edges[:-1] + edges[1:]) / 2, f"{labels[run.name]} minus {recall['b']['variant']}"
            axis.fill_between(middle, low, high, color=colors[labels[run.name]], alpha=0.2, linewidth=0)
            axis.plot(middle, value, "o-", markersize=3.5, linewidth=1.6, color=colors[labels[run.name]], label=label)
        axis.set(xlim=(0, 1), xlabel="occlusion rate")

    return _by_budget(entries, "recall, difference", draw, height=2.8)


def error_plot(runs: Sequence[ReleasedRun], ranking: PaperTable) -> Figure | None:
    """AP50 lost to each kind of error, a bar per model."""
    entries = [entry for entry in analysed(runs, ranking) if entry[2]["errors"]]
    if not entries:
        return None
    labels = _labels(entries, ranking)
    colors = _colors(labels.values())

    def draw(axis: Axes, group: str, here: Sequence[Entry]) -> None:
        kinds = list(here[0][2]["errors"])
        places = np.arange(len(kinds))
        width = 0.8 / len(here)
        for i, (run, _, summary) in enumerate(here):
            lost = [cost["lost_ap"] for cost in summary["errors"].values()]
            label = labels[run.name]
            axis.bar(places + (i - (len(here) - 1) / 2) * width, lost, width, color=colors[label], label=label)
        axis.set_xticks(places, kinds, rotation=20)
        axis.grid(axis="x", visible=False)

    return _by_budget(entries, "AP50 lost", draw, height=2.8)


def layers_plot(runs: Sequence[ReleasedRun], ranking: PaperTable, metrics: Sequence[str]) -> Figure | None:
    """Trained models against the number of layers, with the oracle's curve; None unless one was trained with L > 2."""
    pairs = [run for run, _ in beside_oracle(runs, ranking)]
    if not any(run.layers > 2 for run in pairs):
        return None
    labels = {run.name: f"{run.model} ({run.preset}), {run.tier_and_status}" for run in pairs}
    colors = _colors(labels.values())

    def draw(axes: Sequence[Axes], group: str) -> None:
        here = [run for run in pairs if run.scenes == group]
        oracle = next(run for run in runs if oracle_variants(run) and run.dataset_hash == here[0].dataset_hash)
        layers = oracle_variants(oracle)
        for axis, metric in zip(axes, metrics, strict=True):
            best = [oracle.metrics[variant][metric] for variant in layers.values()]
            axis.plot(list(layers), best, "o--", color=PAPER_COLOR, fillstyle="none", linewidth=1.2,
                      label="layers of ground truth")  # fmt: skip
            by_label = sorted(here, key=lambda run: (labels[run.name], run.layers))
            for label, of_label in groupby(by_label, key=lambda run: labels[run.name]):
                points = [(run.layers, run.metrics[headline_variant(run, ranking)][metric]) for run in of_label]
                axis.plot(*zip(*points, strict=True), "o-", color=colors[label], linewidth=1.6, label=label)
            axis.set_xticks(list(layers))
        axes[-1].set_xlabel("layers")

    return _columns([run.scenes for run in pairs], [metric_head(metric) for metric in metrics], draw)


def families_plot(runs: Sequence[ReleasedRun], ranking: PaperTable, metrics: Sequence[str]) -> Figure | None:
    """Metrics against the number in the variants' names, a line for each family of a run's variants; a horizontal one
    for a variant without a number."""
    entries = families_of(runs)
    if not entries:
        return None
    labels = {
        (run.name, family): f"{ranking.run_label(run)}, {run.tier_and_status}: {family}"
        for run, families in entries
        for family in families
    }
    colors = _colors(labels.values())

    def draw(axes: Sequence[Axes], group: str) -> None:
        for axis, metric in zip(axes, metrics, strict=True):
            for run, families in entries:
                for family, variants in families.items() if run.scenes == group else ():
                    label = labels[run.name, family]
                    style = {"color": colors[label], "linewidth": 1.6, "label": label}
                    points = [(number, run.metrics[variant][metric]) for variant, number in variants.items()]
                    if points[0][0] is None:
                        axis.axhline(points[0][1], **style)
                    else:
                        axis.plot(*zip(*sorted(points), strict=True), "o-", markersize=3.5, **style)
        axes[-1].set_xlabel("NMS threshold t")

    return _columns([run.scenes for run, _ in entries], [metric_head(metric) for metric in metrics], draw)


def _by_budget(
    entries: Sequence[Entry], name: str, draw: Callable[[Axes, str, Sequence[Entry]], None], height: float
) -> Figure:
    """Axes for each N and budget tier, two in a row: models are compared within one budget only."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: -entry[0].images_seen):
        groups.setdefault((entry[0].tier_and_status, entry[0].scenes), []).append(entry)
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * columns, height * rows + 0.7), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for axis in axes.flat[len(groups) :]:
            axis.set_axis_off()
        for axis, ((tier, scenes), here) in zip(axes.flat, groups.items(), strict=False):
            draw(axis, scenes, here)
            axis.set_title(f"{scenes_title(scenes)}, tier {tier}", fontsize=10)
            axis.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel(name)
        _add_legend(figure, columns)
    return figure


def _columns(
    groups: Sequence[str], rows: Sequence[str], draw: Callable[[Sequence[Axes], str], None],
    width: float = 3.4, height: float = 2.3,
) -> Figure:  # fmt: skip
    """A column for each of `groups` (values of N), a row of axes for each of `rows`, one legend below."""
    groups = list(dict.fromkeys(groups))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width * len(groups), height * len(rows) + 0.7), layout="constrained")
        axes = figure.subplots(len(rows), len(groups), sharex=True, sharey="row", squeeze=False)
        for column, group in enumerate(groups):
            draw(axes[:, column], group)
            axes[0, column].set_title(scenes_title(group), fontsize=10)
        for plot, name in zip(axes[:, 0], rows, strict=True):
            plot.set_ylabel(name)
        _add_legend(figure, min(2, len(groups)))
    return figure


def _add_legend(figure: Figure, columns: int) -> None:
    """One legend for all axes, below them."""
    handles = {}
    for axis in figure.axes:
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns, fontsize=8)


def _oracle_recall(runs: Sequence[ReleasedRun], group: str) -> dict | None:
    for run in runs:
        if run.scenes == group and ORACLE_LAYERS_SHOWN in (layers := oracle_variants(run)):
            return run.analysis.get(layers[ORACLE_LAYERS_SHOWN])
    return None


def _labels(entries: Sequence[Entry], ranking: PaperTable) -> dict[str, str]:
    """Name of each of the `analysed` runs -> what the legend calls it, whatever its budget."""
    return {run.name: ranking.variant_label(run, variant) for run, variant, _ in entries}


def _colors(labels: Sequence[str]) -> dict[str, str]:
    return {label: LINE_COLORS[i % len(LINE_COLORS)] for i, label in enumerate(dict.fromkeys(labels))}
