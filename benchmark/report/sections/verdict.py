"""The verdict: every side against every other, in both regimes."""

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
from benchmark.report.sections.section import Comparison, Inputs, Section, scenes_key
from benchmark.report.tables import Table, seeds_text

SAID = "AP"
"""The metric of the sentence on each regime."""

BOTTOM_UP, TOP_DOWN = "bottom-up", "top-down"
NOUNS = {BOTTOM_UP: "pixel embeddings", TOP_DOWN: "Mask R-CNN"}
"""The paper's sides in words; every other model is a side of its own, called by its name."""


def between_sides(inputs: Inputs) -> dict[Regime, list[Comparison]]:
    """Regime -> the comparisons that the verdict is about: of the budgets at which the paper's sides meet, every model
    against every other. All comparisons where the paper's sides never meet.

    By scenes; the paper's sides first, then other models against its top-down side, then against the rest.
    """
    compared = inputs.comparisons("sides")
    met = {
        entry["tier"]
        for entries in compared.values()
        for entry in entries
        if {entry["a"]["model"], entry["b"]["model"]} <= set(inputs.sides)
    }
    found = {
        regime: sorted((e for e in entries if not met or e["tier"] in met), key=lambda e: _place(inputs, e))
        for regime, entries in compared.items()
    }
    return {regime: entries for regime, entries in found.items() if entries}


def reference(inputs: Inputs, entries: Sequence[Comparison]) -> str:
    """The model that others are best compared with: of the paper's top-down side, if it is there."""
    models = [entry["b"]["model"] for entry in entries]
    return next((model for model in models if inputs.sides.get(model) == TOP_DOWN), models[0])


def noun(inputs: Inputs, model: str) -> str:
    return NOUNS.get(inputs.sides.get(model, ""), model)


def sentences(inputs: Inputs) -> list[str]:
    """Who is better, in what, by how much: one sentence a regime, and one on what holds in all of them."""
    compared = between_sides(inputs)
    said = [_of_regime(inputs, regime, entries) for regime, entries in compared.items()]
    return [*said, _in_all(inputs, compared)] if compared else []


def tables(inputs: Inputs) -> list[Table]:
    """A table for each regime."""
    return [
        table
        for regime, compared in between_sides(inputs).items()
        for table in paired_table(inputs, compared, f"Each side minus another, {REGIME_WORDS[regime]}", folded=True)
    ]


def plots(inputs: Inputs) -> list[Plot]:
    """Differences in recall by occlusion rate, with intervals: axes for each N, budget and regime."""
    compared = between_sides(inputs)
    if not compared:
        return []
    against = reference(inputs, [entry for of in compared.values() for entry in of])
    compared = {regime: [e for e in entries if e["b"]["model"] == against] for regime, entries in compared.items()}
    conditions = dict.fromkeys((entry["scenes"], entry["tier"]) for of in compared.values() for entry in of)
    shown: dict[str, list[Comparison]] = {}
    for scenes, tier in conditions:
        for regime, entries in compared.items():
            title = f"{scenes_title(scenes)}, {tier}, {REGIME_WORDS[regime]}"
            if here := [entry for entry in entries if (entry["scenes"], entry["tier"]) == (scenes, tier)]:
                shown[title] = here

    def draw(axis: Axes, place: int) -> None:
        axis.axhline(0, color=PAPER_COLOR, linewidth=1.2)
        for entry in list(shown.values())[place]:
            run, recall = inputs.run(entry["a"]["runs"][0]), entry["recall_by_occlusion"]
            edges = np.array(recall["edges"])
            value, low, high = (np.array(recall[name], float) for name in ("value", "low", "high"))
            middle, style = (edges[:-1] + edges[1:]) / 2, inputs.looks.line(run)
            axis.fill_between(middle, low, high, color=style["color"], alpha=0.15, linewidth=0)
            label = inputs.table1.run_label(run) + seeds_text(len(entry["a"]["runs"]))
            axis.plot(middle, value, label=escape.plot(label), **style)
        axis.set(xlim=(0, 1), xlabel="occlusion rate")

    name = noun(inputs, against)
    caption = (
        f"Recall minus that of {name}, by the hidden share of an instance; bands: 95 % intervals. Above zero, more is "
        f"found than by {name}."
    )
    figure = axes_grid(list(shown), min(2, len(shown)), "recall, difference", draw, height=2.4)
    return [Plot("recall-difference", figure, caption)]


def _place(inputs: Inputs, entry: Comparison) -> tuple:
    a, b = (inputs.sides.get(entry[side]["model"]) for side in "ab")
    rank = 0 if a and b else 1 if b == TOP_DOWN else 2
    return scenes_key(entry["scenes"]), rank, entry["a"]["model"], entry["b"]["model"]


