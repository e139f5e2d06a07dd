"""Parameters for sbatch, checked before anything is submitted, and what a job needs unless they say otherwise."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmark.studies.study import StudyRun
from datasets.errors import InputError

DEFAULT_MINUTES = 24 * 60
"""Time limit of a job whose duration nobody has measured; submitit's own is five minutes."""

SHORTEST_MINUTES = 60

MEMORY_PER_CPU = "4G"

Value = int | str | bool

Reader = Callable[[str], Any]
"""Reads the value of a parameter, None for a bad one."""


def slurm_parameters(settings: Sequence[str]) -> dict[str, Value]:
    """submitit's parameters from NAME=VALUE texts. Raises InputError for a name or value that sbatch would refuse, or
    that submitit would choke on later: it computes with the time limit when a job is pre-empted.
    """
    parameters: dict[str, Value] = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        name = name.strip().removeprefix("--").replace("-", "_")
        if not separator or not text.strip():
            raise InputError(f"slurm parameter {setting}: expected NAME=VALUE, such as partition=gpu")
        if name in FIXED:
            raise InputError(f"slurm parameter {name}: {FIXED[name]}")
        if name not in PARAMETERS:
            raise InputError(f"slurm parameter {name}: not known, expected one of {', '.join(PARAMETERS)}")
        value = PARAMETERS[name](text.strip())
        if value is None:
            raise InputError(f"slurm parameter {name}: found {text}, expected {EXPECTED[PARAMETERS[name]]}")
        parameters[name] = value
    return parameters


def default_parameters(runs: Sequence[StudyRun], device: str | None, processes: int, seconds: float | None) -> dict:
    """What the neediest of `runs` needs: a core for each process that trains and each that draws scenes, memory by
    core, a GPU for each process unless it trains on the CPU, and twice the longest expected time.

    seconds: the expected time of the longest run, None if nobody has measured that.
    """
    workers = [run.run.preset.training.workers for run in runs if run.run.preset is not None]
    minutes = DEFAULT_MINUTES if seconds is None else max(SHORTEST_MINUTES, math.ceil(2 * seconds / 60))
    gpus = {"gpus_per_node": processes} if device == "cuda" or processes > 1 and device is None else {}
    cores = processes * (1 + max(workers, default=0))
    return {"time": minutes, "cpus_per_task": cores, "mem_per_cpu": MEMORY_PER_CPU, **gpus}


def with_defaults(asked: Mapping[str, Value], defaults: Mapping[str, Value]) -> dict[str, Value]:
    """`asked`, and of `defaults` what it leaves open: one way of asking for memory or GPUs replaces the others."""
    groups = ({"mem", "mem_per_cpu", "mem_per_gpu"}, {"gpus_per_node", "gpus_per_task", "gres"},
              {"cpus_per_task", "cpus_per_gpu"})  # fmt: skip
    decided = set(asked).union(*(group for group in groups if group & set(asked)))
    return {**{name: value for name, value in defaults.items() if name not in decided}, **asked}


def minutes(text: str) -> int | None:
    """Minutes, rounded up, of one of sbatch's forms of a time limit: minutes, minutes:seconds, hours:minutes:seconds,
    days-hours, days-hours:minutes and days-hours:minutes:seconds."""
    match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if match is None:
        return None
    days, *rest = match.groups()
    parts = [int(part) for part in rest if part is not None]
    if days is not None:
        hours, mins, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, mins, seconds = parts
    else:
        hours, (mins, seconds) = 0, (*parts, 0)[:2]
    total = math.ceil(((int(days or 0) * 24 + hours) * 60 + mins) + seconds / 60)
    return total or None


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _gpus(text: str) -> Value | None:
    """A number, or sbatch's type:number."""
    return _whole(text) or (text if re.fullmatch(r"[\w.-]+:[1-9]\d*", text) else None)


def _memory(text: str) -> str | None:
    return text if re.fullmatch(r"[1-9]\d*[KMGT]?B?", text) else None


def _exclusive(text: str) -> Value | None:
    known: dict[str, Value] = {"true": True, "user": "user", "mcs": "mcs"}
    return known.get(text)


def _text(text: str) -> str | None:
    return text if text.isprintable() else None


PARAMETERS: dict[str, Reader] = {
    "time": minutes,
    **dict.fromkeys(("cpus_per_task", "cpus_per_gpu", "signal_delay_s"), _whole),
    **dict.fromkeys(("gpus_per_node", "gpus_per_task"), _gpus),
    **dict.fromkeys(("mem", "mem_per_cpu", "mem_per_gpu"), _memory),
    "exclusive": _exclusive,
    **dict.fromkeys(
        ("partition", "account", "qos", "constraint", "exclude", "nodelist", "gres", "dependency", "comment",
         "mail_type", "mail_user", "wckey", "job_name"), _text,
    ),
}  # fmt: skip
"""Name -> what reads its value, None for a bad one. A test holds the names against submitit's."""

EXPECTED: dict[Reader, str] = {
    minutes: "a time limit such as 600 (minutes), 10:00:00 or 1-12:00:00",
    _whole: "a whole number above 0",
    _gpus: "a number of GPUs, or TYPE:NUMBER",
    _memory: "an amount such as 16G (megabytes without a unit)",
    _exclusive: "true, user or mcs",
    _text: "text in one line",
}

FIXED = {
    "nodes": "a run stays on one node",
    "ntasks_per_node": "a run is one task, which starts a process for each of its GPUs itself",
    "array_parallelism": "the number of runs at a time is that",
}
