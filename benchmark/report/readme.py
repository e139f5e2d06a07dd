"""The tables in the README, rewritten from the results so that none is typed by hand."""

from pathlib import Path

from benchmark.report.formats import to_markdown
from benchmark.report.tables import Table
from benchmark.report.words import SECTIONS, TABLE_TITLES
from benchmark.report.write import build_tables
from datasets.errors import InputError
from datasets.files import write_atomically

REPORT = "results/report"
"""Where the default command writes it, seen from the README."""

BEGIN, END = "<!-- tables:begin -->", "<!-- tables:end -->"

SHOWN = ("paired-sides", "table1")
"""Sections that the README shows: the first table of the former, all of the latter. It links to the others."""


def update_readme(readme: Path, results: Path) -> bool:
    """Rewrite the block between the two marks; True if that changed the file. Raises InputError without the marks."""
    old, new = readme.read_text(encoding="utf-8"), _with_tables(readme, results)
    if new != old:
        write_atomically(readme, lambda temporary: temporary.write_text(new, encoding="utf-8"))
    return new != old


def readme_is_current(readme: Path, results: Path) -> bool:
    """Whether `update_readme` would change nothing."""
    return readme.read_text(encoding="utf-8") == _with_tables(readme, results)


def _with_tables(readme: Path, results: Path) -> str:
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(f"{readme}: expected one line {BEGIN} and after it one line {END}")
    tables = build_tables(results)
    parts = [to_markdown(tables[name][: 1 if name == "paired-sides" else None]) for name in SHOWN if name in tables]
    block = "\n".join([*parts, _links(tables)])
    return f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{block}\n{text[text.index(END) :]}"


def _links(tables: dict[str, list[Table]]) -> str:
    """A list of the tables that are not shown, in the report's order."""
    names = [name for name in SECTIONS if name in tables and name not in (*SHOWN, "smoke")]
    lines = ["More tables, with the paper's numbers where it has some:", ""]
    return "\n".join([*lines, *(f"- [{TABLE_TITLES[name]}]({REPORT}/{name}.md)" for name in names)]) + "\n"
