"""The report's tables as data: which numbers of ours stand beside which of the paper's.

The paper's files say which model and variant each of their rows is compared with, so that nothing here knows one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from benchmark.paper.tables import ALL_METRICS, PaperTable, headline_variant, row_label
from benchmark.report.facts import facts, images_text, scenes_title
from benchmark.report.words import TABLE_NOTES, TABLE_TITLES
from benchmark.runs.manifest import SMOKE, TIERS, UNTRAINED
from benchmark.runs.record import PAPER_IMAGES, ReleasedRun

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
    note: the letter of the footnote that describes the run. values: metric -> value."""

    group: str
    label: str
    variant: str
    values: dict[str, Value]
    run: ReleasedRun | None = None
    note: str = ""

    @property
    def has_paper(self) -> bool:
        return any(value.paper is not None for value in self.values.values())


@dataclass(frozen=True)
class Table:
    """name: of the files. lead: what it says in words, above it. notes: how to read it. footnotes: letter -> facts of a
    run. tier: of all its runs, or None. ours: what our numbers are called. signed: they are differences."""

    name: str
    title: str
    label_head: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    footnotes: dict[str, str]
    tier: str | None = None
    ours: str = "ours"
    signed: bool = False
    lead: tuple[str, ...] = ()

    @property
    def runs(self) -> list[ReleasedRun]:
        """The runs that its numbers come from, in order of appearance."""
        return list({row.run.name: row.run for row in self.rows if row.run}.values())

    @property
    def groups(self) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = {}
        for row in self.rows:
            groups.setdefault(row.group, []).append(row)
        return groups


def compare(paper: PaperTable, runs: Sequence[ReleasedRun]) -> list[Table]:
    """The paper's table filled in with runs: one table per budget tier that has runs of every side.

    While no tier has, there is one table, of the tier with most sides. Smoke tests never stand beside the paper.
    Tiers with more images come first.
    """
    runs = [run for run in runs if run.metrics and run.tier != SMOKE]
    side_of = dict(zip(paper.rows["run_model"], paper.rows["side"], strict=True))
    sides: dict[str, set[str]] = {}
    for run in sorted(runs, key=lambda run: -run.images_seen):
        if run.model in side_of:
            sides.setdefault(run.tier_and_status, set()).add(side_of[run.model])
    complete = [tier for tier, found in sides.items() if found == set(side_of.values())]
    shown = complete or sorted(sides, key=lambda tier: -len(sides[tier]))[:1] or [None]
    return [_compare_tier(paper, [run for run in runs if run.tier_and_status == tier], tier) for tier in shown]


def list_runs(name: str, runs: Sequence[ReleasedRun], paper: PaperTable) -> Table:
    """One row a run, by its headline variant; the paper's numbers stand beside a run of the paper's budget only."""
    ordered = sorted(
        filter(lambda r: r.metrics, runs),
        key=lambda r: (_group_key(r.scenes), r.model, r.preset, r.layers, r.images_seen, r.name),
    )
    rows = []
    for run in ordered:
        variant = headline_variant(run, paper)
        label = paper.variant_label(run, variant)
        numbers = _paper_numbers(paper, run, variant) if run.tier == TIERS[PAPER_IMAGES] and not run.stopped else {}
        rows.append(_row(run.scenes, f"{label}, {images_text(run)}", variant, paper.metrics, run, numbers))
    return _table(name, TABLE_TITLES[name], "Run", paper.metrics, rows)


def list_variants(runs: Sequence[ReleasedRun]) -> Table:
    """Every variant of every run with every metric."""
    ordered = sorted(runs, key=lambda run: (_group_key(run.scenes), run.name))
    rows = [_row(run.scenes, f"{run.name}, {v}", v, ALL_METRICS, run) for run in ordered for v in run.metrics]
    rows += [_row(run.scenes, run.name, "", ALL_METRICS) for run in ordered if not run.metrics]
    return _table("runs", TABLE_TITLES["runs"], "Run", ALL_METRICS, rows)


def _compare_tier(paper: PaperTable, runs: list[ReleasedRun], tier: str | None) -> Table:
    rows: list[Row] = []
    for group, of_group in paper.rows.groupby("instances_per_class", sort=False):
        here = [run for run in runs if run.scenes == group]
        for model, of_model in of_group.groupby("run_model", sort=False):
            rows += _model_rows(paper, of_model, [run for run in here if run.model == model])
        if of_group["side"].nunique() > 1:  # a comparison of models, open to others
            for run in here:
                if run.trained and run.model not in set(of_group["run_model"]):
                    rows += _unlisted_rows(paper, of_group, run)
    title = TABLE_TITLES[paper.name]
    if tier not in (None, UNTRAINED):
        title += f" (tier {tier}: {max(run.images_seen for run in runs):,} training images)"
    return _table(paper.name, title, paper.label_head, paper.metrics, mark_best(rows), tier)


