"""Plots with matplotlib: one look for all, one colour a model, and PDF and SVG that are the same bytes every time."""

import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from benchmark.report import escape
from benchmark.report.facts import scenes_title
from benchmark.report.pictures.paint import Panel
from benchmark.runs.record import ReleasedRun

MODEL_COLORS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#332288", "#DDCC77", "#117733",
)  # fmt: skip
"""Okabe and Ito's colour-blind safe palette, and after its six four of Paul Tol's."""

PAPER_COLOR = "#767676"
"""The paper, oracles, and whatever is no model."""

LINES = ("-", "--", ":", "-.")
MARKERS = "osD^vP"
"""One for each line, for readers who do not tell the colours apart."""

TITLE_WIDTH = 26
"""Letters in a line that fit beside a row of pictures."""

AXES_TITLE_WIDTH = 60
"""Letters in a line that fit above axes of `axes_grid`."""

REM_PER_POINT = 0.094
"""A plot's largest width on the page: 46 rem for two columns."""

_INK = "#010203"
"""Stands for the colour of text and axes, which the page sets (light or dark)."""

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    **{key: _INK for key in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
}


@dataclass(frozen=True)
class Plot:
    """A drawn figure. name: of its files. caption: what the page says below it. fold: title of the fold that the page
    hides it in, "" for none."""

    name: str
    figure: Figure
    caption: str = ""
    fold: str = ""


@dataclass(frozen=True)
class Looks:
    """How runs are drawn: a model has one colour in all plots; line and marker tell its numbers of layers apart, and
    the filling of the marker its presets.

    models: in the order of the palette. layers, presets: model -> what its runs have, in order.
    """

    models: tuple[str, ...]
    layers: Mapping[str, tuple[int, ...]]
    presets: Mapping[str, tuple[str, ...]]

    def color(self, model: str) -> str:
        return MODEL_COLORS[self.models.index(model) % len(MODEL_COLORS)]

    def line(self, run: ReleasedRun) -> dict[str, Any]:
        """Style of the run's line."""
        return {**self.numbered(run.model, self.layers[run.model].index(run.layers)), "fillstyle": self._filling(run)}

    def bar(self, run: ReleasedRun) -> dict[str, Any]:
        """Style of the run's bars: paler with more layers."""
        color = shade(self.color(run.model), 0.3 * self.layers[run.model].index(run.layers))
        return {"color": color, "hatch": "" if self._filling(run) == "full" else "///"}

    def numbered(self, model: str, place: int) -> dict[str, Any]:
        """Style of a model's line number `place`, where something other than its runs has lines."""
        return {
            "color": self.color(model),
            "linestyle": LINES[place % len(LINES)],
            "marker": MARKERS[place % len(MARKERS)],
            "markersize": 3.5,
            "linewidth": 1.6,
        }

    def _filling(self, run: ReleasedRun) -> str:
        return ("full", "none", "left", "right")[self.presets[run.model].index(run.preset) % 4]


def looks(models: Sequence[str], runs: Sequence[ReleasedRun]) -> Looks:
    """The looks of `runs`. models: those that come first in the palette, whether they have runs or not."""
    named = tuple(dict.fromkeys([*models, *sorted(run.model for run in runs if run.trained), *(r.model for r in runs)]))
    of = {model: [run for run in runs if run.model == model] for model in named}
    return Looks(
        named,
        {model: tuple(sorted({run.layers for run in of[model]})) for model in named},
        {model: tuple(sorted({run.preset for run in of[model]})) for model in named},
    )


def shade(color: str, share: float) -> tuple[float, ...]:
    """The colour mixed with `share` of white, or of black below zero."""
    other = 1.0 if share > 0 else 0.0
    return tuple((1 - abs(share)) * part + abs(share) * other for part in to_rgb(color))


def axes_grid(
    titles: Sequence[str], columns: int, name: str, draw: Callable[[Axes, int], None], height: float = 2.8
) -> Figure:
    """Axes for each of `titles` in rows of `columns`, y-axes and those x-axes of a column with one scale, and one
    legend below.

    draw: called with each of the axes and its place. name: of the y-axis.
    """
    rows = -(-len(titles) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.2 * columns, height * rows + 0.7), layout="constrained")
        axes = figure.subplots(rows, columns, sharex="col", sharey=True, squeeze=False)
        for axis in axes.flat[len(titles) :]:
            axis.set_axis_off()
        for place, (axis, title) in enumerate(zip(axes.flat, titles, strict=False)):
            draw(axis, place)
            axis.set_title(textwrap.fill(escape.plot(title), AXES_TITLE_WIDTH), fontsize=9)
            axis.tick_params(labelbottom=True)
        for axis in axes[:, 0]:
            axis.set_ylabel(name)
        add_legend(figure, columns)
    return figure


def columns_of_axes(
    groups: Sequence[str], rows: Sequence[str], draw: Callable[[Sequence[Axes], str], None],
    width: float = 3.4, height: float = 1.9,
) -> Figure:  # fmt: skip
    """A column for each of `groups` (values of N), a row of axes for each of `rows`, one legend below."""
    groups = list(dict.fromkeys(groups))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width * max(len(groups), 2), height * len(rows) + 0.7), layout="constrained")
        axes = figure.subplots(len(rows), len(groups), sharex=True, sharey="row", squeeze=False)
        for column, group in enumerate(groups):
            draw(axes[:, column], group)
            axes[0, column].set_title(escape.plot(scenes_title(group)), fontsize=10)
        for axis, name in zip(axes[:, 0], rows, strict=True):
            axis.set_ylabel(name)
        add_legend(figure, 2)
    return figure


def add_legend(figure: Figure, columns: int, order: Sequence[str] | None = None) -> None:
    """One legend for all axes, below them. order: of the labels, else that of their appearance."""
    handles: dict[str, Any] = {}
    for axis in figure.axes:
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    names = [name for name in order or handles if name in handles]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=columns, fontsize=8)


def panel_figure(rows: Sequence[tuple[str, Sequence[Panel]]]) -> Figure:
    """Rows of pictures with their captions, as in the paper's Fig. 1; a short row is empty at its end."""
    columns = max(len(panels) for _, panels in rows)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(1.7 * columns, 2.0 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for plots, (title, panels) in zip(axes, rows, strict=True):
            plots[0].set_ylabel(textwrap.fill(escape.plot(title), TITLE_WIDTH))
            for plot in plots[len(panels) :]:
                plot.set_axis_off()
            for plot, panel in zip(plots, panels, strict=False):
                gray = {"cmap": "gray", "vmin": 0, "vmax": 255} if panel.image.ndim == 2 else {}
                plot.imshow(panel.image, interpolation="none", **gray)
                plot.set_title(escape.plot(panel.caption), fontsize=7)
                plot.set(xticks=[], yticks=[])
                plot.spines[:].set_visible(True)
                plot.spines[:].set_linewidth(0.5)
    return figure


def place(figure: Figure) -> None:
    """Fix where the parts of the figure lie, which costs as much as drawing it twice, for all formats at once."""
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
    figure.set_layout_engine(None)


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
    (width,) = map(float, re.findall(r'viewBox="0 0 ([\d.]+)', svg)[:1])
    svg = svg.replace("<svg", f'<svg style="--width: {width * REM_PER_POINT:.1f}rem"', 1)
    return re.sub(r' (?:width|height)="[^"]+"', "", svg, count=2)
