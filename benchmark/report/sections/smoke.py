"""Smoke tests: tiny runs that show that the code runs."""

from benchmark.report.page.parts import Gallery
from benchmark.report.run_list import list_runs
from benchmark.report.scene_gallery import galleries_of
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from benchmark.runs.manifest import SMOKE

NOTES = ("A few hundred steps on small scenes: these numbers show that the code runs, and nothing about the models.",)

SCENES = 3
"""In the gallery; nobody wants to see more."""


def tables(inputs: Inputs) -> list[Table]:
    runs = [run for run in inputs.runs if run.tier == SMOKE and run.metrics]
    return [list_runs("Smoke tests", runs, inputs.table1, NOTES)] if runs else []


def galleries(inputs: Inputs) -> list[Gallery]:
    return galleries_of("smoke", inputs.evaluations, lambda run: run.tier == SMOKE, SCENES)


SECTION = Section(
    "smoke", "Smoke tests", "Tiny runs of the same code.", tables=tables, galleries=galleries, folded=True
)
