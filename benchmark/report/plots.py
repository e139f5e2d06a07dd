"""Plots with matplotlib, as PDF and SVG that are the same bytes every time."""

import io
import re
import textwrap
from collections.abc import Sequence

import matplotlib
from matplotlib.figure import Figure

from benchmark.paper.tables import PaperTable
from benchmark.report.formats import metric_head
from benchmark.report.pictures.paint import Panel
from benchmark.runs.record import ReleasedRun

LINE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's colour-blind safe palette, one colour a run."""

PAPER_COLOR = "#767676"

TITLE_WIDTH = 26
"""Letters in a line that fit beside a row of pictures."""

REM_PER_POINT = 0.094
"""A plot's largest width on the page: 46 rem for two columns."""

_INK = "#010203"
"""Stands for the colour of text and axes, which the page sets (light or dark)."""

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    **{key: _INK for key in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
}


def variant_plot(
    paper: PaperTable, runs: Sequence[ReleasedRun], column: str, axis: str, metrics: Sequence[str]
) -> Figure:
    """Metrics against the number that a family of variants differs in: one column per N, one row per metric.

    column: of the paper's file, where its own numbers stand. Solid lines are runs, the dashed line the paper; a
    horizontal line is a model without such variants.
    """
    groups = list(dict.fromkeys(paper.rows["instances_per_class"]))
    labels = list(dict.fromkeys(paper.run_label(run) for run in runs))
    colors = {label: LINE_COLORS[i % len(LINE_COLORS)] for i, label in enumerate(labels)}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * len(groups), 2.3 * len(metrics) + 0.7), layout="constrained")
        axes = figure.subplots(len(metrics), len(groups), sharex=True, sharey="row", squeeze=False)
        for place, group in enumerate(groups):
            for row, metric in enumerate(metrics):
                plot = axes[row, place]
                _draw_paper(plot, paper, group, column, metric)
                for run in runs:
                    if run.scenes == group:
                        _draw_run(plot, run, metric, paper, colors[paper.run_label(run)])
                if place == 0:
                    plot.set_ylabel(metric_head(metric))
            axes[0, place].set_title(f"N = {group}", fontsize=10)
            axes[-1, place].set_xlabel(axis)
        handles = {}
        for plot in axes.flat:
            handles |= {label: handle for handle, label in zip(*plot.get_legend_handles_labels(), strict=True)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


def panel_figure(rows: Sequence[tuple[str, Sequence[Panel]]]) -> Figure:
    """Rows of pictures with their captions, as in the paper's Fig. 1; a short row is empty at its end."""
    columns = max(len(panels) for _, panels in rows)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(1.7 * columns, 2.0 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for plots, (title, panels) in zip(axes, rows, strict=True):
            plots[0].set_ylabel(textwrap.fill(title, TITLE_WIDTH))
            for plot in plots[len(panels) :]:
                plot.set_axis_off()
            for plot, panel in zip(plots, panels, strict=False):
                gray = {"cmap": "gray", "vmin": 0, "vmax": 255} if panel.image.ndim == 2 else {}
                plot.imshow(panel.image, interpolation="none", **gray)
                plot.set_title(panel.caption, fontsize=7)
                plot.set(xticks=[], yticks=[])
                plot.spines[:].set_visible(True)
                plot.spines[:].set_linewidth(0.5)
    return figure


def to_svg(figure: Figure, name: str, transparent: bool = False) -> str:
    """SVG text; `name` keeps its ids apart from those of other plots on the same page."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE | {"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=transparent, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def to_pdf(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return buffer.getvalue()


def to_inline_svg(figure: Figure, name: str) -> str:
    """The <svg> element alone, in the text colour of the page around it, ids only where something refers to them."""
    svg = to_svg(figure, name, transparent=True)
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    # The page decides how large, up to a width at which all plots have letters of one size.
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    svg = svg.replace("<svg", f'<svg style="--width: {width * REM_PER_POINT:.1f}rem"', 1)
    return re.sub(r' (?:width|height)="[^"]+"', "", svg, count=2)


def _draw_paper(plot, paper: PaperTable, group: str, column: str, metric: str) -> None:
    rows = paper.rows[(paper.rows["instances_per_class"] == group) & paper.rows[metric].notna()]
    numbers = [float(text) if text else None for text in rows[column]]
    points = sorted((x, y) for x, y in zip(numbers, rows[metric], strict=True) if x is not None)
    style = {"color": PAPER_COLOR, "linewidth": 1.2}
    if points:
        plot.plot(*zip(*points, strict=True), "o--", markersize=7, fillstyle="none", label="the paper", **style)
    for x, row, y in zip(numbers, rows["row"], rows[metric], strict=True):
        if x is None:
            plot.axhline(y, linestyle=":", label=f"the paper, {row}", **style)


def _draw_run(plot, run: ReleasedRun, metric: str, paper: PaperTable, color: str) -> None:
    named = set(paper.rows["run_variant"]) & set(run.metrics)
    families = {run.reading(variant).family for variant in named}
    readings = {variant: run.reading(variant) for variant in run.metrics}
    points = sorted(
        (reading.number, run.metrics[variant][metric])
        for variant, reading in readings.items()
        if reading.family in families and reading.number is not None and run.metrics[variant].get(metric) is not None
    )
    if points:
        plot.plot(
            *zip(*points, strict=True), "o-", color=color, linewidth=1.6, markersize=3.5, label=paper.run_label(run)
        )
        return
    for variant in named:
        if run.metrics[variant].get(metric) is not None:
            plot.axhline(run.metrics[variant][metric], color=color, linewidth=1.6, label=paper.run_label(run))
