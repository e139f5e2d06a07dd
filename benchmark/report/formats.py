"""Tables as Markdown, LaTeX (booktabs) and CSV, and numbers as text. HTML is the business of the page's templates."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.released.verdict import interval_text
from benchmark.report.escape import latex, markdown, one_line
from benchmark.report.facts import facts
from benchmark.report.tables import DIGITS, NOT_RUN, Row, Table, Value, letters
from benchmark.runs.record import ReleasedRun

UNDEFINED = "–"
"""Printed where a metric has no value: a run without instances in the range, or a paper without the number."""

_LATEX_HEADS = {"AP50": "AP$_{50}$", "AP75": "AP$_{75}$", "AR100": "AR$_{100}$"}

Notes = Mapping[str, tuple[str, ReleasedRun]]
"""Run -> letter of its footnote, and the run (`tables.letters`)."""


def to_markdown(tables: Sequence[Table]) -> str:
    """GitHub-flavoured Markdown; a row beside the paper's takes three lines: ours, paper, difference.

    The footnotes on the runs stand once, below all tables.
    """
    noted = letters(tables)
    parts = [_markdown_table(table, noted) for table in tables]
    if noted:
        parts.append(
            "\n".join(
                f"- <sup>{letter}</sup> {markdown(f'{run.name}: {facts(run)}.')}" for letter, run in noted.values()
            )
        )
    return "\n\n".join(parts) + "\n"


def to_latex(tables: Sequence[Table]) -> str:
    """One ``table*`` per table, to be used with the package booktabs; the footnotes stand below the last one."""
    noted = letters(tables)
    last = len(tables) - 1
    return "\n\n".join(_latex_table(table, noted, place == last) for place, table in enumerate(tables)) + "\n"


def to_csv(tables: Sequence[Table]) -> str:
    """One line per row with full precision, the paper's numbers and differences, and where our numbers come from."""
    records = []
    for table in tables:
        for row in table.rows:
            run = row.run
            record: dict[str, Any] = {
                "table": one_line(table.title),
                "N": one_line(row.group),
                "row": one_line(row.label),
                "status": "measured" if run else NOT_RUN,
                "run": one_line(run.name) if run else None,
                "variant": one_line(row.variant),
                "tier": run.tier_and_status if run else None,
                "images_seen": str(run.images_seen) if run else None,
            }
            for metric, value in row.values.items():
                record[metric] = value.ours
                if value.interval is not None:
                    record[f"{metric}_low"], record[f"{metric}_high"] = value.interval
                record |= {f"{metric}_{name.replace(' ', '_')}": one_line(text) for name, text in value.details.items()}
                if any(other.has_paper for other in table.rows):
                    record[f"{metric}_paper"] = value.paper
                    record[f"{metric}_difference"] = value.difference
            records.append(record)
    return pd.DataFrame(records).to_csv(index=False, lineterminator="\n")


def format_number(number: float | None) -> str:
    return UNDEFINED if number is None else f"{number:.{DIGITS}f}"


def format_difference(number: float | None) -> str:
    """With its sign, a true minus included; none for zero."""
    if number is None:
        return UNDEFINED
    return _signed(number, DIGITS) if number else format_number(0.0)


def format_interval(interval: tuple[float, float] | None, signed: bool = False) -> str:
    """Three decimals, so that it reads as a hint of the fourth's worth; more where a bound would read as zero."""
    if interval is None:
        return UNDEFINED
    return interval_text(*interval, signed=signed)


def format_percent(share: float) -> str:
    """ "71 %", with a narrow space that does not break."""
    return f"{share:.0%}".replace("%", "\u202f%")


def metric_head(metric: str) -> str:
    return metric.replace("_", " ")


def markdown_line(cells: Sequence[str]) -> str:
    """A line of a table, from cells that are Markdown already."""
    return "| " + " | ".join(cells) + " |"


def _signed(number: float, digits: int) -> str:
    return f"{number:+.{digits}f}".replace("-", "−")


