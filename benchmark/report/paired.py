"""Differences between two models on the same images: a table, and what it says in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.paper.tables import DEFAULT, MAIN_METRICS
from benchmark.released.compare import SIGNIFICANCE
from benchmark.released.verdict import caution, p_text
from benchmark.report.facts import scenes_title
from benchmark.report.formats import format_number, metric_head
from benchmark.report.sections.section import Comparison, Inputs
from benchmark.report.tables import Row, Table, Value, seeds_text

BETTER, WORSE, SAME = "better", "worse", "not told apart"

NOTES = (
    "Paired bootstrap over images, and over seeds where both sides have several: both models on the same resampled "
    "images. Intervals and p-values of AP, AP50 and AP75 come from the exact area under the interpolated curve; the "
    "difference itself is of COCO's values, which move in steps of 1/101.",
    "p: two-sided, and adjusted by Holm's method for all such tests in this regime, before a difference is called "
    "better or worse.",
)

NAMES = ("first", "second")
"""What the sides of a difference are called where their own numbers stand."""


def paired_table(
    inputs: Inputs, compared: Sequence[Comparison], title: str, names: tuple[str, str] = NAMES, folded: bool = False
) -> list[Table]:
    """The comparisons as one table; none without any. names: of a and b, as in `NAMES`."""
    if not compared:
        return []
    rows = [_row(entry, inputs, names) for entry in compared]
    lead = [in_words(entry, inputs) for entry in compared]
    cautions = dict.fromkeys(caution(entry) for entry in compared)
    notes = (*NOTES, removed_by_holm(compared, inputs), *cautions)
    table = Table(title, "Difference", MAIN_METRICS, tuple(rows), notes, tuple(lead), ours="difference",
                  signed=True, folded=folded)  # fmt: skip
    return [table]


def in_words(entry: Comparison, inputs: Inputs) -> str:
    """In which metrics the first of two models is better, and among instances hidden by how much it finds more."""
    said: dict[str, list[str]] = {BETTER: [], WORSE: [], SAME: []}
    for metric, found in entry["metrics"].items():
        said[found["verdict"]].append(metric_head(metric))
    clauses = [f"{word} in {listed(metrics)}" for word, metrics in said.items() if metrics]
    a, b = (side_label(inputs, entry[side]) for side in "ab")
    sentence = f"{scenes_title(entry['scenes'])}, {entry['tier']}: against {b}, {a} is {listed(clauses)}."
    return f"{sentence} {_recall_in_words(entry['recall_by_occlusion'])}".rstrip()


def removed_by_holm(compared: Sequence[Comparison], inputs: Inputs) -> str:
    """Which differences their own p-value would call so, and the adjusted one does not."""
    removed = []
    for entry in compared:
        recall = entry["recall_by_occlusion"]
        tests = [(metric_head(metric), found["p_value"], found["holm"]) for metric, found in entry["metrics"].items()]
        bins = zip(recall["edges"], recall["edges"][1:], recall["p_value"], recall["holm"], strict=False)
        tests += [(f"recall from {left:g} to {right:g}", p, holm) for left, right, p, holm in bins if p is not None]
        found = [
            f"{name} (p {p_text(p, False)}, adjusted {p_text(holm, False)})"
            for name, p, holm in tests
            if p < SIGNIFICANCE <= holm
        ]
        if found:
            a, b = (side_label(inputs, entry[side]) for side in "ab")
            removed.append(f"{scenes_title(entry['scenes'])}, {entry['tier']}, {a} minus {b}: {', '.join(found)}")
    said = f"Not told apart, although p alone is below {SIGNIFICANCE:g}, because of Holm's adjustment: "
    return f"{said}{'; '.join(removed) if removed else 'nothing'}."


def side_label(inputs: Inputs, side: Mapping[str, Any]) -> str:
    """A side of a comparison for readers: model, layers, preset, and its variant where it has several."""
    run = inputs.run(side["runs"][0])
    variants = list(dict.fromkeys(side["variants"]))
    name = inputs.table1.run_label(run)
    name += "" if variants == [DEFAULT] else f", {' or '.join(variants)}"
    return name + seeds_text(len(side["runs"]))


def listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _row(entry: Comparison, inputs: Inputs, names: tuple[str, str]) -> Row:
    values = {metric: Value() for metric in MAIN_METRICS}
    for metric, found in entry["metrics"].items():
        numbers = {name: _spread(found[side]) for name, side in zip(names, "ab", strict=True)}
        tests = {"p": p_text(found["p_value"], found["at_floor"]), "adjusted": p_text(found["holm"], False)}
        values[metric] = Value(found["value"], interval=(found["low"], found["high"]), details=tests | numbers)
    a, b = (side_label(inputs, entry[side]) for side in "ab")
    runs = [inputs.run(name) for side in "ab" for name in entry[side]["runs"]]
    label = f"{a} minus {b}, {entry['tier']}{', one run a side' if max(entry['seeds']) == 1 else ''}"
    return Row(entry["scenes"], label, entry["a"]["variants"][0], values, runs[0], tuple(runs[1:]))


def _spread(of_side: Mapping[str, Any]) -> str:
    """ "0.7405", or "0.7405 ± 0.0021" over several seeds."""
    deviation = of_side["deviation"]
    return format_number(of_side["mean"]) + ("" if deviation is None else f" ± {format_number(deviation)}")


def _recall_in_words(recall: Mapping[str, Any]) -> str:
    """At which occlusion rates the first of two models finds more, neighbouring bins of one verdict together."""
    spans: list[tuple[str, float, float]] = []
    for left, right, verdict in zip(recall["edges"], recall["edges"][1:], recall["verdict"], strict=False):
        if verdict is None:
            continue
        word = {BETTER: "more", WORSE: "fewer", SAME: SAME}[verdict]
        if spans and (spans[-1][0], spans[-1][2]) == (word, left):
            spans[-1] = (word, spans[-1][1], right)
        else:
            spans.append((word, left, right))
    words = "; ".join(f"{word} from {left:g} to {right:g}" for word, left, right in spans)
    return f"By the hidden share of an instance, it finds: {words}." if spans else ""
