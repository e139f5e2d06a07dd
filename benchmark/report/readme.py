"""The tables in the README, rewritten from the results so that none is typed by hand."""

from pathlib import Path

from benchmark.files import write_atomically
from benchmark.report.render import to_markdown
from benchmark.report.tables import Table
from benchmark.report.write import build_tables
from datasets.errors import InputError

BEGIN, END = "<!-- tables:begin -->", "<!-- tables:end -->"

SHOWN, FOLDED = ("paired-sides", "table1"), ("table2", "paired-layers", "paired-baselines", "progress", "ablation")
"""The verdict and Table 1 are open, of the former its first table; what a reader may want to know next unfolds."""


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
    shown = [table for name in SHOWN for table in tables.get(name, ())]
    folded = [table for name in FOLDED for table in tables.get(name, ())]
    verdict = tables.get("paired-sides", ())[1:]
    parts = [to_markdown([table]) for table in shown if table not in verdict]
    parts += [_folded(table) for table in (*verdict, *folded)]
    block = "\n".join(parts)
    return f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{block}\n{text[text.index(END) :]}"


def _folded(table: Table) -> str:
    """A table that unfolds when its title is clicked."""
    return f"<details><summary>{table.title}</summary>\n\n{to_markdown([table])}\n</details>\n"
