"""Paired tests between released runs: each side against each other, more layers against fewer, in both regimes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from benchmark.analysis.analyse import DIGITS
from benchmark.analysis.bootstrap import Difference, Resamples, holm, paired_differences, paired_recall_differences
from benchmark.analysis.occlusion import bin_edges
from benchmark.paper.tables import MAIN_METRICS, PaperTable
from benchmark.released.regimes import REGIMES, Choice, Regime, choose
from benchmark.released.seeds import seed_groups, spread
from benchmark.runs.folder import kept_predictions
from benchmark.runs.record import ReleasedRun

SIGNIFICANCE = 0.05
"""Of p-values adjusted by Holm's method, below which a difference is called one."""

UNDECIDED = "not told apart"

RunAndVariant = tuple[str, str]

_OTHER, _BOTTOM_UP, _TOP_DOWN = range(3)
"""In which order the sides of a comparison stand: the first minus the second."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison: runs that differ in their seed alone, and how the regime reads each."""

    runs: tuple[ReleasedRun, ...]
    choices: tuple[Choice, ...]

    @property
    def readings(self) -> list[RunAndVariant]:
        return [(run.name, choice.variant) for run, choice in zip(self.runs, self.choices, strict=True)]


def compared_readings(runs: Sequence[ReleasedRun], table: PaperTable) -> list[RunAndVariant]:
    """(run, variant) of all that `compare_released` needs resamples of. table: the paper's Table 1."""
    pairs = [pair for regime in REGIMES for _, pairs in _tables(regime, runs, table) for pair in pairs]
    return sorted({reading for pair in pairs for side in pair for reading in side.readings})


