"""Ablation: one part of the embedding model replaced by the ground truth."""

from benchmark.report.paper_tables import beside_paper
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from benchmark.report.words import INTERVALS, READING

NOTES = (
    "One part of a trained model replaced by the ground truth. The paper's numbers for ground-truth clustering are "
    "those of its Table 2 with two layers.",
    READING,
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    title = "Ablation: ground truth in place of one part"
    return beside_paper(inputs.paper["ablation"], inputs.runs, title, NOTES)


SECTION = Section(
    "ablation",
    "Ablation",
    "Where the embedding model loses: one of its parts replaced by the ground truth.",
    tables=tables,
)
