"""What a run does differently from the paper, told by its manifest and ``results/paper/settings.toml``."""

import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.runs.record import ReleasedRun
from datasets.errors import InputError

_UNKNOWN = object()
"""Stands for the value of a hyperparameter that the code did not have yet when the run was made."""


def differences_from_paper(path: Path, runs: Sequence[ReleasedRun]) -> list[str]:
    """One line for each model and set of differences among `runs`: every setting with the paper's in brackets.

    Where runs of one model and preset differ from each other, their lines say which runs they are about.
    path: the paper's settings; a model that it does not list has no line. Raises InputError if it cannot be read.
    """
    try:
        models = tomllib.loads(path.read_text())
        found: dict[tuple[str, str], list[str]] = {}
        for run in runs:
            if run.model in models:
                differences = ", ".join(_differences(models[run.model], run))
                found.setdefault((f"{run.model} ({run.preset})", differences), []).append(run.name)
    except FileNotFoundError:
        raise InputError(f"{path}: not found, expected the paper's settings") from None
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    sets = Counter(name for name, _ in found)
    return [
        name + (f" in {', '.join(of_runs)}" if sets[name] > 1 else "") + f", unlike the paper's: {differences}."
        for (name, differences), of_runs in found.items()
    ]


def _differences(model: dict[str, Any], run: ReleasedRun) -> list[str]:
    found = list(model["also"])
    for setting in model["settings"]:
        value, paper = run.manifest.get("hyperparameters") or {}, setting["paper"]
        for part in setting["path"].split("."):
            value = value.get(part, setting.get("before", _UNKNOWN)) if isinstance(value, dict) else value
        if value not in (paper, _UNKNOWN, {}) and _text(value) != _text(paper):
            found.append(f"{setting['name']} {_text(value)}" + (f" ({_text(paper)})" if paper != [] else ""))
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(" ".join(map(_text, item)) if isinstance(item, list) else _text(item) for item in value)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:,}" if isinstance(value, int) else str(value)
