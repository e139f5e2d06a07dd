"""Which released runs a question is about: those beside an oracle, those with several ways to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.paper.tables import PaperTable
from benchmark.released.outcomes import telling_variants
from benchmark.released.regimes import REGIMES, choose
from benchmark.runs.folder import kept_predictions
from benchmark.runs.manifest import SMOKE
from benchmark.runs.record import ReleasedRun


def beside_oracle(
    runs: Sequence[ReleasedRun], ranking: PaperTable
) -> list[tuple[ReleasedRun, dict[str, float | None]]]:
    """(run, metrics of the oracle with as many layers on the same data) of trained runs of models with layers."""
    oracles = {
        (run.dataset_hash, layers): run.metrics[variant]
        for run in runs
        for layers, variant in oracle_variants(run).items()
    }
    layered = set(ranking.rows["run_model"][ranking.rows["run_layers"] != ""])
    found = [
        (run, oracles[run.dataset_hash, run.layers])
        for run in runs
        if run.trained and run.metrics and run.model in layered and (run.dataset_hash, run.layers) in oracles
    ]
    return sorted(found, key=lambda entry: (_number(entry[0].scenes), -entry[0].images_seen, entry[0].layers))


def oracle_variants(run: ReleasedRun) -> dict[int, str]:
    """Number of layers -> the variant that holds so many layers of ground truth; {} for a run that is no oracle."""
    if run.trained:
        return {}
    layers = {run.reading(variant).layers: variant for variant in run.metrics}
    return {number: variant for number, variant in layers.items() if number is not None}


def families_of(runs: Sequence[ReleasedRun]) -> list[tuple[ReleasedRun, dict[str, dict[str, float | None]]]]:
    """(run, family -> variant -> number) of trained runs with several families of variants, by scenes.

    A variant without a number is a family by itself, and belongs here only beside a family with numbers.
    """
    found = []
    for run in runs:
        families: dict[str, dict[str, float | None]] = {}
        for variant in run.metrics if run.trained else ():
            reading = run.reading(variant)
            families.setdefault(reading.family, {})[variant] = reading.number
        if len(families) > 1 and any(len(variants) > 1 for variants in families.values()):
            found.append((run, families))
    return sorted(found, key=lambda entry: _number(entry[0].scenes))


def _number(label: str) -> tuple[bool, int]:
    return (not label.isdigit(), int(label) if label.isdigit() else 0)


def shown_variants(run: ReleasedRun, paper: Mapping[str, PaperTable]) -> list[str]:
    """The variants whose predictions are worth their space: those that a table, a plot or the verdict shows by itself.

    These are the ones that the paper's tables name, the readings of both regimes, the best of each family, and those
    that tell why instances are lost. None of a smoke test, which shows that the code runs and nothing else.
    """
    if run.tier == SMOKE:
        return []
    named = {variant for table in paper.values() for variant in table.rows["run_variant"]}
    shown = {variant for variant in run.metrics if variant in named}
    for regime in REGIMES:
        if choice := choose(regime, run, paper["table1"]):
            shown |= {choice.variant, *telling_variants(run, choice.variant).values()}
    for _, families in families_of([run]):
        for family in families.values():
            shown.add(max(family, key=lambda name: run.metrics[name].get("AP") or 0.0))
    return [variant for variant in run.metrics if variant in shown]


def unshown_predictions(runs: Sequence[ReleasedRun], paper: Mapping[str, PaperTable]) -> list[Path]:
    """The kept predictions of all other variants, which may be deleted: their metrics stay."""
    return [
        path
        for run in runs
        for variant in run.metrics
        if variant not in shown_variants(run, paper) and (path := kept_predictions(run.folder, variant))
    ]
