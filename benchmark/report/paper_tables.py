"""A table of the paper filled in with runs, and the plot of its numbers beside ours.

The paper's files say which model and variant each of their rows is compared with, so that nothing here knows one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.paper.tables import PaperTable, row_label
from benchmark.released.regimes import choose
from benchmark.released.seeds import mean_run, seed_groups
from benchmark.report import escape
from benchmark.report.formats import metric_head
from benchmark.report.plots import PAPER_COLOR, Looks, columns_of_axes
from benchmark.report.tables import Row, Table, mark_best, measured_row
from benchmark.report.words import BEYOND
from benchmark.runs.manifest import SMOKE, UNTRAINED
from benchmark.runs.record import ReleasedRun


def beside_paper(paper: PaperTable, runs: Sequence[ReleasedRun], title: str, notes: Sequence[str]) -> list[Table]:
    """The paper's table filled in with runs: one table per budget tier that has runs of every side.

    While no tier has, there is one table, of the tier with most sides, or else with the largest budget. Smoke tests
    never stand beside the paper.
    Tiers with more images come first. What needs no training has no budget and stands in the table of each.
    """
    runs = [run for run in runs if run.metrics and run.tier != SMOKE]
    side_of = dict(zip(paper.rows["run_model"], paper.rows["side"], strict=True))
    sides: dict[str, set[str]] = {}
    listed = [run for run in runs if run.model in side_of]
    for run in sorted(listed, key=lambda run: -run.images_seen):
        if run.trained or not any(other.trained for other in listed):
            sides.setdefault(run.tier_and_status, set()).add(side_of[run.model])
    complete = [tier for tier, found in sides.items() if found == set(side_of.values())]
    others = [run for run in runs if run.trained and run.model not in side_of and len(set(side_of.values())) > 1]
    largest = [run.tier_and_status for run in sorted(others, key=lambda run: -run.images_seen)][:1]
    shown: Sequence[str | None] = complete or sorted(sides, key=lambda tier: -len(sides[tier]))[:1] or largest or [None]
    return [
        _of_tier(
            paper,
            [run for run in runs if run.tier == UNTRAINED or run.tier_and_status == tier],
            tier,
            title,
            tuple(notes),
        )  # fmt: skip
        for tier in shown
    ]


def paper_numbers(paper: PaperTable, run: ReleasedRun, variant: str) -> dict[str, float]:
    """What the paper prints for a model of the run's scenes and layers in this variant; {} where it has nothing."""
    rows = paper.rows
    same = (rows["instances_per_class"] == run.scenes) & (rows["run_model"] == run.model)
    same &= rows["run_layers"].isin(["", str(run.layers)])
    if same.sum() > 1:
        same &= rows["run_variant"] == variant
    entries = rows[same].to_dict("records")
    return _numbers(paper, entries[0]) if entries else {}


def variant_plot(
    paper: PaperTable, runs: Sequence[ReleasedRun], looks: Looks, column: str, axis: str, metrics: Sequence[str]
) -> Figure:
    """Metrics against the number that a family of variants differs in: one column per N, one row per metric.

    column: of the paper's file, where its own numbers stand. Lines in colour are runs, the grey one is the paper; a
    horizontal line is a model without such variants.
    """

    def draw(axes: Sequence[Axes], group: str) -> None:
        for plot, metric in zip(axes, metrics, strict=True):
            _draw_paper(plot, paper, group, column, metric)
            for run in map(mean_run, seed_groups(runs)):
                if run.scenes == group:
                    _draw_run(plot, run, metric, paper, looks)
        axes[-1].set_xlabel(axis)

    return columns_of_axes(list(paper.rows["instances_per_class"]), [metric_head(metric) for metric in metrics], draw)


def _of_tier(paper: PaperTable, runs: list[ReleasedRun], tier: str | None, title: str, notes: tuple[str, ...]) -> Table:
    rows: list[Row] = []
    for group, of_group in paper.rows.groupby("instances_per_class", sort=False):
        here = [run for run in runs if run.scenes == group]
        for model, of_model in of_group.groupby("run_model", sort=False):
            rows += _model_rows(paper, of_model, [run for run in here if run.model == model])
        if of_group["side"].nunique() > 1:  # a comparison of models, open to others
            others = [run for run in here if run.trained and run.model not in set(of_group["run_model"])]
            for group_of_seeds in seed_groups(others):
                rows += _unlisted_rows(paper, of_group, group_of_seeds)
    if tier not in (None, UNTRAINED):
        title += f" (tier {tier}: {max(run.images_seen for run in runs):,} training images)"
    return Table(title, paper.label_head, paper.metrics, mark_best(rows), notes, tier=tier)


