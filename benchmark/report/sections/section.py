"""What a section of the report is, and what all sections are made from.

A section is one file beside this one and one line in `benchmark.report.sections`. It says what it shows as functions of
the `Inputs`, so that whoever wants only its tables draws no plots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from benchmark.paper.tables import PaperTable, read_paper
from benchmark.released.outcomes import Evaluation, Outcome, read_outcomes
from benchmark.released.regimes import REGIMES, Choice, Regime, choose
from benchmark.released.seeds import mean_of, seed_groups
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report.facts import scenes_title
from benchmark.report.page.parts import Failures, Gallery, PanelRow
from benchmark.report.plots import Looks, Plot, looks
from benchmark.report.tables import Table, seeds_text
from benchmark.runs.folder import read_object
from benchmark.runs.record import ReleasedRun, read_runs
from benchmark.runs.results import figure3_folder, paper_folder, runs_folder
from datasets.errors import InputError

COMPARISONS = "comparisons.json"

Comparison = dict[str, Any]
"""An entry of ``comparisons.json`` (`benchmark.released.compare.compare_released`)."""


class Analysed(NamedTuple):
    """A run read by one of its variants, and what its analysis says of that. others: runs that differ from it in their
    seed alone; the summary is then the mean of all of them."""

    run: ReleasedRun
    variant: str
    summary: dict[str, Any]
    others: tuple[ReleasedRun, ...] = ()

    def label(self, inputs: "Inputs") -> str:
        """For a plot, which names no variant."""
        return inputs.table1.run_label(self.run) + seeds_text(1 + len(self.others))

    def label_with_variant(self, inputs: "Inputs") -> str:
        """For a row of a table, which has runs of several budgets."""
        label = inputs.table1.variant_label(self.run, self.variant)
        return f"{label}, {self.run.tier_and_status}{seeds_text(1 + len(self.others))}"


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything that the report reads, each once. Equal to itself alone, so that functions of it can be cached.

    results: the folder with ``paper/`` and ``released/``, or that of a study. data_folder: where evaluation sets are,
    or are made if missing; None leaves out what needs them. paper: its tables by name. runs: all released ones.
    """

    results: Path
    data_folder: Path | None
    paper: dict[str, PaperTable]
    runs: list[ReleasedRun]

    @classmethod
    def read(cls, results: Path, data_folder: Path | None = None) -> Self:
        """Raises InputError for a broken run or paper file."""
        return cls(results, data_folder, read_paper(paper_folder(results)), read_runs(runs_folder(results)))

    @cached_property
    def figure3_runs(self) -> list[ReleasedRun]:
        """The runs that Fig. 3 shows; in the folder of a study all of its runs may be some."""
        folder = figure3_folder(self.results)
        return self.runs if folder == runs_folder(self.results) else read_runs(folder)

    @property
    def table1(self) -> PaperTable:
        """The paper's comparison of models."""
        return self.paper["table1"]

    @cached_property
    def sides(self) -> dict[str, str]:
        """Model of the paper's comparison -> its side."""
        return dict(zip(self.table1.rows["run_model"], self.table1.rows["side"], strict=True))

    @cached_property
    def looks(self) -> Looks:
        return looks(list(self.sides), self.runs)

    def run(self, name: str) -> ReleasedRun:
        """The released run of that name."""
        return self._by_name[name]

    def reading(self, run: ReleasedRun, regime: Regime) -> Choice | None:
        """How the regime reads a run, None where it cannot."""
        return choose(regime, run, self.table1)

    def analysed(self, regime: Regime) -> list[Analysed]:
        """The trained runs whose reading in the regime was analysed, by scenes, largest budget first.

        Runs that differ in their seed alone are one.
        """
        found: dict[str, tuple[str, dict[str, Any]]] = {}
        for run in self.runs:
            choice = self.reading(run, regime) if run.trained and run.metrics else None
            if choice and choice.variant in run.analysis:
                found[run.name] = choice.variant, run.analysis[choice.variant]
        groups = [
            Analysed(run, found[run.name][0], mean_of([found[one.name][1] for one in (run, *others)]), tuple(others))
            for run, *others in seed_groups([run for run in self.runs if run.name in found])
        ]
        return sorted(groups, key=lambda one: (scenes_key(one.run.scenes), -one.run.images_seen, one.run.model))

    def comparisons(self, name: str) -> dict[Regime, list[Comparison]]:
        """Regime -> the comparisons called `name`; {} without the file.

        Raises InputError where a comparison names a run that is not released.
        """
        found = self._comparisons.get(name, {})
        return {regime: found[regime] for regime in REGIMES if found.get(regime)}

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """Evaluation sets with the matched predictions of each run as the paper reads it; none without data folder.

        Of runs that differ in their seed alone, the first stands for all.
        """
        shown = [group[0] for group in seed_groups(self.runs)]
        return read_outcomes(self.data_folder, shown, self.table1) if self.data_folder else []

    @cached_property
    def trained_outcomes(self) -> list[Outcome]:
        """Those of trained runs, over all evaluation sets."""
        return [outcome for of_set in self.evaluations for outcome in of_set.outcomes if outcome.run.trained]

    @cached_property
    def best_outcomes(self) -> list[Outcome]:
        """Those of trained runs, each read at its best, over all evaluation sets."""
        return [outcome for of_set in self.evaluations for outcome in of_set.best.values()]

    @cached_property
    def threshold_sweeps(self) -> list[list[Outcome]]:
        """For each trained run the reading of the paper, or every NMS threshold that the paper's Table 1 names."""
        return [
            of_set.sweeps[outcome.run.name]
            for of_set in self.evaluations
            for outcome in of_set.outcomes
            if outcome.run.trained
        ]

    @cached_property
    def _by_name(self) -> dict[str, ReleasedRun]:
        return {run.name: run for run in self.runs}

    @cached_property
    def _comparisons(self) -> dict[str, Any]:
        path = self.results / COMPARISONS
        found = read_object(path) if path.exists() else {}
        for of_name in found.values():
            if not isinstance(of_name, dict):
                raise InputError(f"{path}: found no regimes, made by an earlier version; run the default command again")
            for entry in (entry for entries in of_name.values() for entry in entries):
                for name in (*entry["a"]["runs"], *entry["b"]["runs"]):
                    if name not in self._by_name:
                        raise InputError(f"{path}: run {name!r}: not released; run the default command again")
        return found


