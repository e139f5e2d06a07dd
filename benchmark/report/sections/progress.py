"""Budgets: what more training images bring."""

from dataclasses import replace

from benchmark.paper.settings import differences_from_paper
from benchmark.report.run_list import list_runs
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from benchmark.report.words import INTERVALS
from benchmark.runs.results import paper_folder

NOTES = (
    "For one model at a time: rows with different numbers of images do not compare models. The paper's numbers stand "
    "beside runs of as many images as it trains on.",
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    """A row for each trained run, where there are several budgets."""
    trained = [run for run in inputs.runs if run.trained and run.metrics]
    if len({run.tier_and_status for run in trained}) < 2:
        return []
    table = list_runs("Each model from budget to budget", trained, inputs.table1, NOTES)
    settings = paper_folder(inputs.results) / "settings.toml"
    return [replace(table, differences=tuple(differences_from_paper(settings, table.runs)))]


SECTION = Section("progress", "Budgets", "What more training images bring.", tables=tables)
