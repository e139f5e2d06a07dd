"""Everything measured: one row for each variant of each run."""

from benchmark.paper.tables import ALL_METRICS
from benchmark.report.sections.section import Inputs, Section, scenes_key
from benchmark.report.tables import Row, Table, measured
from benchmark.runs.manifest import SMOKE


def tables(inputs: Inputs) -> list[Table]:
    """Every variant of every run with every metric, smoke tests apart."""
    runs = sorted((run for run in inputs.runs if run.tier != SMOKE), key=lambda run: (scenes_key(run.scenes), run.name))
    rows = [
        Row(run.scenes, f"{run.name}, {variant}", variant, measured(run, variant, ALL_METRICS), run)
        for run in runs
        for variant in run.metrics
    ]
    rows += [Row(run.scenes, run.name, "", measured(None, "", ALL_METRICS)) for run in runs if not run.metrics]
    return [Table("Every run and variant", "Run", ALL_METRICS, tuple(rows))] if rows else []


SECTION = Section(
    "runs",
    "All runs",
    "Everything measured: one row for each variant of each run.",
    tables=tables,
    folded=True,
)
