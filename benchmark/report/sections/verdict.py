"""The verdict: pixel embeddings minus Mask R-CNN, in both regimes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS, number_text
from benchmark.report import escape
from benchmark.report.facts import scenes_title
from benchmark.report.formats import metric_head
from benchmark.report.paired import BETTER, SAME, WORSE, listed, paired_table
from benchmark.report.plots import PAPER_COLOR, Plot, axes_grid
from benchmark.report.sections.section import Comparison, Inputs, Section
from benchmark.report.tables import Table

NAMES = ("embedding", "Mask R-CNN")

SAID = ("AP", "AP50", "AR_heavy")
"""The metrics of the sentences on each regime."""


def between_sides(inputs: Inputs) -> dict[Regime, list[Comparison]]:
    """Regime -> the comparisons of the paper's two sides."""
    found = {
        regime: [entry for entry in entries if {entry["a"]["model"], entry["b"]["model"]} <= set(inputs.sides)]
        for regime, entries in inputs.comparisons("sides").items()
    }
    return {regime: entries for regime, entries in found.items() if entries}


def sentences(inputs: Inputs) -> list[str]:
    """Who is better, in what, by how much: one sentence a regime, and one on what holds in both of them."""
    compared = between_sides(inputs)
    said = [_of_regime(inputs, regime, entries) for regime, entries in compared.items()]
    together = [entry for entries in compared.values() for entry in entries]
    return [*said, _in_all(together)] if together else []


def tables(inputs: Inputs) -> list[Table]:
    """A table for each regime."""
    return [
        table
        for regime, compared in between_sides(inputs).items()
        for table in paired_table(inputs, compared, f"Embedding minus Mask R-CNN, {REGIME_WORDS[regime]}", NAMES)
    ]


def plots(inputs: Inputs) -> list[Plot]:
    """Differences in recall by occlusion rate, with intervals: axes for each N, budget and regime."""
    compared = between_sides(inputs)
    conditions = dict.fromkeys((entry["scenes"], entry["tier"]) for of in compared.values() for entry in of)
    shown: dict[str, list[Comparison]] = {}
    for scenes, tier in conditions:
        for regime, entries in compared.items():
            title = f"{scenes_title(scenes)}, {tier}, {REGIME_WORDS[regime]}"
            if here := [entry for entry in entries if (entry["scenes"], entry["tier"]) == (scenes, tier)]:
                shown[title] = here
    if not shown:
        return []

    def draw(axis: Axes, place: int) -> None:
        axis.axhline(0, color=PAPER_COLOR, linewidth=1.2)
        for entry in list(shown.values())[place]:
            run, recall = inputs.run(entry["a"]["runs"][0]), entry["recall_by_occlusion"]
            edges = np.array(recall["edges"])
            value, low, high = (np.array(recall[name], float) for name in ("value", "low", "high"))
            middle, style = (edges[:-1] + edges[1:]) / 2, inputs.looks.line(run)
            axis.fill_between(middle, low, high, color=style["color"], alpha=0.15, linewidth=0)
            axis.plot(middle, value, label=escape.plot(inputs.table1.run_label(run)), **style)
        axis.set(xlim=(0, 1), xlabel="occlusion rate")

    caption = (
        "Recall, embedding minus Mask R-CNN, by the hidden share of an instance; bands: 95 % intervals. Above zero, "
        "pixel embeddings find more."
    )
    figure = axes_grid(list(shown), min(2, len(shown)), "recall, difference", draw, height=2.4)
    return [Plot("recall-difference", figure, caption)]


def _of_regime(inputs: Inputs, regime: Regime, entries: Sequence[Comparison]) -> str:
    """How the sides differ in one regime, metric by metric, at each N."""
    by_scenes: dict[str, list[Comparison]] = {}
    for entry in entries:
        by_scenes.setdefault(scenes_title(entry["scenes"]), []).append(entry)
    clauses = [
        f"in {metric_head(metric)}, {listed([_at(scenes, of, metric) for scenes, of in by_scenes.items()])}"
        for metric in SAID
    ]
    words = REGIME_WORDS[regime]
    start = f"{words[0].upper()}{words[1:]}{_floors(inputs, entries)}"
    return f"{start}, pixel embeddings compare with Mask R-CNN as follows: {'; '.join(clauses)}."


def _at(scenes: str, entries: Sequence[Comparison], metric: str) -> str:
    """ "worse by 0.021 to 0.053 at N = 12", over the numbers of layers."""
    found = [entry["metrics"][metric] for entry in entries if metric in entry["metrics"]]
    if not found:
        return f"not measured at {scenes}"
    low, high = min(one["value"] for one in found), max(one["value"] for one in found)
    verdicts = {one["verdict"] for one in found}
    if verdicts == {BETTER} or verdicts == {WORSE}:
        sizes = dict.fromkeys(number_text(abs(value), signed=False) for value in sorted((low, high), key=abs))
        return f"{verdicts.pop()} by {' to '.join(sizes)} at {scenes}"
    signed = " to ".join(dict.fromkeys((number_text(low), number_text(high))))
    if verdicts == {SAME}:
        return f"not told apart at {scenes} ({signed})"
    return f"different from one number of layers to the next at {scenes} ({signed})"


def _floors(inputs: Inputs, entries: Sequence[Comparison]) -> str:
    """The score floor of the second side, which decides much of AP50."""
    floors = {
        inputs.run(name).reading(variant).score_floor
        for entry in entries
        for name, variant in zip(entry["b"]["runs"], entry["b"]["variants"], strict=True)
    }
    named = sorted(floor for floor in floors if floor is not None)
    return f" (Mask R-CNN keeps scores above {' or '.join(f'{floor:g}' for floor in named)})" if named else ""


def _in_all(entries: Sequence[Comparison]) -> str:
    """In which metrics every comparison agrees."""
    metrics = entries[0]["metrics"]
    agreed: dict[str, list[str]] = {}
    for metric in metrics:
        verdicts = {entry["metrics"][metric]["verdict"] for entry in entries if metric in entry["metrics"]}
        if len(verdicts) == 1:
            agreed.setdefault(verdicts.pop(), []).append(metric_head(metric))
    clauses = [f"{word} in {listed(agreed[word])}" for word in (BETTER, WORSE, SAME) if word in agreed]
    once = any(min(entry["seeds"]) == 1 for entry in entries)
    caution = " Where a side is one run, another seed may say otherwise." if once else ""
    if not clauses:
        return f"No metric has the same verdict in all comparisons.{caution}"
    return f"At every N, with every number of layers and in both regimes, they are {listed(clauses)}.{caution}"


SECTION = Section(
    "verdict",
    "The verdict",
    "Where the difference is positive, pixel embeddings are better. Two regimes stand side by side, of equal rank: "
    "read as the paper reads them, with its post-processing on every side; and each read at its best, with the "
    "post-processing that was found best for each model on the same tuning scenes.",
    lead=sentences,
    tables=tables,
    plots=plots,
)
