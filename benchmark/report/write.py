"""Writing the report: for each section its tables in every format, its plots, and the page that holds them all."""

import re
from pathlib import Path
from urllib.parse import unquote

from matplotlib.figure import Figure

from benchmark.report.formats import to_csv, to_latex, to_markdown
from benchmark.report.page.page import ShownPlot, ShownSection, render_page
from benchmark.report.plots import place, to_inline_svg, to_pdf, to_svg
from benchmark.report.sections import SECTIONS
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from datasets.files import write_atomically
from datasets.progress import progress

PAGE = "index.html"

TABLE_FORMATS = {"md": to_markdown, "csv": to_csv, "tex": to_latex}


def build_tables(results: Path) -> dict[str, list[Table]]:
    """Name -> tables of that file, those that the results suffice for without evaluation sets; draws nothing."""
    inputs = Inputs.read(results)
    return {section.anchor: tables for section in SECTIONS if (tables := list(section.tables(inputs)))}


def write_report(results: Path, out: Path, data_folder: Path | None = None) -> list[Path]:
    """Write the report on `results` (with ``paper/`` and ``released/``) to the folder `out`.

    data_folder: where evaluation sets are, or are made if missing; with it the page shows the predictions that runs
    have kept. Returns the files written: Markdown, CSV and LaTeX of each table, SVG and PDF of each plot, and the page.
    Files that the page of an earlier report in `out` links to and this one does not write are removed. The same inputs
    give the same bytes. Raises InputError for a broken run or paper file.
    """
    return write_sections(Inputs.read(results, data_folder), out)


def write_sections(inputs: Inputs, out: Path) -> list[Path]:
    """`write_report` of what has been read already."""
    contents: dict[str, str | bytes] = {}
    shown = []
    for section in progress(SECTIONS, total=len(SECTIONS), description="report", unit="section"):
        found, files = _show(section, inputs)
        if found.content:
            shown.append(found)
            contents |= files
    contents[PAGE] = render_page(inputs.runs, shown, out)
    former = _linked_files(out / PAGE)
    written = [_write(out / name, content) for name, content in contents.items()]
    for name in former - contents.keys():
        (out / name).unlink(missing_ok=True)
    return written


def _show(section: Section, inputs: Inputs) -> tuple[ShownSection, dict[str, str | bytes]]:
    """What the page shows of a section, and the files beside it by name."""
    tables = list(section.tables(inputs))
    files: dict[str, str | bytes] = {}
    if tables:
        files |= {f"{section.anchor}.{ending}": convert(tables) for ending, convert in TABLE_FORMATS.items()}
    table_files = tuple(files)
    plots = []
    for plot in section.plots(inputs):
        of_plot = _figure_files(plot.name, plot.figure)
        files |= of_plot
        plots.append(ShownPlot(to_inline_svg(plot.figure, plot.name), plot.caption, tuple(of_plot), plot.fold))
    prints: dict[str, str | bytes] = {}
    for plot in section.prints(inputs):
        place(plot.figure)
        prints[f"{plot.name}.pdf"] = to_pdf(plot.figure)
    shown = ShownSection(
        section,
        tables,
        plots,
        list(section.pictures(inputs)),
        list(section.galleries(inputs)),
        list(section.failures(inputs)),
        list(section.lead(inputs)),
        table_files,
        tuple(prints),
    )
    return shown, files | prints


def _figure_files(name: str, figure: Figure) -> dict[str, str | bytes]:
    place(figure)
    return {f"{name}.svg": to_svg(figure, name), f"{name}.pdf": to_pdf(figure)}


def _linked_files(page: Path) -> set[str]:
    """The files beside an earlier page that it links to."""
    if not page.exists():
        return set()
    links = re.findall(
        r'href="([^"#?:/]+\.(?:md|csv|tex|svg|pdf))"', page.read_text(encoding="utf-8", errors="replace")
    )
    return {unquote(link) for link in links}


def _write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return path
