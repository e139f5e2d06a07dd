"""The report as one page that needs nothing else: no network, no fonts, no files beside it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from benchmark.report.escape import one_line
from benchmark.report.facts import facts, scenes_title
from benchmark.report.formats import format_difference, format_interval, format_number, metric_head
from benchmark.report.page.parts import Failures, Gallery, PanelRow
from benchmark.report.sections.section import Section
from benchmark.report.tables import NOT_RUN, Table, letters
from benchmark.report.words import LEAD, SHARED_NOTES, TITLE
from benchmark.runs.folder import MANIFEST
from benchmark.runs.manifest import SMOKE
from benchmark.runs.record import ReleasedRun

TEMPLATES = Path(__file__).parent
"""template.html, and what it includes."""


@dataclass(frozen=True)
class ShownPlot:
    """A plot on the page. svg: inline element. files: names of the same plot beside the page. fold: as in `Plot`."""

    svg: str
    caption: str
    files: tuple[str, ...] = ()
    fold: str = ""


@dataclass(frozen=True)
class ShownSection:
    """A section with all that the page shows of it. table_files, prints: names of the files beside the page with its
    tables, and with its pictures."""

    section: Section
    tables: Sequence[Table]
    plots: Sequence[ShownPlot]
    pictures: Sequence[PanelRow]
    galleries: Sequence[Gallery]
    failures: Sequence[Failures]
    lead: Sequence[str] = ()
    table_files: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()

    @property
    def folds(self) -> list[tuple[str, list[PanelRow]]]:
        """Neighbouring rows of pictures that share a fold, by its title."""
        return [(fold, list(rows)) for fold, rows in groupby(self.pictures, key=lambda row: row.fold)]

    @property
    def content(self) -> bool:
        """Whether there is anything to show."""
        return any((self.lead, self.tables, self.plots, self.pictures, self.galleries, self.failures))


@dataclass(frozen=True)
class Footnote:
    """What the page says of a run, once. manifest: link to it, seen from the page."""

    letter: str
    run: ReleasedRun
    facts: str
    manifest: str

    @property
    def command(self) -> str:
        return self.run.manifest.get("command") or ""

    @property
    def code_version(self) -> str:
        return self.run.manifest.get("code_version") or ""


def render_page(runs: Sequence[ReleasedRun], sections: Sequence[ShownSection], out: Path) -> str:
    """The page's HTML, to be written to the folder `out`. runs: all released ones, which its head counts."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: one_line(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": format_number,
        "difference": format_difference,
        "interval": format_interval,
        "metric": _metric_html,
        "scenes": scenes_title,
        "unbroken": lambda text: text.replace(" = ", "\u00a0=\u00a0"),
        "link": lambda name: quote(name, safe="/._-"),
    }
    tables = [table for section in sections for table in section.tables]
    noted = letters(tables)
    footnotes = {
        name: Footnote(letter, run, facts(run), os.path.relpath(run.folder / MANIFEST, out))
        for name, (letter, run) in noted.items()
    }
    used = [note for note in SHARED_NOTES if any(note in table.notes for table in tables)]
    return environment.get_template("template.html").render(
        title=TITLE,
        lead=LEAD,
        counts=_counts(runs),
        sections=sections,
        footnotes=footnotes,
        shared_notes=used,
        differences=list(dict.fromkeys(line for table in tables for line in table.differences)),
        not_run=NOT_RUN,
    )


def _counts(runs: Sequence[ReleasedRun]) -> list[tuple[str, str]]:
    """(number, what it counts) for the head of the page."""
    evaluated = [run for run in runs if run.metrics and run.tier != SMOKE]
    models = len({run.model for run in evaluated})
    return [
        (str(len(evaluated)), "evaluated run" if len(evaluated) == 1 else "evaluated runs"),
        (str(models), ("model" if models == 1 else "models") + ", oracles included"),
        (f"{sum(run.images_seen for run in evaluated):,}", "training images seen"),
    ]


def _metric_html(metric: str) -> Any:
    """ "AP50" as AP with a subscript; "AR_none" as AR with a word below."""
    head = metric_head(metric)
    if head[:2] in ("AP", "AR") and len(head) > 2:
        return Markup("{}<sub>{}</sub>").format(head[:2], head[2:].strip())
    return Markup("{}").format(head)
