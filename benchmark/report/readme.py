"""The tables in the README, rewritten from the results so that none is typed by hand."""

from pathlib import Path

from benchmark.files import write_atomically
from benchmark.report.render import to_markdown
from benchmark.report.write import build_tables
from datasets.errors import InputError

BEGIN, END = "<!-- tables:begin -->", "<!-- tables:end -->"

README_TABLES = ("table1", "paired-sides", "progress", "table2", "ablation")


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
    block = "\n".join(to_markdown(tables[name]) for name in README_TABLES if name in tables)
    return f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{block}\n{text[text.index(END) :]}"
