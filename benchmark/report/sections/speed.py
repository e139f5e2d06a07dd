"""Speed: how fast the benchmark's parts are, each against what one would use otherwise."""

from collections.abc import Sequence

from benchmark.report.sections.section import Inputs, Section

FILE = "speed.md"
"""In the folder of results, written by the command `speed`."""

CELLS = 5


def lead(inputs: Inputs) -> Sequence[str]:
    """A sentence for each row of the table, and those that stand under it; none without the file."""
    path = inputs.results / FILE
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    compared = [row for row in rows[2:] if len(row) == CELLS]  # after the head and the line below it
    told = [
        f"{what}: {ratio} times as fast as {other} ({ours} against {takes})."
        for what, ours, other, takes, ratio in compared
    ]
    return [*told, *(line for line in lines if line.startswith(("Training ", "Machine: ")))] if told else []


SECTION = Section("speed", "Speed", "How fast the benchmark's parts are.", lead=lead, folded=True)
"""Shown only where somebody measured it."""
