"""Why instances are not found: a table of shares, and plots against occlusion rate and NMS threshold."""

from collections.abc import Mapping, Sequence
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.analysis.occlusion import bin_edges, places_in_bins
from benchmark.analysis.reasons import CUT_OFF, FOUND, REASONS
from benchmark.paper.tables import PaperTable
from benchmark.released.outcomes import Evaluation, Outcome
from benchmark.report.facts import scenes_title
from benchmark.report.formats import format_percent
from benchmark.report.plots import STYLE
from benchmark.report.tables import Row, Table, Value, with_footnotes
from benchmark.report.words import TABLE_NOTES, TABLE_TITLES

NAME = "lost-instances"

COLORS = ("#D55E00", "#E69F00", "#0072B2", "#CC79A7", "#56B4E9", "#009E73", "#8A8A8A")
"""One for each of REASONS, from the palette of Okabe and Ito: warm where a setting takes instances away, grey last."""

BINS = 10

TITLE_WIDTH = 26
"""Letters in a line above a small plot."""


def read_sweeps(evaluations: Sequence[Evaluation], ranking: PaperTable) -> dict[str, list[Outcome]]:
    """Trained run -> its headline variant, or every NMS threshold that the paper's table names."""
    return {
        outcome.run.name: evaluation.sweeps[outcome.run.name]
        for evaluation in evaluations
        for outcome in evaluation.outcomes
        if outcome.run.trained
    }


def reason_table(evaluations: Sequence[Evaluation], sweeps: Mapping[str, Sequence[Outcome]]) -> Table | None:
    """Shares of all instances by what becomes of them, and below of those in each occlusion range.

    In words for the headline variant of each run.
    """
    if not sweeps:
        return None
    headlines = [outcome for evaluation in evaluations for outcome in evaluation.outcomes if outcome.run.trained]
    rows = [
        Row(outcome.run.scenes, outcome.label_with_tier, outcome.variant, _shares(outcome), outcome.run)
        for of_run in sweeps.values()
        for outcome in of_run
    ]
    title, notes, lead = TABLE_TITLES[NAME], TABLE_NOTES[NAME], tuple(map(_in_words, headlines))
    table = Table(NAME, title, "Model", ("found", *REASONS), tuple(rows), notes, {}, ours="all", lead=lead)
    return with_footnotes(table)


def occlusion_plot(evaluations: Sequence[Evaluation]) -> Figure | None:
    """Instances that a trained run does not find, in bins of occlusion rate: a row for each N and budget tier."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for evaluation in evaluations:
        for outcome in evaluation.outcomes:
            if outcome.run.trained:
                groups.setdefault((outcome.run.scenes, outcome.run.tier_and_status), []).append(outcome)
    if not groups:
        return None
    columns = max(map(len, groups.values()))
    middles = bin_edges(BINS)[:-1] + 0.5 / BINS
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.3 * columns + 0.4, 2.1 * len(groups) + 0.5), layout="constrained")
        axes = figure.subplots(len(groups), columns, sharex=True, sharey=True, squeeze=False)
        for row, ((scenes, tier), of_group) in zip(axes, groups.items(), strict=True):
            row[0].set_ylabel(f"{scenes_title(scenes)}, {tier}\nshare not found", fontsize=8)
            for axis in row[len(of_group) :]:
                axis.set_axis_off()
            for axis, outcome in zip(row, of_group, strict=False):
                places = places_in_bins(outcome.shown.matches.occlusion_rates, BINS)
                _stack(axis, middles, _shares_at(outcome, places, BINS), width=0.9 / BINS)
                axis.set_title(fill(outcome.label, TITLE_WIDTH), fontsize=8)
                axis.set(xlim=(0, 1), ylim=(0, 1))
                axis.set_xlabel("occlusion rate", fontsize=8)
                axis.tick_params(labelbottom=True)
        _legend(figure)
    return figure


def threshold_plot(sweeps: Mapping[str, Sequence[Outcome]]) -> Figure | None:
    """Instances that are not found at each threshold of a sweep; axes for each run with one."""
    shown = [of_run for of_run in sweeps.values() if of_run[0].others]
    if not shown:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * len(shown), 3.2), layout="constrained")
        axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axis, of_run in zip(axes, shown, strict=True):
            shares = [_shares_at(outcome, np.zeros_like(outcome.reasons.reason), 1) for outcome in of_run]
            _stack(axis, np.arange(len(of_run)), np.concatenate(shares, axis=1), width=0.7)
            axis.set_xticks(range(len(of_run)), [outcome.variant for outcome in of_run], rotation=20)
            axis.grid(axis="x", visible=False)
            run = of_run[0].run
            axis.set_title(f"{scenes_title(run.scenes)}, {run.model} ({run.preset}), {run.tier_and_status}", fontsize=8)
        axes[0].set_ylabel("share not found")
        _legend(figure)
    return figure


def _shares(outcome: Outcome) -> dict[str, Value]:
    matches, reason = outcome.shown.matches, outcome.reasons.reason
    ranges = dict(zip(matches.ranges, matches.in_range, strict=True))
    del ranges["all"]
    values = {}
    for place, name in enumerate(("found", *REASONS), FOUND):
        lost = reason == place
        parts = {of_range: f"{lost[inside].mean():.4f}" for of_range, inside in ranges.items() if inside.any()}
        values[name] = Value(float(lost.mean()) if len(lost) else None, details=parts)
    return values


def _in_words(outcome: Outcome) -> str:
    """Why a run loses instances; of those cut off also how many score less than every detection that is kept."""
    reason = outcome.reasons.reason
    lost = int((reason != FOUND).sum())
    counts = {name: len(outcome.reasons.of(name)) for name in REASONS}
    words = {name: f"{format_percent(n / lost)} {name}" for name, n in counts.items() if n >= 0.005 * lost > 0}
    if CUT_OFF in words:
        scores = np.array(outcome.others[CUT_OFF][1].predictions.scores)
        scores = scores[outcome.reasons.elsewhere[CUT_OFF][outcome.reasons.of(CUT_OFF)]]
        below = (scores < min(outcome.shown.predictions.scores, default=1.0)).mean()
        words[CUT_OFF] += f" ({format_percent(below)} of these by their score)"
    title = f"{scenes_title(outcome.run.scenes)}, {outcome.label_with_tier}"
    return (
        f"{title}: {lost:,} of {len(reason):,} instances not found{': ' if words else ''}{', '.join(words.values())}."
    )


def _shares_at(outcome: Outcome, places: np.ndarray, size: int) -> np.ndarray:
    """(reasons, size) float64 share of the instances at each place that is lost for each reason; 0 without any."""
    lost = np.stack([np.bincount(places[outcome.reasons.of(reason)], minlength=size) for reason in REASONS])
    return lost / np.maximum(np.bincount(places, minlength=size), 1)


def _stack(axis: Axes, x: np.ndarray, shares: np.ndarray, width: float) -> None:
    bottom = np.zeros(len(x))
    for reason, color, of_reason in zip(REASONS, COLORS, shares, strict=True):
        if of_reason.any():
            axis.bar(x, of_reason, width, bottom, color=color, label=reason)
            bottom += of_reason


def _legend(figure: Figure) -> None:
    """One legend for all axes, in the order of the reasons."""
    handles = {}
    for axis in figure.axes:
        handles |= {label: handle for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    names = [reason for reason in REASONS if reason in handles]
    figure.legend([handles[name] for name in names], names, loc="outside lower center", ncols=7, fontsize=8)
