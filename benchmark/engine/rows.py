"""The rows of a training log on disk: how far a run has come, and how its losses fell."""

import csv
import io
import math
from pathlib import Path

from datasets.errors import InputError
from datasets.files import write_atomically
from datasets.table import show

COLUMNS = ("images", "seconds")
"""What every row has besides the losses."""


def read_log(path: Path) -> list[dict[str, float]]:
    """The rows of a training log by column, [] where there is none.

    Raises InputError unless each has finite numbers in `COLUMNS`, those of images rising, and numbers elsewhere.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise InputError(f"{path}: found no text ({error}), expected a training log") from None
    try:
        reader = csv.DictReader(text.splitlines(), strict=True)
        names = reader.fieldnames or []
        if any(name not in names for name in COLUMNS) or len(set(names)) < len(names):
            raise InputError(f"{path}: line 1: found {show(names)}, expected columns with {' and '.join(COLUMNS)}")
        rows: list[dict[str, float]] = []
        for line, entry in enumerate(reader, 2):
            try:
                row = {name: float(value) if value else math.nan for name, value in entry.items()}
            except (TypeError, ValueError):
                row = {}
            images = row.get("images", math.nan)
            if not all(math.isfinite(row.get(name, math.nan)) and row[name] >= 0 for name in COLUMNS) or (
                rows and images <= rows[-1]["images"]
            ):
                raise InputError(
                    f"{path}: line {line}: found {show(list(entry.values()))}, expected numbers, those of images rising"
                )
            rows.append(row)
    except csv.Error as error:
        raise InputError(f"{path}: found no table ({error}), expected a training log") from None
    return rows


def write_log(path: Path, rows: list[dict[str, float]]) -> None:
    """Replace the log by at least one row; the last one names the columns."""
    write_atomically(path, lambda temporary: temporary.write_text(_as_csv(rows), newline=""))


def _as_csv(rows: list[dict[str, float]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[-1]), restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({key: _as_text(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _as_text(value: float) -> str:
    whole = math.isfinite(value) and value == int(value)
    return str(int(value)) if whole else f"{value:.6g}"
