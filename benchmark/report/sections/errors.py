"""Errors: what goes wrong, how often, and what it costs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.released.regimes import REGIMES, Regime
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report import escape
from benchmark.report.plots import Plot, axes_grid
from benchmark.report.sections.section import OTHER_BUDGETS, Analysed, Inputs, Section, at_main_budgets, by_condition
from benchmark.report.tables import Row, Table, Value

NOTES = (
    "At IoU 0.5. Lost AP50: what would be gained if this kind alone were repaired; share: of all that is lost. Repairs "
    "overlap in their effect, so shares need not sum to 100 %.",
    "Missed: no detection comes near the instance. Merged: a detection holds a second instance beside its own. Split: "
    "several detections share one instance. Duplicate: one more detection of an instance that is found. Poor mask: the "
    "right instance at an IoU below 0.5. Background: anything else.",
    "Instances: without a match because of this kind. False positives: detections of this kind.",
)


def tables(inputs: Inputs) -> list[Table]:
    """AP50 lost to each kind of error by each trained run that was analysed; a table for each regime."""
    return [table for regime in REGIMES if (table := _table(inputs, regime))]


def plots(inputs: Inputs) -> list[Plot]:
    """AP50 lost to each kind of error, a bar per model; axes for each N, tier and regime.

    Budgets with both sides of the paper stand first, in a plot of their own.
    """
    groups = by_condition(inputs, lambda one: one.summary["errors"])
    compared = at_main_budgets(inputs, groups)
    others = {title: here for title, here in groups.items() if title not in compared}
    caption = "AP50 lost to each kind of error."
    return [
        Plot(name, _draw(inputs, shown), caption, fold)
        for name, fold, shown in (("errors", "", compared), ("errors-other-budgets", OTHER_BUDGETS, others))
        if shown
    ]


def _draw(inputs: Inputs, groups: dict[str, list[Analysed]]) -> Figure:
    def draw(axis: Axes, place: int) -> None:
        here = list(groups.values())[place]
        kinds = list(here[0].summary["errors"])
        places, width = np.arange(len(kinds)), 0.8 / len(here)
        for i, one in enumerate(here):
            lost = [cost["lost_ap"] for cost in one.summary["errors"].values()]
            label = escape.plot(one.label(inputs))
            axis.bar(places + (i - (len(here) - 1) / 2) * width, lost, width, label=label, **inputs.looks.bar(one.run))
        axis.set_xticks(places, kinds, rotation=20)
        axis.grid(axis="x", visible=False)

    return axes_grid(list(groups), 2, "AP50 lost", draw, height=1.9)


def _table(inputs: Inputs, regime: Regime) -> Table | None:
    rows, kinds = [], ()
    for one in inputs.analysed(regime):
        if not one.summary["errors"]:
            continue
        kinds = tuple(one.summary["errors"])
        values = {
            kind: Value(
                cost["lost_ap"],
                details={
                    "share": f"{cost['share']:.0%}",
                    "instances": f"{cost['unmatched_instances']:,.0f}",
                    "false positives": f"{cost['false_positives']:,.0f}",
                },
            )
            for kind, cost in one.summary["errors"].items()
        }
        rows.append(Row(one.run.scenes, one.label_with_variant(inputs), one.variant, values, one.run, one.others))
    if not rows:
        return None
    title = f"What costs average precision, {REGIME_WORDS[regime]}"
    return Table(title, "Model", kinds, tuple(rows), NOTES, ours="lost AP50", folded=True)


SECTION = Section("errors", "Errors", "What goes wrong, how often, and what it costs.", tables=tables, plots=plots)
