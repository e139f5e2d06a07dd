"""The folder of a run: the names of its files, and the one reader of each kind that is not the manifest.

Nothing else in the project knows these names. This file imports nothing of the benchmark but the types of what
the files hold, so that all of it may use it.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.runs import schema
from datasets.errors import InputError, one_line
from datasets.files import rounded, write_json

MANIFEST = "manifest.json"
METRICS = "metrics.json"
ANALYSIS = "analysis.json"
INITIAL_WEIGHTS = "initial_weights.json"
"""Which file of weights training started from, and which tensors of it did not fit."""

TUNED = "tuned.json"
"""The reading that was found best on the tuning scenes, and what it was chosen from."""

PICTURES = "pictures.npz"
"""What the report paints of the way from one image to instances (`benchmark.runs.pictures`)."""

METRIC_DIGITS = 10
"""Decimals of metrics in files: more than anyone prints, fewer than two machines agree on."""

TRAINING_LOG = "training_log.csv"
CHECKPOINT = "checkpoint.pt"
WEIGHTS = "weights.safetensors"


def holds_run(folder: Path) -> bool:
    """Whether `folder` is that of a run: whether it has a manifest."""
    return (folder / MANIFEST).exists()


def run_folders(parent: Path) -> list[Path]:
    """The folders of runs in `parent` by name, n6 before n12; none where `parent` does not exist."""
    return sorted((path.parent for path in parent.glob(f"*/{MANIFEST}")), key=_numbers_in_their_order)


def predictions_path(folder: Path, variant: str) -> Path:
    """Where the predictions of a variant are written."""
    return folder / f"predictions.{variant}.json.gz"


def kept_predictions(folder: Path, variant: str) -> Path | None:
    """The predictions of a variant that the folder holds, compressed or not; None where they were not kept."""
    paths = (predictions_path(folder, variant), folder / f"predictions.{variant}.json")
    return next((path for path in paths if path.exists()), None)


def read_metrics(folder: Path) -> dict[str, dict[str, float | None]]:
    """Metrics by variant and name, in [0, 1] or None where undefined; {} where the run was not evaluated yet.

    Raises InputError for a damaged file.
    """
    path = folder / METRICS
    return read_object(path, schema.Metrics) if path.exists() else {}


def write_metrics(folder: Path, metrics: Mapping[str, Mapping[str, float | None]]) -> None:
    """Write the metrics of all variants, to `METRIC_DIGITS` decimals."""
    write_json(folder / METRICS, rounded(metrics, METRIC_DIGITS))


def same_numbers(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same to `METRIC_DIGITS` decimals: all else is the last bits of a machine."""
    return rounded(a, METRIC_DIGITS) == rounded(b, METRIC_DIGITS)


def read_analysis(folder: Path) -> dict[str, dict[str, Any]]:
    """Summaries by variant (`benchmark.analysis.analyse.Analysis`), {} where the run was not analysed.

    Raises InputError for a damaged file.
    """
    path = folder / ANALYSIS
    return read_object(path, schema.Analysis) if path.exists() else {}


def write_analysis(folder: Path, summaries: Mapping[str, Mapping[str, Any]], *, keep: bool) -> None:
    """Write the summaries if that changes the file; `keep` what it says of other variants."""
    earlier = read_analysis(folder)
    merged = {**earlier, **summaries} if keep else summaries
    if merged != earlier:
        write_json(folder / ANALYSIS, merged)


def read_tuned(folder: Path) -> dict[str, Any]:
    """What `tune` found for the run (`benchmark.tuning.tune`). Raises InputError where it was never tuned."""
    path = folder / TUNED
    if not path.exists():
        raise InputError(f"{path}: not found, expected what `tune` writes")
    found = read_object(path)
    if "choice" not in found:
        raise InputError(f"{path}: found no 'choice', expected what `tune` writes")
    return found


def read_object(path: Path, content_type: Any = dict[str, Any]) -> Any:
    """The JSON object in a file. Raises InputError for anything else, FileNotFoundError where there is none.

    content_type: one of `benchmark.runs.schema`, which the content is checked against.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({one_line(error)})") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found a {type(content).__name__}, expected an object")
    schema.check_schema(content, content_type, path)
    return content


def is_main_process() -> bool:
    """Whether this process writes results: the only one, or the first that `torchrun` started."""
    return int(os.environ.get("RANK", 0)) == 0


def _numbers_in_their_order(folder: Path) -> list[tuple[int, str]]:
    """Sorts names part by part, their numbers by value."""
    parts = re.findall(r"\d+|\D+", folder.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