def compare_released(
    runs: Sequence[ReleasedRun], table: PaperTable, resamples: Mapping[RunAndVariant, Resamples]
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The content of ``comparisons.json``: "sides" and "layers", each with "paper" and "best", lists of comparisons
    a - b. table: the paper's Table 1. resamples: of all of `compared_readings`.

    sides: two models trained with the same budget and evaluated on the same images, be it one of the paper's or not.
    layers: the same model and settings, a with more layers than b.

    A comparison, JSON throughout, numbers with six decimals:
    "scenes", "tier": of both. "a", "b": {"model", "layers", "runs", "variants" (one a run), "chosen_on" (see
    `Choice`)}. "seeds": [runs of a, runs of b].
    "metrics": name -> {"a", "b": {"mean", "deviation" (null for one run), "count"}, "value": a - b, as the evaluator
    reads metrics, "exact", "low", "high", "p_value", "at_floor" (see `Difference`), "holm": p adjusted for all tests of
    its list, "verdict": "better", "worse" or "not told apart"}.
    "recall_by_occlusion": {"edges" of the bins, and lists "value", "low", "high", "p_value", "holm", "verdict", null in
    an empty bin}; Holm's adjustment is for all bins of its list.
    """
    compared: dict[str, dict[str, list[dict[str, Any]]]] = {"sides": {}, "layers": {}}
    for regime in REGIMES:
        for name, pairs in _tables(regime, runs, table):
            entries = [_compare(a, b, resamples) for a, b in pairs]
            judge([found for entry in entries for found in entry["metrics"].values()])
            judge([found for entry in entries for found in entry["recall_by_occlusion"] if found])
            compared[name][regime] = [entry | {"recall_by_occlusion": _by_bin(entry)} for entry in entries]
    return compared


def _tables(
    regime: Regime, runs: Sequence[ReleasedRun], table: PaperTable
) -> Iterator[tuple[str, list[tuple[Side, Side]]]]:
    sides = []
    for group in seed_groups([run for run in runs if run.trained]):
        choices = [choose(regime, run, table) for run in group]
        found = tuple(choice for choice in choices if choice is not None)
        if len(found) == len(group) and all(map(_kept, group, found)):
            sides.append(Side(tuple(group), found))
    pairs = [(a, b) for a in sides for b in sides if _same_conditions(a.runs[0], b.runs[0])]
    yield "sides", [(a, b) for a, b in pairs if _stands_first(a.runs[0], b.runs[0], table)]
    yield "layers", [(a, b) for a, b in pairs if _more_layers(a.runs[0], b.runs[0])]


def _kept(run: ReleasedRun, choice: Choice) -> bool:
    return kept_predictions(run.folder, choice.variant) is not None


def _same_conditions(a: ReleasedRun, b: ReleasedRun) -> bool:
    return (a.scenes, a.tier_and_status, a.dataset_hash) == (b.scenes, b.tier_and_status, b.dataset_hash)


def _stands_first(a: ReleasedRun, b: ReleasedRun, table: PaperTable) -> bool:
    """Whether two models are compared as a - b, not b - a: what the paper lacks, then bottom-up, then top-down."""
    side_of = dict(zip(table.rows["run_model"], table.rows["side"], strict=True))
    ranks = {"bottom-up": _BOTTOM_UP, "top-down": _TOP_DOWN}
    keys = [(ranks.get(side_of.get(run.model, ""), _OTHER), run.model) for run in (a, b)]
    return keys[0] < keys[1]


def _more_layers(a: ReleasedRun, b: ReleasedRun) -> bool:
    same = (a.model, a.manifest["hyperparameters"]) == (b.model, b.manifest["hyperparameters"])
    return same and a.layers > b.layers


def _compare(a: Side, b: Side, resamples: Mapping[RunAndVariant, Resamples]) -> dict[str, Any]:
    """Without Holm's adjustment and verdicts; the recall as a list of bins."""
    of_a, of_b = ([resamples[reading] for reading in side.readings] for side in (a, b))
    differences = paired_differences(of_a, of_b)
    metrics = {
        name: {"a": _spread(a, name), "b": _spread(b, name), **difference_entry(difference)}
        for name in MAIN_METRICS
        if (difference := differences.get(name)) is not None
    }
    return {
        "scenes": a.runs[0].scenes,
        "tier": a.runs[0].tier_and_status,
        "a": _described(a),
        "b": _described(b),
        "seeds": [len(a.runs), len(b.runs)],
        "metrics": metrics,
        "recall_by_occlusion": [found and difference_entry(found) for found in paired_recall_differences(of_a, of_b)],
    }


def _described(side: Side) -> dict[str, Any]:
    chosen_on = {choice.chosen_on for choice in side.choices}
    return {
        "model": side.runs[0].model,
        "layers": side.runs[0].layers,
        "runs": [run.name for run in side.runs],
        "variants": [choice.variant for choice in side.choices],
        "chosen_on": "evaluation images" if "evaluation images" in chosen_on else side.choices[0].chosen_on,
    }


def _spread(side: Side, metric: str) -> dict[str, float | int | None]:
    """A metric over the runs of a side, each read by its own choice, in all of which it is defined."""
    values = [
        cast(float, run.metrics[choice.variant][metric]) for run, choice in zip(side.runs, side.choices, strict=True)
    ]
    found = spread(values)
    return {"mean": rounded(found.mean), "deviation": rounded(found.deviation), "count": found.runs}


def difference_entry(difference: Difference) -> dict[str, Any]:
    """A difference as JSON, not judged yet."""
    numbers = {
        "value": difference.value,
        "exact": difference.exact,
        "low": difference.interval.low,
        "high": difference.interval.high,
        "p_value": difference.p_value,
    }
    return {name: rounded(value) for name, value in numbers.items()} | {"at_floor": difference.at_floor}


def judge(tests: Sequence[dict[str, Any]]) -> None:
    """Add "holm" and "verdict" to each of the tests of one list."""
    for test, adjusted in zip(tests, holm([test["p_value"] for test in tests]), strict=True):
        test["holm"] = rounded(adjusted)
        sure = adjusted < SIGNIFICANCE
        test["verdict"] = "better" if sure and test["low"] > 0 else "worse" if sure and test["high"] < 0 else UNDECIDED


def _by_bin(entry: dict[str, Any]) -> dict[str, Any]:
    bins = entry["recall_by_occlusion"]
    names = ("value", "low", "high", "p_value", "holm", "verdict")
    lists = {name: [found and found[name] for found in bins] for name in names}
    return {"edges": bin_edges(len(bins)).tolist(), **lists}


def rounded(value: float | None) -> float | None:
    """With `DIGITS` decimals and no negative zero."""
    return value if value is None else round(value, DIGITS) + 0.0
