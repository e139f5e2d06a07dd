"""Metrics of the field: how well masks fit, what is known of hidden parts and depth, what scores are worth."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.released.regimes import REGIMES, Regime
from benchmark.released.seeds import mean_of
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report import escape
from benchmark.report.plots import PAPER_COLOR, Plot, axes_grid
from benchmark.report.sections.section import Analysed, Inputs, Section, at_main_budgets, by_condition
from benchmark.report.tables import Row, Table, Value

COLUMNS = (
    "mean IoU", "mean IoU, hidden", "AP, hidden", "AP50, hidden", "calibration error", "order, found pairs",
    "order, all pairs",
)  # fmt: skip

NOTES = (
    "Mean IoU: of whole masks of instances found at IoU 0.5; hidden: of their hidden parts, by the instances' own "
    "visible masks in the annotations.",
    "AP, hidden: average precision where hidden parts are matched in place of whole masks, over instances that have "
    "one. What is hidden of an instance follows from its own visible mask in the annotations; what is hidden of a "
    "detection as its row says: from its predicted visible mask, or from the depth order (what nearer detections cover "
    "of its mask). A model that predicts neither has no such AP.",
    "Calibration error: expected difference of score and share of true positives, in ten bins; less is better. Order: "
    "pairs of overlapping instances that the predicted depth order puts the right way round, of those both found, and "
    "of all.",
    'Definitions and examples: docs/protocol.md, "Metrics of the field".',
)

CURVES = {"0.50": "IoU 0.50", "0.75": "IoU 0.75"}


def tables(inputs: Inputs) -> list[Table]:
    """A table for each regime."""
    return [table for regime in REGIMES if (table := _table(inputs, regime))]


def plots(inputs: Inputs) -> list[Plot]:
    """Precision against recall at two IoU thresholds, and precision against score: axes for each N, tier, regime."""
    found = []
    curves = at_main_budgets(inputs, by_condition(inputs, lambda one: (one.summary.get("precision") or {}).get("0.50")))
    if curves:
        caption = (
            "Interpolated precision against recall at two IoU thresholds. A curve ends where a model finds no more."
        )
        found.append(Plot("precision-recall", _precision_recall(inputs, curves), caption))
    bins = at_main_budgets(inputs, by_condition(inputs, lambda one: one.summary.get("calibration")))
    if bins:
        caption = (
            "Scores in ten bins: the share of detections that match an instance at IoU 0.5 against their mean score. "
            "On the diagonal a score is what it claims; below it a model is too sure of itself."
        )
        found.append(Plot("reliability", _reliability(inputs, bins), caption))
    return found


def _table(inputs: Inputs, regime: Regime) -> Table | None:
    rows = []
    for one in inputs.analysed(regime):
        run, variant = one.run, one.variant
        found, hidden = one.summary.get("quality") or {}, one.summary.get("hidden") or {}
        if not found:
            continue
        order = mean_of([run.metrics[variant].get("order_accuracy") for run in (run, *one.others)])
        numbers = (
            found.get("mean_iou"), found.get("mean_iou_hidden"), hidden.get("AP"), hidden.get("AP50"),
            found.get("calibration_error"), order, found.get("order_of_all_pairs"),
        )  # fmt: skip
        source = hidden.get("parts_from")
        label = one.label_with_variant(inputs) + (f"; hidden parts from {source}" if source else "")
        values = dict(zip(COLUMNS, map(Value, numbers), strict=True))
        rows.append(Row(run.scenes, label, variant, values, run, one.others))
    if not rows:
        return None
    return Table(f"Metrics of the field, {REGIME_WORDS[regime]}", "Model", COLUMNS, tuple(rows), NOTES, folded=True)


def _precision_recall(inputs: Inputs, groups: dict[str, list[Analysed]]) -> Figure:
    titles = [f"{title}, {name}" for title in groups for name in CURVES.values()]

    def draw(axis: Axes, place: int) -> None:
        here = list(groups.values())[place // len(CURVES)]
        iou = list(CURVES)[place % len(CURVES)]
        for one in here:
            precision = np.array(one.summary["precision"][iou], float)
            found = precision > 0
            style = inputs.looks.line(one.run) | {"marker": None}
            recalls = np.linspace(0, 1, len(precision))[found]
            axis.plot(recalls, precision[found], label=escape.plot(one.label(inputs)), **style)
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall")

    return axes_grid(titles, len(CURVES), "precision", draw, height=1.6)


def _reliability(inputs: Inputs, groups: dict[str, list[Analysed]]) -> Figure:
    def draw(axis: Axes, place: int) -> None:
        axis.plot([0, 1], [0, 1], color=PAPER_COLOR, linewidth=1.2, label="as sure as right")
        for one in list(groups.values())[place]:
            bins = one.summary["calibration"]
            scores, true = (np.array(bins[name], float) for name in ("mean_score", "true"))
            axis.plot(scores, true, label=escape.plot(one.label(inputs)), **inputs.looks.line(one.run))
        axis.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="score")

    return axes_grid(list(groups), min(2, len(groups)), "share of true positives", draw, height=2.2)


SECTION = Section(
    "quality",
    "Masks, hidden parts, depth and scores",
    "How well masks fit where they match, what a model knows of hidden parts and of who lies in front, and what its "
    "scores are worth.",
    tables=tables,
    plots=plots,
    menu="Hidden parts",
)