def by_condition(inputs: Inputs, chosen: Callable[[Analysed], Any] = lambda one: True) -> dict[str, list[Analysed]]:
    """The `chosen` readings that are compared with each other, by a title that names N, tier and regime. The regimes
    of one N and tier are neighbours, larger budgets come first."""
    groups: dict[tuple[str, str], dict[Regime, list[Analysed]]] = {}
    for regime in REGIMES:
        for one in sorted(filter(chosen, inputs.analysed(regime)), key=lambda one: -one.run.images_seen):
            groups.setdefault((one.run.tier_and_status, one.run.scenes), {}).setdefault(regime, []).append(one)
    return {
        f"{scenes_title(scenes)}, tier {tier}, {REGIME_WORDS[regime]}": here
        for (tier, scenes), of_regime in groups.items()
        for regime, here in of_regime.items()
    }


OTHER_BUDGETS = "The same at other budgets"
"""Title of the fold around a plot of what `at_main_budgets` leaves out."""


def at_main_budgets(inputs: Inputs, groups: dict[str, list[Analysed]]) -> dict[str, list[Analysed]]:
    """Those of the groups of `by_condition` that hold both of the paper's sides; all where none does."""
    sides = set(inputs.sides.values())
    found = {title: of for title, of in groups.items() if {inputs.sides.get(one.run.model) for one in of} >= sides}
    return found or groups


def scenes_key(label: str) -> tuple[int, int, str]:
    """Sorts labels of scenes: numbers before words, in their order."""
    return (0, int(label), "") if label.isdigit() else (1, 0, label)


def _nothing(inputs: Inputs) -> Sequence[Any]:
    return ()


@dataclass(frozen=True)
class Section:
    """One part of the report. anchor: its name on the page and that of its table files. text: what it is about.

    lead: what it finds, in sentences. tables, plots, pictures, galleries, failures: what it shows; a section with
    nothing to show is left out. prints: figures that are written beside the page as PDF and not shown, being pictures
    that it shows in another form. legend: colours and what they mean. folded: whether the page shows all but its title
    only to those who ask. menu: what the navigation calls it, the title if empty.
    """

    anchor: str
    title: str
    text: str
    lead: Callable[[Inputs], Sequence[str]] = _nothing
    tables: Callable[[Inputs], Sequence[Table]] = _nothing
    plots: Callable[[Inputs], Sequence[Plot]] = _nothing
    pictures: Callable[[Inputs], Sequence[PanelRow]] = _nothing
    galleries: Callable[[Inputs], Sequence[Gallery]] = _nothing
    failures: Callable[[Inputs], Sequence[Failures]] = _nothing
    prints: Callable[[Inputs], Sequence[Plot]] = _nothing
    legend: Sequence[tuple[str, str]] = ()
    folded: bool = False
    menu: str = ""