def _pairs(inputs: Inputs, entries: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    """ "pixel embeddings against Mask R-CNN" -> their comparisons."""
    pairs: dict[str, list[Comparison]] = {}
    for entry in entries:
        a, b = (noun(inputs, entry[side]["model"]) for side in "ab")
        pairs.setdefault(f"{a} against {b}", []).append(entry)
    return pairs


def _of_regime(inputs: Inputs, regime: Regime, entries: Sequence[Comparison]) -> str:
    """How the sides differ in one regime: pair by pair, at each N."""
    clauses = [f"{pair}, {_at_each(of_pair, SAID)}" for pair, of_pair in _pairs(inputs, entries).items()]
    words = REGIME_WORDS[regime]
    start = f"{words[0].upper()}{words[1:]}{_floors(inputs, entries)}, in {metric_head(SAID)}"
    return f"{start}: {'; '.join(clauses)}."


def _at_each(entries: Sequence[Comparison], metric: str) -> str:
    """ "worse by 0.021 to 0.053 at N = 6 and by 0.031 at N = 12", over the numbers of layers."""
    by_scenes: dict[str, list[Comparison]] = {}
    for entry in entries:
        by_scenes.setdefault(scenes_title(entry["scenes"]), []).append(entry)
    parts, former = [], ""
    for scenes, of_scenes in by_scenes.items():
        word, size = _size([entry["metrics"][metric] for entry in of_scenes if metric in entry["metrics"]])
        parts.append(" ".join(part for part in ("" if word == former else word, size, f"at {scenes}") if part))
        former = word
    return listed(parts)


def _size(found: Sequence[dict]) -> tuple[str, str]:
    """("worse", "by 0.021 to 0.053"), ("not told apart", "(−0.001)")."""
    if not found:
        return "not measured", ""
    low, high = min(one["value"] for one in found), max(one["value"] for one in found)
    verdicts = {one["verdict"] for one in found}
    if verdicts in ({BETTER}, {WORSE}):
        sizes = dict.fromkeys(number_text(abs(value), signed=False) for value in sorted((low, high), key=abs))
        return verdicts.pop(), f"by {' to '.join(sizes)}"
    signed = " to ".join(dict.fromkeys((number_text(low), number_text(high))))
    return (SAME if verdicts == {SAME} else "by the number of layers better or worse"), f"({signed})"


def _floors(inputs: Inputs, entries: Sequence[Comparison]) -> str:
    """The score floor of the top-down side, which decides much of AP50."""
    floors = {
        inputs.run(name).reading(variant).score_floor
        for entry in entries
        if inputs.sides.get(entry["b"]["model"]) == TOP_DOWN
        for name, variant in zip(entry["b"]["runs"], entry["b"]["variants"], strict=True)
    }
    named = sorted(floor for floor in floors if floor is not None)
    kept = " or ".join(f"{floor:g}" for floor in named)
    return f" ({NOUNS[TOP_DOWN]} keeps scores above {kept})" if named else ""


def _in_all(inputs: Inputs, compared: dict[Regime, list[Comparison]]) -> str:
    """In which metrics all comparisons of a pair agree."""
    together = [entry for entries in compared.values() for entry in entries]
    clauses = [
        f"{pair}, {listed(agreed) if agreed else 'nothing'}"
        for pair, of_pair in _pairs(inputs, together).items()
        for agreed in [_agreed(of_pair)]
    ]
    where = " and in both regimes" if len(compared) > 1 else ""
    seeds = [min(entry["seeds"]) for entry in together]
    caution = " Where a side is one run, another seed may say otherwise." if 1 in seeds else ""
    return f"What holds at every N, with every number of layers{where}: {'; '.join(clauses)}.{caution}"


def _agreed(entries: Sequence[Comparison]) -> list[str]:
    """ "worse in AP and AP50", ...: the metrics in which all comparisons say the same."""
    agreed: dict[str, list[str]] = {}
    for metric in entries[0]["metrics"]:
        verdicts = {entry["metrics"][metric]["verdict"] for entry in entries if metric in entry["metrics"]}
        if len(verdicts) == 1:
            agreed.setdefault(verdicts.pop(), []).append(metric_head(metric))
    return [f"{word} in {listed(agreed[word])}" for word in (BETTER, WORSE, SAME) if word in agreed]


SECTION = Section(
    "verdict",
    "The verdict",
    "Where a difference is positive, the first of two sides is better. Two regimes stand side by side, of equal rank: "
    "read as the paper reads them, with its post-processing on every side and a model that it lacks as its author "
    "declared it; and each read at its best, with the post-processing that was found best for each model on the same "
    "tuning scenes. A run that was not tuned there is read by the variant with its highest AP on the evaluation "
    "images, which favours it.",
    lead=sentences,
    tables=tables,
    plots=plots,
)
