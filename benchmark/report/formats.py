"""Tables as Markdown, LaTeX (booktabs) and CSV. HTML is the business of `template.html`."""

import re
from collections.abc import Callable, Sequence

import pandas as pd

from benchmark.report.tables import DIGITS, NOT_RUN, Row, Table, Value

UNDEFINED = "–"
"""Printed where a metric has no value: a run without instances in the range, or a paper without the number."""

_LATEX_SPECIAL = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"–": "--", "−": "$-$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)
_LATEX_HEADS = {"AP50": "AP$_{50}$", "AP75": "AP$_{75}$", "AR100": "AR$_{100}$"}


def to_markdown(tables: Sequence[Table]) -> str:
    """GitHub-flavoured Markdown; a row beside the paper's takes three lines: ours, paper, difference."""
    return "\n\n".join(_markdown_table(table) for table in tables) + "\n"


def to_latex(tables: Sequence[Table]) -> str:
    """One ``table*`` per table, to be used with the package booktabs."""
    return "\n\n".join(_latex_table(table) for table in tables) + "\n"


def to_csv(tables: Sequence[Table]) -> str:
    """One line per row with full precision, the paper's numbers and differences, and where our numbers come from."""
    records = []
    for table in tables:
        for row in table.rows:
            run = row.run
            record = {
                "table": table.title,
                "N": row.group,
                "row": row.label,
                "status": "measured" if run else NOT_RUN,
                "run": run.name if run else None,
                "variant": row.variant,
                "tier": run.tier_and_status if run else None,
                "images_seen": str(run.images_seen) if run else None,
            }
            for metric, value in row.values.items():
                record[metric] = value.ours
                if value.interval is not None:
                    record[f"{metric}_low"], record[f"{metric}_high"] = value.interval
                record |= {f"{metric}_{name.replace(' ', '_')}": text for name, text in value.details.items()}
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
    return f"{number:+.{DIGITS}f}".replace("-", "−") if number else format_number(0.0)


def format_interval(interval: tuple[float, float] | None, signed: bool = False) -> str:
    """Three decimals, so that it reads as a hint of the fourth's worth."""
    if interval is None:
        return UNDEFINED
    low, high = (f"{bound:{'+' if signed else ''}.3f}".replace("-", "−") for bound in interval)
    return f"[{low}, {high}]"


def format_percent(share: float) -> str:
    """ "71 %", with a narrow space that does not break."""
    return f"{share:.0%}".replace("%", "\u202f%")


def metric_head(metric: str) -> str:
    return metric.replace("_", " ")


def _markdown_table(table: Table) -> str:
    several = _has_several_lines(table)
    heads = ["N", table.label_head, *([""] if several else []), *map(metric_head, table.metrics)]
    aligns = ["--:", ":--", *([":--"] if several else []), *["--:"] * len(table.metrics)]
    lead = [*(f"- {said}" for said in table.lead), ""] if table.lead else []
    lines = [f"**{table.title}**", "", *lead, _markdown_line(heads), _markdown_line(aligns)]
    for group, rows in table.groups.items():
        for row in rows:
            first = group if row is rows[0] else ""
            label = row.label + (f" <sup>{row.note}</sup>" if row.note else "")
            for name, cells in _lines_of(table, row, "**{}**".format):
                head = [first, label, *([name] if several else [])]
                lines.append(_markdown_line(head + (cells or [NOT_RUN] + [UNDEFINED] * (len(table.metrics) - 1))))
                first = label = ""
    remarks = list(table.notes) + [f"<sup>{letter}</sup> {facts}" for letter, facts in table.footnotes.items()]
    return "\n".join(lines + [""] + [f"- {remark}" for remark in remarks]).rstrip()


def _markdown_line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _latex_table(table: Table) -> str:
    several = _has_several_lines(table)
    heads = ["$N$", table.label_head, *([""] if several else [])]
    heads += [_LATEX_HEADS.get(metric, _latex(metric_head(metric))) for metric in table.metrics]
    lines = [
        r"\begin{table*}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_latex(re.sub(r'^Table [0-9]+: ', '', table.title))}}}",  # LaTeX numbers it
        rf"\begin{{tabular}}{{rl{'l' * several}{'r' * len(table.metrics)}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
    ]
    for group, rows in table.groups.items():
        lines.append(r"\midrule")
        for row in rows:
            if row is not rows[0] and several:
                lines.append(r"\addlinespace")
            first = _latex(group) if row is rows[0] else ""
            label = _latex(row.label) + (rf"\textsuperscript{{{row.note}}}" if row.note else "")
            for name, cells in _lines_of(table, row, r"\textbf{{{}}}".format):
                head = [first, label, *([_latex(name)] if several else [])]
                body = [cell if "\\" in cell else _latex(cell) for cell in cells]
                body = body or [rf"\multicolumn{{{len(table.metrics)}}}{{c}}{{{NOT_RUN}}}"]
                lines.append(" & ".join(head + body) + r" \\")
                first = label = ""
    remarks = [_latex(note) for note in (*table.lead, *table.notes)]
    remarks += [rf"\textsuperscript{{{letter}}} {_latex(facts)}" for letter, facts in table.footnotes.items()]
    lines += [r"\bottomrule", r"\end{tabular}", r"\par\medskip", r"\parbox{\textwidth}{\raggedright\scriptsize"]
    lines += [rf"{remark}\par" for remark in remarks]
    return "\n".join(lines + ["}", r"\end{table*}"])


def _has_several_lines(table: Table) -> bool:
    """Whether a row takes several lines. A long list without the paper keeps its intervals for the CSV file."""
    return any(row.has_paper for row in table.rows) or any(v.details for row in table.rows for v in row.values.values())


def _lines_of(table: Table, row: Row, bold: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    """(name, cells) of a row's printed lines; no cells where nothing was run."""
    values: list[Value] = list(row.values.values())
    number = format_difference if table.signed else format_number
    ours = [bold(number(value.ours)) if value.best else number(value.ours) for value in values]
    lines = [(table.ours, ours if row.run else [])]
    if row.run and _has_several_lines(table):
        if any(value.interval for value in values):
            lines.append(("95 % interval", [format_interval(value.interval, table.signed) for value in values]))
        for name in dict.fromkeys(name for value in values for name in value.details):
            lines.append((name, [value.details.get(name, UNDEFINED) for value in values]))
    if row.has_paper:
        lines.append(("paper", [format_number(value.paper) for value in values]))
        if row.run:
            lines.append(("difference", [format_difference(value.difference) for value in values]))
    return lines


def _latex(text: str) -> str:
    return text.translate(_LATEX_SPECIAL)
