"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere (logs, CI)."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

LINE_INTERVAL = 15.0
"""Seconds between two plain lines."""


class _PlainLines:
    """A stream for tqdm that turns each redrawn bar into a line of its own."""

    def write(self, text: str) -> None:
        line = text.strip("\r\n ")
        if line:
            print(line, file=sys.stderr, flush=True)

    def flush(self) -> None:
        sys.stderr.flush()


def progress(
    iterable: Iterable | None = None, *, total: int | None, description: str, unit: str, initial: int = 0
) -> Any:
    """A tqdm bar with rate and time left, on standard error; as plain lines when that is not a terminal."""
    options: dict[str, Any] = {"total": total, "desc": description, "unit": unit, "initial": initial}
    if sys.stderr.isatty():
        return tqdm(iterable, dynamic_ncols=True, **options)
    return tqdm(
        iterable,
        file=_PlainLines(),
        mininterval=LINE_INTERVAL,
        maxinterval=LINE_INTERVAL,
        bar_format="{desc}: {n_fmt}/{total_fmt} {unit}s, {rate_fmt}, {remaining} left{postfix}",
        **options,
    )