def _markdown_table(table: Table, noted: Notes) -> str:
    several = _has_several_lines(table)
    heads = ["N", markdown(table.label_head), *([""] if several else []), *map(metric_head, table.metrics)]
    aligns = ["--:", ":--", *([":--"] if several else []), *["--:"] * len(table.metrics)]
    lead = [*(f"- {markdown(said)}" for said in table.lead), ""] if table.lead else []
    lines = [f"**{markdown(table.title)}**", "", *lead, markdown_line(heads), markdown_line(aligns)]
    for group, rows in table.groups.items():
        for row in rows:
            first = markdown(group) if row is rows[0] else ""
            label = markdown(row.label) + (f" <sup>{_marks(row, noted)}</sup>" if row.run else "")
            for name, cells in _lines_of(table, row, markdown, "**{}**".format):
                head = [first, label, *([markdown(name)] if several else [])]
                lines.append(markdown_line(head + (cells or [NOT_RUN] + [UNDEFINED] * (len(table.metrics) - 1))))
                first = label = ""
    remarks = [f"- {markdown(note)}" for note in _notes(table)]
    return "\n".join([*lines, "", *remarks]).rstrip()


def _latex_table(table: Table, noted: Notes, last: bool) -> str:
    several = _has_several_lines(table)
    heads = ["$N$", latex(table.label_head), *([""] if several else [])]
    heads += [_LATEX_HEADS.get(metric, latex(metric_head(metric))) for metric in table.metrics]
    lines = [
        r"\begin{table*}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{latex(re.sub(r'^Table [0-9]+: ', '', table.title))}}}",  # LaTeX numbers it
        rf"\begin{{tabular}}{{rl{'l' * several}{'r' * len(table.metrics)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
    ]
    for group, rows in table.groups.items():
        lines.append(r"\midrule")
        for row in rows:
            if row is not rows[0] and several:
                lines.append(r"\addlinespace")
            first = latex(group) if row is rows[0] else ""
            label = latex(row.label) + (rf"\textsuperscript{{{_marks(row, noted)}}}" if row.run else "")
            for name, cells in _lines_of(table, row, latex, r"\textbf{{{}}}".format):
                head = [first, label, *([latex(name)] if several else [])]
                body = cells or [rf"\multicolumn{{{len(table.metrics)}}}{{c}}{{{NOT_RUN}}}"]
                # An empty group keeps a cell that begins with a bracket from being the option of the line before.
                lines.append(" & ".join("{}" + cell if cell.startswith("[") else cell for cell in head + body) + r" \\")
                first = label = ""
    remarks = [latex(note) for note in (*table.lead, *_notes(table))]
    if last:
        remarks += [
            rf"\textsuperscript{{{letter}}} {latex(f'{run.name}: {facts(run)}.')}" for letter, run in noted.values()
        ]
    lines += [r"\bottomrule", r"\end{tabular}", r"\par\medskip", r"\parbox{\textwidth}{\raggedright\scriptsize"]
    lines += [rf"{remark}\par" for remark in remarks]
    return "\n".join([*lines, "}", r"\end{table*}"])


def _marks(row: Row, noted: Notes) -> str:
    return ", ".join(noted[run.name][0] for run in row.runs)


def _notes(table: Table) -> list[str]:
    return [*table.notes, *table.cautions, *table.differences]


def _has_several_lines(table: Table) -> bool:
    """Whether a row takes several lines. A long list without the paper keeps its intervals for the CSV file."""
    return any(row.has_paper for row in table.rows) or any(v.details for row in table.rows for v in row.values.values())


def _lines_of(
    table: Table, row: Row, escape: Callable[[str], str], bold: Callable[[str], str]
) -> list[tuple[str, list[str]]]:
    """(name, escaped cells) of a row's printed lines; no cells where nothing was run."""
    values: list[Value] = list(row.values.values())
    number = format_difference if table.signed else format_number

    def ours(value: Value) -> str:
        text = escape(number(value.ours))
        return bold(text) if value.best else text

    lines = [(table.ours, [ours(value) for value in values] if row.run else [])]
    if row.run and _has_several_lines(table):
        if any(value.interval for value in values):
            lines.append(("95 % interval", [format_interval(value.interval, table.signed) for value in values]))
        for name in dict.fromkeys(name for value in values for name in value.details):
            lines.append((name, [escape(value.details.get(name, UNDEFINED)) for value in values]))
    if row.has_paper:
        lines.append(("paper", [escape(format_number(value.paper)) for value in values]))
        if row.run:
            lines.append(("difference", [escape(format_difference(value.difference)) for value in values]))
    return lines
