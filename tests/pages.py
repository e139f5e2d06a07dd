"""The repository's pages as tests read them: their blocks of code, commands and links."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
PREFIX = "uv run run_benchmark.py"


def pages() -> list[str]:
    """All pages that people wrote, by their paths from the root."""
    folders = (ROOT, *(ROOT / name for name in ("docs", "baselines", "embedding_model", "datasets", "benchmark")))
    found = [path for top in folders for path in (top.glob("*.md") if top == ROOT else top.rglob("*.md"))]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks(text: str, language: str) -> list[str]:
    """The contents of the blocks of code in that language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(page: str) -> list[list[str]]:
    """Arguments of the page's command lines, one list each."""
    lines = "".join(blocks((ROOT / page).read_text(), "sh")).replace("\\\n", " ").splitlines()
    found = [line.rpartition("&& ")[2] for line in lines if PREFIX in line]
    return [shlex.split(line.removeprefix(PREFIX), comments=True) for line in found]


def broken_links(page: str) -> list[str]:
    """Links to a file, or to a heading of a page, that is not there."""
    broken = []
    for target in re.findall(r"\]\((?!http)([^)]+)\)", (ROOT / page).read_text()):
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in _anchors(path.read_text())):
            broken.append(target)
    return broken


def _anchors(text: str) -> set[str]:
    """Headings as links name them: in small letters, without punctuation, with hyphens for spaces."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
