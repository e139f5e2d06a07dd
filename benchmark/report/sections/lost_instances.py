"""Why instances are not found: a table of shares, and plots against occlusion rate and NMS threshold."""

from collections.abc import Sequence
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.analysis.occlusion import bin_edges, places_in_bins
from benchmark.analysis.reasons import CUT_OFF, FOUND, REASONS
from benchmark.released.outcomes import Outcome
from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report import escape
from benchmark.report.facts import scenes_title
from benchmark.report.formats import format_percent
from benchmark.report.plots import STYLE, Plot, add_legend
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Row, Table, Value

NOTES = (
    "Shares of all instances, below of those that are not hidden, hidden by up to 0.25, and by more. Found: matched "
    "by a detection at IoU 0.5. Every other instance is lost for one reason, the first that holds.",
    "Suppressed: a variant within the same limits on detections that suppresses less finds it. Cut off: a variant "
    "within wider limits (score floor, NMS of proposals, number of detections) does. Both are the variants with the "
    "highest recall whose predictions are kept; a detection that overlaps another instance more does not count. "
    "Beyond layers: less than half of its mask lies in as many layers of ground truth. Merged, split, poor mask: as "
    "among the errors. Never found: no detection comes near it under any of these settings.",
)

COLORS = ("#882255", "#CC6677", "#332288", "#DDCC77", "#999933", "#88CCEE", "#8A8A8A")
"""Of REASONS, from Paul Tol's muted palette: no model has one of these."""

BINS = 10

TITLE_WIDTH = 26
"""Letters in a line above a small plot."""


def tables(inputs: Inputs) -> list[Table]:
    """Shares of all instances by what becomes of them, and below of those in each occlusion range: a table a regime.

    As the paper reads them also at the other thresholds of its Table 1; in words for each run's one reading.
    """
    swept = [outcome for of_run in inputs.threshold_sweeps for outcome in of_run]
    shown: dict[Regime, tuple[list[Outcome], list[Outcome]]] = {
        "paper": (swept, inputs.trained_outcomes),
        "best": (inputs.best_outcomes, inputs.best_outcomes),
    }
    return [_table(regime, *outcomes) for regime, outcomes in shown.items() if outcomes[0]]


def plots(inputs: Inputs) -> list[Plot]:
    by_share = "Instances that are not found, by the hidden share of their area, and why; "
    found = {
        "lost-by-occlusion": (occlusion_plot(inputs.trained_outcomes), f"{by_share}{REGIME_WORDS['paper']}."),
        "lost-by-occlusion-best": (occlusion_plot(inputs.best_outcomes), f"{by_share}{REGIME_WORDS['best']}."),
        "lost-by-threshold": (
            threshold_plot(inputs.threshold_sweeps),
            "Instances that are not found at each NMS threshold of Table 1, and why.",
        ),
    }
    return [Plot(name, figure, caption) for name, (figure, caption) in found.items() if figure]


def occlusion_plot(outcomes: Sequence[Outcome]) -> Figure | None:
    """Instances that a trained run does not find, in bins of occlusion rate: a row for each N and budget tier."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.run.scenes, outcome.run.tier_and_status), []).append(outcome)
    if not groups:
        return None
    columns = max(map(len, groups.values()))
    middles = bin_edges(BINS)[:-1] + 0.5 / BINS
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(2.3 * columns + 0.4, 2.1 * len(groups) + 0.5), layout="constrained")
        axes = figure.subplots(len(groups), columns, sharex=True, sharey=True, squeeze=False)
        for row, ((scenes, tier), of_group) in zip(axes, groups.items(), strict=True):
            row[0].set_ylabel(escape.plot(f"{scenes_title(scenes)}, {tier}") + "\nshare not found", fontsize=8)
            for axis in row[len(of_group) :]:
                axis.set_axis_off()
            for axis, outcome in zip(row, of_group, strict=False):
                places = places_in_bins(outcome.shown.matches.occlusion_rates, BINS)
                _stack(axis, middles, _shares_at(outcome, places, BINS), width=0.9 / BINS)
                axis.set_title(fill(escape.plot(outcome.label), TITLE_WIDTH), fontsize=8)
                axis.set(xlim=(0, 1), ylim=(0, 1))
                axis.set_xlabel("occlusion rate", fontsize=8)
                axis.tick_params(labelbottom=True)
        add_legend(figure, 7, REASONS)
    return figure


def threshold_plot(sweeps: Sequence[Sequence[Outcome]]) -> Figure | None:
    """Instances that are not found at each threshold of a sweep; axes for each run with one."""
    shown = [
        of_run for of_run in sweeps if of_run[0].others and of_run[0].run.reading(of_run[0].variant).number is not None
    ]
    if not shown:
        return None
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * max(len(shown), 2), 2.6), layout="constrained")
        axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axis, of_run in zip(axes, shown, strict=True):
            shares = [_shares_at(outcome, np.zeros_like(outcome.reasons.reason), 1) for outcome in of_run]
            _stack(axis, np.arange(len(of_run)), np.concatenate(shares, axis=1), width=0.7)
            axis.set_xticks(range(len(of_run)), [escape.plot(outcome.variant) for outcome in of_run], rotation=20)
            axis.grid(axis="x", visible=False)
            run = of_run[0].run
            title = f"{scenes_title(run.scenes)}, {run.model} ({run.preset}), {run.tier_and_status}"
            axis.set_title(escape.plot(title), fontsize=8)
        axes[0].set_ylabel("share not found")
        add_legend(figure, 7, REASONS)
    return figure


def _table(regime: Regime, shown: Sequence[Outcome], told: Sequence[Outcome]) -> Table:
    """shown: a row each. told: those that stand in words above it."""
    rows = [
        Row(outcome.run.scenes, outcome.label_with_tier, outcome.variant, _shares(outcome), outcome.run)
        for outcome in shown
    ]
    title = f"What becomes of the instances, {REGIME_WORDS[regime]}"
    lead = tuple(map(in_words, told))
    return Table(title, "Model", ("found", *REASONS), tuple(rows), NOTES, lead, ours="all", folded=True)


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


def in_words(outcome: Outcome) -> str:
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
    told = ""
    if outcome.suppressed_range:
        low, high = outcome.suppressed_range
        variants = len(outcome.suppressed)
        told = f" Suppression removed {low:.2%} to {high:.2%} of all instances, by which of {variants} variants tells."
        if variants == 1:
            told = f" Suppression removed {low:.2%} of all instances, as one other variant tells."
    return (
        f"{title}: {lost:,} of {len(reason):,} instances not found{': ' if words else ''}{', '.join(words.values())}."
        f"{told}"
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


SECTION = Section(
    "lost-instances",
    "Why instances are not found",
    "What does suppression remove, what do limits on detections such as the score floor cut off, what can layers not "
    "hold, and what did the model never find? Each instance that no detection matches is put down to one reason.",
    tables=tables,
    plots=plots,
    menu="Lost instances",
)
