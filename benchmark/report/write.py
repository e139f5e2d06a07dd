"""Writing the report: tables in every format, plots, and the page that holds them all."""

from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.paper.settings import differences_from_paper
from benchmark.paper.tables import read_paper
from benchmark.released.outcomes import Evaluation, read_outcomes
from benchmark.report.analysis_plots import (
    error_plot,
    families_plot,
    layers_plot,
    recall_difference_plot,
    recall_plot,
)
from benchmark.report.analysis_tables import error_table, families_table, layers_table, paired_table
from benchmark.report.formats import to_csv, to_latex, to_markdown
from benchmark.report.page.page import PanelRow, Plot, Section, render_page
from benchmark.report.pictures.paint import CATEGORY_COLORS, UNMATCHED_COLOR, layer_panels, sample_panels
from benchmark.report.plots import panel_figure, to_inline_svg, to_pdf, to_svg, variant_plot
from benchmark.report.sections.failures import Failures, failure_figure, find_failures
from benchmark.report.sections.figure3 import NAME as FIGURE3
from benchmark.report.sections.figure3 import grid_plot, grid_table, read_grids
from benchmark.report.sections.figure4 import model_steps
from benchmark.report.sections.gallery import SCENES, Gallery, build_gallery
from benchmark.report.sections.lost_instances import NAME as LOST_INSTANCES
from benchmark.report.sections.lost_instances import occlusion_plot, read_sweeps, reason_table, threshold_plot
from benchmark.report.tables import Table, compare, list_runs, list_variants
from benchmark.report.words import (
    ANALYSIS_PLOTS,
    FIGURE3_CAPTION,
    LEAD,
    PLOT_METRICS,
    SECTIONS,
    TITLE,
    UNMATCHED,
    VARIANT_PLOTS,
)
from benchmark.runs.manifest import SMOKE
from benchmark.runs.record import ReleasedRun, read_runs
from benchmark.runs.results import paper_folder, runs_folder
from datasets.files import write_atomically
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS, TRAINING_SEED

FIGURE4 = "figure4"
SMOKE_SCENES = 3
"""Scenes in the gallery of smoke tests, of which nobody wants to see more."""

TABLE_FORMATS = {"md": to_markdown, "csv": to_csv, "tex": to_latex}


def build_tables(results: Path) -> dict[str, list[Table]]:
    """Name -> tables of that file, from what `results` holds: the paper's, and those that the runs suffice for."""
    paper, runs = read_paper(paper_folder(results)), read_runs(runs_folder(results))
    tables = {name: compare(table, runs) for name, table in paper.items()}
    settings = paper_folder(results) / "settings.toml"
    comparisons = results / "comparisons.json"
    analysis = {
        "paired-sides": [paired_table(kind, comparisons, runs, paper["table1"]) for kind in ("sides", "any-nms")],
        "paired-baselines": [paired_table("baselines", comparisons, runs, paper["table1"])],
        "paired-layers": [paired_table("layers", comparisons, runs, paper["table1"])],
        "families": [families_table(runs, paper["table1"])],
        "layers": [layers_table(runs, paper["table1"])],
        "errors": [error_table(runs, paper["table1"])],
    }
    tables |= {name: found for name, of_name in analysis.items() if (found := [table for table in of_name if table])}
    if grids := read_grids(results):
        tables[FIGURE3] = [grid_table(grid) for grid in grids]
    trained = [run for run in runs if run.trained and run.metrics]
    if len({run.tier_and_status for run in trained}) > 1:
        tables["progress"] = [list_runs("progress", trained, paper["table1"])]
    for name in {"table1", "progress"} & set(tables):
        tables[name] = [
            replace(table, notes=(*table.notes, *differences_from_paper(settings, table.runs)))
            for table in tables[name]
        ]
    smoke = [run for run in runs if run.tier == SMOKE and run.metrics]
    if smoke:
        tables["smoke"] = [list_runs("smoke", smoke, paper["table1"])]
    if others := [run for run in runs if run.tier != SMOKE]:
        tables["runs"] = [list_variants(others)]
    return tables


