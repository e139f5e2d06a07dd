"""Do the released numbers still hold? Recomputes them and compares with ``results/expected.json``."""

from pathlib import Path
from typing import Any

import pandas as pd
from typing_extensions import TypedDict

from benchmark.evaluation.sets import evaluation_set
from benchmark.released.evaluate import evaluate_released, evaluate_untrained
from benchmark.released.repredict import predict_again, smoke_tests
from benchmark.runs.folder import read_metrics, read_object
from benchmark.runs.results import is_of_study, runs_folder
from datasets.errors import InputError
from datasets.files import write_json
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS


class Expected(TypedDict):
    """``results/expected.json``."""

    tolerances: dict[str, float]
    datasets: dict[str, str]
    metrics: dict[str, Any]


TOLERANCES = {"AP": 1e-6, "order_accuracy": 1e-6, "default": 1e-6}
"""Written to a new expected.json; a person may widen one there for a reason, and it is kept."""


def verify(results: Path, data: Path, *, update: bool = False) -> int:
    """Recompute dataset hashes, Table 2 and the metrics of released predictions; 0 if all agree, else 1.

    In the folder of a study, the metrics alone, and where nothing else is expected, those that its runs state.
    Prints a table of differences. Also predicts a few images again from every weights file and compares detections
    with the kept ones (`benchmark.released.repredict`). update: write what was found as the new expectation instead.
    """
    path = results / "expected.json"
    of_study = is_of_study(results)
    expected = read_object(path, Expected) if path.exists() else {}
    if not (expected or of_study or update):
        raise InputError(f"{path}: missing, expected the numbers to compare with; `verify --update` writes it")
    found = recompute_runs(results, data) if of_study else recompute(results, data)
    if of_study and not expected:
        metrics = {name: read_metrics(results / name) for name in found["metrics"]}
        if not metrics:
            raise InputError(f"{results}: found no run with predictions, expected a results folder or that of a study")
        expected = {"tolerances": TOLERANCES, "datasets": found["datasets"], "metrics": metrics}
    if update:
        write_json(path, {"tolerances": expected.get("tolerances", TOLERANCES), **found})
        print(f"{path}: written")
        return 0
    rows = differences(expected, found)
    if untold := smoke_tests(runs_folder(results)):
        print(f"not predicted again, being smoke tests, which decide by rounding: {', '.join(untold)}")
    changed = [agreement for agreement in predict_again(runs_folder(results), data) if not agreement.holds]
    for agreement in changed:
        print(f"predicted again: {agreement.in_words}")
    if rows:
        print(pd.DataFrame(rows, columns=["what", "expected", "found", "tolerance"]).to_string(index=False))
        print(f"{len(rows)} of the released numbers no longer hold")
    if changed:
        print(f"{len(changed)} models and variants no longer give the predictions that were kept")
    if rows or changed:
        return 1
    print(f"verified: {len(_flat(found))} numbers and hashes hold")
    return 0


def recompute(results: Path, data: Path) -> dict[str, Any]:
    """{"datasets": content hash by label, "metrics": by run, variant and name}."""
    datasets: dict[str, Any] = {}
    metrics: dict[str, Any] = {}
    for instances_per_class in EVALUATION_INSTANCES_PER_CLASS:
        dataset = evaluation_set(data, SceneParameters.uniform(instances_per_class))
        dataset.check_content()
        datasets[str(instances_per_class)] = dataset.info["content_hash"]
        metrics |= evaluate_untrained(dataset)
    for folder in ("released", "figure3"):
        metrics |= evaluate_released(results / folder, data)
    return {"datasets": datasets, "metrics": metrics}


def recompute_runs(folder: Path, data: Path) -> dict[str, Any]:
    """The same of the runs in `folder` alone."""
    return {"datasets": {}, "metrics": evaluate_released(folder, data)}


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[tuple[str, Any, Any, float]]:
    """(what, expected, found, tolerance) of every number or hash that is missing, new, or off by more than allowed."""
    tolerances = expected["tolerances"]
    left, right = _flat(expected), _flat(found)
    rows = []
    for key in [*left, *(key for key in right if key not in left)]:
        tolerance = tolerances.get(key[-1], tolerances["default"])
        wanted, got = left.get(key, "not expected"), right.get(key, "not found")
        numbers = isinstance(wanted, float | int) and isinstance(got, float | int)
        if not (abs(wanted - got) <= tolerance if numbers else wanted == got):
            rows.append((" ".join(key), wanted, got, tolerance))
    return rows


def _flat(document: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    """Leaves of "datasets" and "metrics" by their path."""
    leaves: dict[tuple[str, ...], Any] = {}

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, (*path, key))
        else:
            leaves[path] = value

    for part in ("datasets", "metrics"):
        walk(document.get(part, {}), (part,))
    return leaves
