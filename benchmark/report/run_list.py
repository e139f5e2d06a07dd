"""Tables with one row a run."""

from collections.abc import Sequence

from benchmark.paper.tables import PaperTable
from benchmark.released.regimes import choose
from benchmark.released.seeds import seed_groups
from benchmark.report.facts import images_text
from benchmark.report.paper_tables import paper_numbers
from benchmark.report.sections.section import scenes_key
from benchmark.report.tables import Table, measured_row
from benchmark.runs.manifest import TIERS
from benchmark.runs.record import PAPER_IMAGES, ReleasedRun


def list_runs(title: str, runs: Sequence[ReleasedRun], paper: PaperTable, notes: Sequence[str]) -> Table:
    """Each run as the paper reads it, those that differ in their seed alone as one.

    The paper's numbers stand beside a run of the paper's budget only.

    paper: its Table 1.
    """
    ordered = sorted(
        filter(lambda r: r.metrics, runs),
        key=lambda r: (scenes_key(r.scenes), r.model, r.preset, r.layers, r.images_seen, r.name),
    )
    rows = []
    for of_seeds in seed_groups(ordered):
        choices = [(run, choose("paper", run, paper)) for run in of_seeds]
        readings = [(run, choice.variant) for run, choice in choices if choice]
        if not readings:
            continue
        run, variant = readings[0]
        label = f"{paper.variant_label(run, variant)}, {images_text(run)}"
        whole = run.tier == TIERS[PAPER_IMAGES] and not run.stopped
        numbers = paper_numbers(paper, run, variant) if whole else {}
        rows.append(measured_row(run.scenes, label, readings, paper.metrics, numbers))
    return Table(title, "Run", paper.metrics, tuple(rows), tuple(notes))
