"""The report's tables as data; `formats` prints them, the page shows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmark.released.seeds import spread
from benchmark.report.facts import scenes_title
from benchmark.runs.record import ReleasedRun

NOT_RUN = "not run yet"

DIGITS = 4
"""Decimals in printed tables, as in the paper."""


@dataclass(frozen=True)
class Value:
    """One metric of one row. ours, paper: in [0, 1] or None. best: of ours, in its column and group.
    interval: 95 % bootstrap interval of ours. details: name -> text, printed below."""

    ours: float | None = None
    paper: float | None = None
    best: bool = False
    interval: tuple[float, float] | None = None
    details: dict[str, str] = field(default_factory=dict)

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, of the numbers as printed."""
        if self.ours is None or self.paper is None:
            return None
        return round(round(self.ours, DIGITS) - self.paper, DIGITS)


@dataclass(frozen=True)
class Row:
    """One row of a table. group: the scenes' label. run: where our numbers come from, None for "not run yet".
    others: further runs behind them: other seeds, or the other side of a comparison. values: metric -> value."""

    group: str
    label: str
    variant: str
    values: dict[str, Value]
    run: ReleasedRun | None = None
    others: tuple[ReleasedRun, ...] = ()

    @property
    def runs(self) -> tuple[ReleasedRun, ...]:
        """All that its numbers come from."""
        return (self.run, *self.others) if self.run else ()

    @property
    def has_paper(self) -> bool:
        return any(value.paper is not None for value in self.values.values())


@dataclass(frozen=True)
class Table:
    """lead: what it says in words, above it. notes: how to read it. differences: what its runs do unlike the paper's,
    which the page says once. tier: of all its runs, or None. ours: what our numbers are called. signed: they are
    differences. folded: whether the page shows it only to those who ask."""

    title: str
    label_head: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()
    tier: str | None = None
    ours: str = "ours"
    signed: bool = False
    folded: bool = False

    @property
    def runs(self) -> list[ReleasedRun]:
        """The runs that its numbers come from, in order of appearance."""
        return list({run.name: run for row in self.rows for run in row.runs}.values())

    @property
    def groups(self) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.group, []).append(row)
        return groups

    @property
    def cautions(self) -> list[str]:
        """A warning for each group whose runs were evaluated on different data."""
        said = []
        for group, rows in self.groups.items():
            hashes = {run.dataset_hash for row in rows for run in row.runs}
            if len(hashes) > 1:
                said.append(
                    f"Caution: the runs at {scenes_title(group)} were evaluated on {len(hashes)} different datasets."
                )
        return said


def measured(
    run: ReleasedRun | None, variant: str, metrics: Iterable[str], paper: Mapping[str, float] | None = None
) -> dict[str, Value]:
    """The metrics of a run's variant with their intervals, beside the paper's numbers where there are any."""
    ours = run.metrics[variant] if run else {}
    return {
        metric: Value(
            ours.get(metric), (paper or {}).get(metric), interval=run.interval(variant, metric) if run else None
        )
        for metric in metrics
    }


def measured_row(
    group: str, label: str, readings: Sequence[tuple[ReleasedRun, str]], metrics: Iterable[str],
    paper: Mapping[str, float] | None = None,
) -> Row:  # fmt: skip
    """The row of runs that differ in their seed alone, each read by its variant: the mean of several, and their
    standard deviation in place of an interval. Without a run it is "not run yet"."""
    if len(readings) < 2:
        run, variant = readings[0] if readings else (None, "")
        return Row(group, label, variant, measured(run, variant, metrics, paper), run)
    values = {}
    for metric in metrics:
        found = [run.metrics[variant].get(metric) for run, variant in readings]
        known = [value for value in found if value is not None]
        ours, details = None, {}
        if len(known) == len(found):
            over = spread(known)
            ours, details = over.mean, {f"sd of {over.runs} seeds": f"{over.deviation:.{DIGITS}f}"}
        values[metric] = Value(ours, (paper or {}).get(metric), details=details)
    (run, variant), *others = readings
    label += seeds_text(len(readings))
    return Row(group, label, variant, values, run, tuple(other for other, _ in others))


def seeds_text(runs: int) -> str:
    """What the label of so many runs ends in that differ in their seed alone."""
    return f", {runs} seeds" if runs > 1 else ""


def mark_best(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Bold marks per group and column, where at least two rows are measured; ties as printed share the mark."""
    marked = []
    for row in rows:
        rivals = [other for other in rows if other.group == row.group and other.run]
        values = {}
        for metric, value in row.values.items():
            ours = [round(number, DIGITS) for r in rivals if (number := r.values[metric].ours) is not None]
            best = len(ours) > 1 and value.ours is not None and round(value.ours, DIGITS) == max(ours)
            values[metric] = replace(value, best=best)
        marked.append(replace(row, values=values))
    return tuple(marked)


def letters(tables: Iterable[Table]) -> dict[str, tuple[str, ReleasedRun]]:
    """Name of each run in `tables` -> the letter of its footnote, in order of appearance, and the run."""
    runs = {run.name: run for table in tables for run in table.runs}
    return {name: (_letter(place), run) for place, (name, run) in enumerate(runs.items())}


def _letter(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    head, last = divmod(index, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + last)
