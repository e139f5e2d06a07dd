"""Which released runs a question is about: those beside an oracle, those with several ways to read."""

from collections.abc import Sequence

from benchmark.paper.tables import PaperTable
from benchmark.runs.record import ReleasedRun


def beside_oracle(runs: Sequence[ReleasedRun], ranking: PaperTable) -> list[tuple[ReleasedRun, dict[str, float]]]:
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