def write_report(results: Path, out: Path, data_folder: Path | None = None) -> list[Path]:
    """Write the report on `results` (with ``paper/`` and ``released/``) to the folder `out`.

    data_folder: where evaluation sets are, or are made if missing; with it the page shows the predictions that runs
    have kept. Returns the files written: Markdown, CSV and LaTeX of each table, SVG and PDF of each plot, and the page.
    The same inputs give the same bytes. Raises InputError for a broken run or paper file.
    """
    paper, runs = read_paper(paper_folder(results)), read_runs(runs_folder(results))
    tables = build_tables(results)
    evaluations = read_outcomes(data_folder, runs, paper["table1"]) if data_folder else []
    sweeps = read_sweeps(evaluations, paper["table1"])
    if lost := reason_table(evaluations, sweeps):
        tables[LOST_INSTANCES] = [lost]
    contents: dict[str, str | bytes] = {}
    for name, of_name in tables.items():
        for ending, convert in TABLE_FORMATS.items():
            contents[f"{name}.{ending}"] = convert(of_name)
    plots: dict[str, list[Plot]] = {}
    for plot in VARIANT_PLOTS:
        for table in tables[plot.table]:
            figure = variant_plot(paper[plot.table], table.runs, plot.column, plot.axis, PLOT_METRICS)
            name = f"{plot.name}-{table.tier}" if len(tables[plot.table]) > 1 else plot.name
            files = _plot_files(name, figure)
            contents |= files
            shown = Plot(to_inline_svg(figure, name), plot.caption, tuple(files))
            plots.setdefault(plot.table, []).append(shown)
    figures = {
        "families": families_plot(runs, paper["table1"], PLOT_METRICS),
        "layers-reached": layers_plot(runs, paper["table1"], PLOT_METRICS),
        "lost-by-occlusion": occlusion_plot(evaluations),
        "lost-by-threshold": threshold_plot(sweeps),
        "errors": error_plot(runs, paper["table1"]),
        "recall-by-occlusion": recall_plot(runs, paper["table1"]),
        "recall-difference": recall_difference_plot(results / "comparisons.json", runs, paper["table1"]),
    }
    for name, (anchor, caption) in ANALYSIS_PLOTS.items():
        if figures[name]:
            files = _plot_files(name, figures[name])
            contents |= files
            plots.setdefault(anchor, []).append(Plot(to_inline_svg(figures[name], name), caption, tuple(files)))
    for place, grid in enumerate(read_grids(results), 1):
        name = FIGURE3 if place == 1 else f"{FIGURE3}-{place}"
        figure = grid_plot(grid)
        files = _plot_files(name, figure)
        contents |= files
        plots.setdefault(FIGURE3, []).append(Plot(to_inline_svg(figure, name), FIGURE3_CAPTION, tuple(files)))
    scenes = {n: sample_scene(SceneParameters.uniform(n), TRAINING_SEED, 0) for n in EVALUATION_INSTANCES_PER_CLASS}
    samples = [PanelRow(f"N = {n}", sample_panels(scene)) for n, scene in scenes.items()]
    contents |= _plot_files("training-sample", panel_figure([(row.title, row.panels) for row in samples]))
    pictures = {
        "scenes": samples,
        "table2": [PanelRow(f"N = {n}", layer_panels(scene)) for n, scene in scenes.items()],
    }
    failures = [of_run for evaluation in evaluations for of_run in find_failures(evaluation)]
    for of_run in failures:
        contents |= _plot_files(of_run.name, failure_figure(of_run))
    figure_files = {"scenes": ["training-sample.svg", "training-sample.pdf"], FIGURE4: []}
    steps = model_steps(runs, data_folder, paper["table1"]) if data_folder else []
    pictures[FIGURE4] = [PanelRow(*row) for of_run in steps for row in of_run.rows]
    for of_run in steps:
        files = _plot_files(f"{FIGURE4}-{of_run.run.name}", panel_figure(of_run.rows))
        contents |= files
        figure_files[FIGURE4] += files
    sections = _sections(tables, plots, pictures, figure_files, _galleries(evaluations), failures)
    contents["index.html"] = render_page(TITLE, LEAD, _facts(runs), sections)
    return [_write(out / name, content) for name, content in contents.items()]


def _sections(
    tables: dict[str, list[Table]],
    plots: dict[str, list[Plot]],
    pictures: dict[str, list[PanelRow]],
    figure_files: dict[str, list[str]],
    galleries: dict[str, list[Gallery]],
    failures: list[Failures],
) -> list[Section]:
    """The page's sections that have something to show."""
    legends = {
        "scenes": [(color, name) for name, color in CATEGORY_COLORS.items()],
        "predictions": [(UNMATCHED_COLOR, UNMATCHED)],
        FIGURE4: [*((color, name) for name, color in CATEGORY_COLORS.items()), (UNMATCHED_COLOR, UNMATCHED)],
    }
    sections = []
    for anchor, (title, text) in SECTIONS.items():
        of_runs = failures if anchor == "failures" else ()
        if not of_runs and not any(parts.get(anchor) for parts in (tables, plots, pictures, galleries)):
            continue
        files = [f"{anchor}.{ending}" for ending in TABLE_FORMATS] if anchor in tables else []
        sections.append(
            Section(
                anchor,
                title,
                text,
                tables=tables.get(anchor, ()),
                plots=plots.get(anchor, ()),
                pictures=pictures.get(anchor, ()),
                galleries=galleries.get(anchor, ()),
                failures=of_runs,
                legend=legends.get(anchor, ()),
                files=figure_files.get(anchor, files),
            )
        )
    return sections


def _facts(runs: list[ReleasedRun]) -> list[tuple[str, str]]:
    evaluated = [run for run in runs if run.metrics and run.tier != SMOKE]
    models = len({run.model for run in evaluated})
    return [
        (str(len(evaluated)), "evaluated run" if len(evaluated) == 1 else "evaluated runs"),
        (str(models), ("model" if models == 1 else "models") + ", oracles included"),
        (f"{sum(run.images_seen for run in evaluated):,}", "training images seen"),
    ]


def _galleries(evaluations: list[Evaluation]) -> dict[str, list[Gallery]]:
    """Section -> a gallery of each evaluation set, smoke tests apart from the rest."""
    galleries: dict[str, list[Gallery]] = {}
    for evaluation in evaluations:
        tests = [outcome for outcome in evaluation.outcomes if outcome.run.tier == SMOKE]
        others = [outcome for outcome in evaluation.outcomes if outcome.run.tier != SMOKE]
        for anchor, outcomes, limit in (("predictions", others, SCENES), ("smoke", tests, SMOKE_SCENES)):
            if outcomes:
                shown = replace(evaluation, outcomes=tuple(outcomes))
                galleries.setdefault(anchor, []).append(build_gallery(anchor, shown, limit))
    return galleries


def _plot_files(name: str, figure: Figure) -> dict[str, str | bytes]:
    return {f"{name}.svg": to_svg(figure, name), f"{name}.pdf": to_pdf(figure)}


def _write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return path
