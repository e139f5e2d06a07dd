"""What the first command prints: the verdict, and Tables 1 and 2 with the paper's numbers beside ours."""

import shutil
import textwrap
from collections.abc import Sequence

from benchmark.report.formats import UNDEFINED, format_number, metric_head
from benchmark.report.sections import table1, table2, verdict
from benchmark.report.sections.section import Inputs
from benchmark.report.tables import NOT_RUN, Row, Table

NARROWEST, WIDEST = 80, 120
"""Columns of text."""


def answer(inputs: Inputs, columns: int | None = None) -> str:
    """Sentences and tables as plain text. columns: of the terminal, None for those of the one it is."""
    width = min(max(columns or shutil.get_terminal_size((WIDEST, 24)).columns, NARROWEST), WIDEST)
    parts = [textwrap.fill(sentence, width) for sentence in verdict.sentences(inputs)]
    parts += [table_text(table) for section in (table1, table2) for table in section.tables(inputs)]
    return "\n\n".join(parts)


def table_text(table: Table) -> str:
    """A table in columns; below a row with numbers of the paper's stands a row with these."""
    heads = [metric_head(metric) for metric in table.metrics]
    lines = [["N", table.label_head, *heads]]
    for group, rows in table.groups.items():
        for place, row in enumerate(rows):
            lines.append(["" if place else group, row.label, *_ours(row)])
            if row.has_paper:
                lines.append(["", "  the paper", *(_number(value.paper) for value in row.values.values())])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join([table.title, *(_line(line, widths) for line in lines)])


def _ours(row: Row) -> list[str]:
    if not row.run:
        return [NOT_RUN, *[""] * (len(row.values) - 1)]
    return [_number(value.ours) for value in row.values.values()]


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else format_number(value)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Words from the left, numbers from the right."""
    left = f"{cells[0]:>{widths[0]}}  {cells[1]:<{widths[1]}}"
    return "  ".join([left, *(f"{cell:>{width}}" for cell, width in zip(cells[2:], widths[2:], strict=True))]).rstrip()
