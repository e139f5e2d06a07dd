"""Two sets of predictions on the same images: paired differences with intervals, in words, as data, and as a gate."""

import operator
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.adapter import TUNED_VARIANT
from benchmark.analysis.analyse import resample_files
from benchmark.analysis.bootstrap import paired_differences
from benchmark.evaluation.sets import evaluation_set
from benchmark.released.compare import difference_entry, judge, rounded
from benchmark.released.verdict import VERDICTS, interval_text, number_text, p_text
from benchmark.runs.folder import MANIFEST, holds_run, kept_predictions, read_metrics
from benchmark.runs.record import read_run
from datasets.errors import InputError

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip

SIDES = ("a", "b")


@dataclass(frozen=True)
class Condition:
    """A difference that must not be: "AP < -0.01" holds where a's AP is more than .01 below b's."""

    text: str
    metric: str
    holds: Callable[[float], bool]


def read_condition(text: str) -> Condition:
    """Raises InputError for anything but a metric, one of < <= > >= and a number."""
    found = re.fullmatch(r"\s*(\w+)\s*(<=|>=|<|>)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*", text)
    if found is None:
        raise InputError(f"condition {text!r}: expected a metric, one of < <= > >= and a number, such as AP < -0.01")
    metric, symbol, number = found.groups()
    compare, limit = OPERATORS[symbol], float(number)
    return Condition(text.strip(), metric, lambda difference: compare(difference, limit))


def compare(a: Path, b: Path, data: Path, annotations: Path | None = None) -> dict[str, Any]:
    """Paired differences a - b of every metric that both have, with Holm's adjustment over all of them.

    a, b: each the folder of a run that kept predictions, or a results file. annotations: of the images of both; None
    for those of the runs' evaluation set, which is made in `data` if missing.

    Returns JSON: "annotations", "a", "b" (files), "metrics": name -> "a", "b" (values) and what
    `benchmark.released.compare.compare_released` says of a difference. Raises InputError for what cannot be read, for
    predictions of different data sets, and where nobody says what the annotations are.
    """
    files = {side: _predictions(path) for side, path in zip(SIDES, (a, b), strict=True)}
    if annotations is None:
        annotations = _annotations(list(files.values()), data)
    elif not annotations.exists():
        raise InputError(f"{annotations}: not found, expected annotations")
    found = resample_files(annotations, files, min(len(SIDES), os.cpu_count() or 1))
    differences = paired_differences([found["a"]], [found["b"]])
    metrics = {
        name: {side: rounded(found[side].points[name]) for side in SIDES} | difference_entry(difference)
        for name, difference in differences.items()
        if difference is not None
    }
    judge(list(metrics.values()))
    return {"annotations": str(annotations), **{side: str(path) for side, path in files.items()}, "metrics": metrics}


def in_words(comparison: Mapping[str, Any]) -> str:
    """One line a metric, then one that sums them up."""
    lines = [f"{comparison['a']} minus {comparison['b']}"]
    said: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for name, test in comparison["metrics"].items():
        said[test["verdict"]].append(name)
        values = f"{test['a']:.4f} − {test['b']:.4f} = {number_text(test['value'], 4)}"
        interval, p = interval_text(test["low"], test["high"], 4), p_text(test["p_value"], test["at_floor"])
        lines.append(f"  {name:15s} {values}  {interval}  p {p}  {test['verdict']}")
    words = "; ".join(f"{verdict} in {', '.join(names)}" for verdict, names in said.items() if names)
    lines.append(f"{words or 'nothing to compare'} (95 % intervals, p before, verdicts after Holm's adjustment)")
    return "\n".join(lines)


def failures(comparison: Mapping[str, Any], conditions: Sequence[Condition]) -> list[str]:
    """One line for each condition that holds. Raises InputError for one about a metric that was not compared."""
    lines = []
    for condition in conditions:
        test = comparison["metrics"].get(condition.metric)
        if test is None:
            known = ", ".join(comparison["metrics"])
            raise InputError(f"condition {condition.text!r}: found no {condition.metric}, expected one of {known}")
        if condition.holds(test["value"]):
            lines.append(f"failed: {condition.text}: {condition.metric} differs by {number_text(test['value'], 4)}")
    return lines


def _predictions(path: Path) -> Path:
    """The results file that `path` names: itself, or of a run its tuned reading's or else the first that it kept."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{path}: not found, expected the folder of a run or a results file")
    if not holds_run(path):
        raise InputError(f"{path}: found no {MANIFEST}, expected the folder of a run or a results file")
    for variant in (TUNED_VARIANT, *read_metrics(path)):
        kept = kept_predictions(path, variant)
        if kept is not None:
            return kept
    raise InputError(f"{path}: found no predictions, expected a run that kept some")


def _annotations(files: Sequence[Path], data: Path) -> Path:
    """Of the evaluation set of the runs that the results files lie in."""
    runs = [read_run(path.parent) for path in files if holds_run(path.parent)]
    if not runs:
        raise InputError(f"{files[0]}: lies in no run's folder, expected annotations beside results files")
    hashes = {run.name: run.dataset_hash for run in runs}
    if len(set(hashes.values())) > 1:
        raise InputError(f"{' and '.join(hashes)}: evaluated on different data sets, expected the same")
    described = runs[0].manifest.get("dataset") or {}
    if runs[0].evaluation_scenes is None:
        raise InputError(f"{runs[0].folder}: evaluated on other data than the benchmark's, expected its annotations")
    return evaluation_set(data, runs[0].evaluation_scenes, described["images"], described["seed"]).annotations_file