def _model_rows(paper: PaperTable, listed: pd.DataFrame, runs: list[ReleasedRun]) -> list[Row]:
    """The paper's rows of one model at one N, once per run that repeats them, then runs with other layers."""
    entries = listed.to_dict("records")
    same = [run for run in runs if all(entry["run_layers"] in ("", str(run.layers)) for entry in entries)]
    rows = []
    for run in same or [None]:
        for entry in entries:
            measured = run if run and entry["run_variant"] in run.metrics else None
            numbers = _numbers(paper, entry)
            label = row_label(entry["row"], entry["run_layers"], run)
            rows.append(
                _row(entry["instances_per_class"], label, entry["run_variant"], paper.metrics, measured, numbers)
            )
    for run in runs:
        if run not in same:
            rows += [
                _row(run.scenes, row_label(entry["row"], run.layers, run), entry["run_variant"], paper.metrics, run)
                for entry in entries
                if entry["run_variant"] in run.metrics
            ]
    return rows


def _unlisted_rows(paper: PaperTable, listed: pd.DataFrame, run: ReleasedRun) -> list[Row]:
    """A model that the paper does not have: its variants that the table names, else its best one."""
    named = [variant for variant in run.metrics if variant in set(listed["run_variant"])]
    return [
        _row(run.scenes, paper.variant_label(run, variant), variant, paper.metrics, run)
        for variant in named or [headline_variant(run, paper)]
    ]


def _paper_numbers(paper: PaperTable, run: ReleasedRun, variant: str) -> dict[str, float]:
    """What the paper has for the run's scenes, model, layers and variant; empty where it has nothing."""
    rows = paper.rows
    same = (rows["instances_per_class"] == run.scenes) & (rows["run_model"] == run.model)
    same &= rows["run_layers"].isin(["", str(run.layers)]) & (rows["run_variant"] == variant)
    entries = rows[same].to_dict("records")
    return _numbers(paper, entries[0]) if entries else {}


def _numbers(paper: PaperTable, entry: dict[str, Any]) -> dict[str, float]:
    """The metrics of a row of the paper; NaN is one that it does not print."""
    return {metric: entry[metric] for metric in paper.metrics if not pd.isna(entry[metric])}


def _row(group, label, variant, metrics, run=None, paper=None) -> Row:
    ours = run.metrics[variant] if run else {}
    values = {
        metric: Value(
            ours.get(metric), (paper or {}).get(metric), interval=run.interval(variant, metric) if run else None
        )
        for metric in metrics
    }
    return Row(group, label, variant, values, run)


def mark_best(rows: list[Row]) -> list[Row]:
    """Bold marks per group and column, where at least two rows are measured; ties as printed share the mark."""
    marked = []
    for row in rows:
        rivals = [other for other in rows if other.group == row.group and other.run]
        values = {}
        for metric, value in row.values.items():
            ours = [round(r.values[metric].ours, DIGITS) for r in rivals if r.values[metric].ours is not None]
            best = len(ours) > 1 and value.ours is not None and round(value.ours, DIGITS) == max(ours)
            values[metric] = replace(value, best=best)
        marked.append(replace(row, values=values))
    return marked


def with_footnotes(table: Table) -> Table:
    """Add a footnote for each run, lettered in the order of appearance, and a warning where datasets differ."""
    letters: dict[str, str] = {}
    footnotes = {}
    lettered = []
    for row in table.rows:
        if row.run:
            if row.run.name not in letters:
                letters[row.run.name] = _letter(len(letters))
                footnotes[letters[row.run.name]] = f"{row.run.name}: {facts(row.run)}."
            row = replace(row, note=letters[row.run.name])
        lettered.append(row)
    notes = list(table.notes)
    for group, rows in table.groups.items():
        hashes = {row.run.dataset_hash for row in rows if row.run}
        if len(hashes) > 1:
            notes.append(
                f"Caution: the runs at {scenes_title(group)} were evaluated on {len(hashes)} different datasets."
            )
    return replace(table, rows=tuple(lettered), notes=tuple(notes), footnotes=footnotes)


def _table(name, title, label_head, metrics, rows, tier=None) -> Table:
    return with_footnotes(Table(name, title, label_head, metrics, tuple(rows), TABLE_NOTES[name], {}, tier))


def _letter(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    head, last = divmod(index, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + last)


def _group_key(label: str) -> tuple:
    """Numbers before words, in their order."""
    return (0, int(label), "") if label.isdigit() else (1, 0, label)