def _model_rows(paper: PaperTable, listed: pd.DataFrame, runs: list[ReleasedRun]) -> list[Row]:
    """The paper's rows of one model at one N, once per run that repeats them, then runs with other layers.

    Runs that differ in their seed alone count as one.
    """
    entries = listed.to_dict("records")
    groups = seed_groups(runs)
    same = [of for of in groups if all(entry["run_layers"] in ("", str(of[0].layers)) for entry in entries)]
    rows = []
    for group in same or [[]]:
        for entry in entries:
            label = row_label(entry["row"], entry["run_layers"], group[0] if group else None)
            found = [(run, entry["run_variant"]) for run in group if entry["run_variant"] in run.metrics]
            row = measured_row(entry["instances_per_class"], label, found, paper.metrics, _numbers(paper, entry))
            rows.append(replace(row, variant=entry["run_variant"]))
    for group in groups:
        if group not in same:
            for entry in entries:
                label = row_label(entry["row"], group[0].layers, group[0])
                found = [(run, entry["run_variant"]) for run in group if entry["run_variant"] in run.metrics]
                if found:
                    rows.append(measured_row(group[0].scenes, label, found, paper.metrics))
    return rows


def _unlisted_rows(paper: PaperTable, listed: pd.DataFrame, runs: list[ReleasedRun]) -> list[Row]:
    """A model that the paper does not have: its variants that the table names, else as its author declared it."""
    named = [variant for variant in runs[0].metrics if variant in set(listed["run_variant"])]
    choice = choose("paper", runs[0], paper)
    shown = named or ([choice.variant] if choice else [])
    return [
        measured_row(
            runs[0].scenes,
            BEYOND + paper.variant_label(runs[0], variant),
            [(run, variant) for run in runs if variant in run.metrics],
            paper.metrics,
        )
        for variant in shown
    ]


def _numbers(paper: PaperTable, entry: dict[str, Any]) -> dict[str, float]:
    """The metrics of a row of the paper; NaN is one that it does not print."""
    return {metric: entry[metric] for metric in paper.metrics if not pd.isna(entry[metric])}


def _draw_paper(plot: Axes, paper: PaperTable, group: str, column: str, metric: str) -> None:
    rows = paper.rows[(paper.rows["instances_per_class"] == group) & paper.rows[metric].notna()]
    numbers = [float(text) if text else None for text in rows[column]]
    points = sorted((x, y) for x, y in zip(numbers, rows[metric], strict=True) if x is not None)
    style: dict[str, Any] = {"color": PAPER_COLOR, "linewidth": 1.2}
    if points:
        plot.plot(*zip(*points, strict=True), "o--", markersize=7, fillstyle="none", label="the paper", **style)
    for x, row, y in zip(numbers, rows["row"], rows[metric], strict=True):
        if x is None:
            plot.axhline(y, linestyle=":", label=escape.plot(f"the paper, {row}"), **style)


def _draw_run(plot: Axes, run: ReleasedRun, metric: str, paper: PaperTable, looks: Looks) -> None:
    label = escape.plot(paper.run_label(run))
    named = sorted(set(paper.rows["run_variant"]) & set(run.metrics))
    families = {run.reading(variant).family for variant in named}
    readings = {variant: run.reading(variant) for variant in run.metrics}
    points = sorted(
        (reading.number, run.metrics[variant][metric])
        for variant, reading in readings.items()
        if reading.family in families and reading.number is not None and run.metrics[variant].get(metric) is not None
    )
    if points:
        plot.plot(*zip(*points, strict=True), label=label, **looks.line(run))
        return
    style = {key: value for key, value in looks.line(run).items() if key in ("color", "linestyle", "linewidth")}
    for variant in named:
        if run.metrics[variant].get(metric) is not None:
            plot.axhline(run.metrics[variant][metric], label=label, **style)
