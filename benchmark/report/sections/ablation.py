"""Ablation: one part of the embedding model replaced by the ground truth."""

from dataclasses import replace

from benchmark.report.paper_tables import beside_paper
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from benchmark.report.words import INTERVALS, READING

NOTES = (
    "One part of a trained model replaced by the ground truth. With ground-truth clustering the paper replaces the "
    "classes too: its numbers are those of its Table 2 with two layers, and stand beside our two layers of ground "
    "truth. A trained model whose pixels are clustered by the ground truth, but keep the classes that it predicts, has "
    "no number of the paper to stand beside.",
    "Ours are read by the post-processing of the variant default, with and without the replaced part. The paper's is "
    "another one, so that a difference from its numbers is one of post-processing as well; Table 1 has the paper's.",
    READING,
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    title = "Ablation: ground truth in place of one part"
    found = beside_paper(inputs.paper["ablation"], inputs.runs, title, NOTES)
    return [replace(table, folded=place > 0) for place, table in enumerate(found)]


SECTION = Section(
    "ablation",
    "Ablation",
    "Where the embedding model loses: one of its parts replaced by the ground truth.",
    tables=tables,
)
