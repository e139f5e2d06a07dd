"""The report as one page that needs nothing else: no network, no fonts, no files beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from benchmark.report.facts import scenes_title
from benchmark.report.formats import format_difference, format_interval, format_number, metric_head
from benchmark.report.pictures.paint import Panel
from benchmark.report.sections.failures import Failures
from benchmark.report.sections.gallery import Gallery
from benchmark.report.tables import NOT_RUN, Table

TEMPLATES = Path(__file__).parent
"""template.html, and what it includes."""


@dataclass(frozen=True)
class Plot:
    """A drawn plot. svg: inline element. files: names of the same plot beside the page."""

    svg: str
    caption: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class PanelRow:
    """Pictures that belong together."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Section:
    """One part of the page; `legend` pairs colours with what they mean, `files` are linked below."""

    anchor: str
    title: str
    text: str
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    pictures: Sequence[PanelRow] = ()
    galleries: Sequence[Gallery] = ()
    failures: Sequence[Failures] = ()
    legend: Sequence[tuple[str, str]] = ()
    files: Sequence[str] = ()


def render_page(title: str, lead: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section]) -> str:
    """The page's HTML. facts: (number, what it counts) for the head of the page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
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
    }
    template = environment.get_template("template.html")
    return template.render(title=title, lead=lead, facts=facts, sections=sections, not_run=NOT_RUN)


def _metric_html(metric: str) -> jinja2.utils.markupsafe.Markup:
    """ "AP50" as AP with a subscript; "AR_none" as AR with a word below."""
    markup = jinja2.utils.markupsafe.Markup
    head = metric_head(metric)
    if head[:2] in ("AP", "AR") and len(head) > 2:
        return markup("{}<sub>{}</sub>").format(head[:2], head[2:].strip())
    return markup("{}").format(head)
