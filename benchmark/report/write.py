"""Writing the report: tables in every format, plots, and the page that holds them all."""

from pathlib import Path

from matplotlib.figure import Figure

from benchmark.evaluation_sets import evaluation_set
from benchmark.files import write_atomically
from benchmark.report.figure3 import NAME as FIGURE3
from benchmark.report.figure3 import grid_plot, grid_table, read_grids
from benchmark.report.figure4 import model_steps
from benchmark.report.gallery import gallery
from benchmark.report.html import PanelRow, Plot, Section, render_page
from benchmark.report.pictures import CATEGORY_COLORS, UNMATCHED_COLOR, layer_panels, sample_panels
from benchmark.report.plots import panel_figure, to_inline_svg, to_pdf, to_svg, variant_plot
from benchmark.report.render import to_csv, to_latex, to_markdown
from benchmark.report.runs import SMOKE, ReleasedRun, read_runs
from benchmark.report.tables import PaperTable, Table, compare, list_runs, list_variants, read_paper
from benchmark.report.texts import FIGURE3_CAPTION, LEAD, PLOT_METRICS, SECTIONS, TITLE, UNMATCHED, VARIANT_PLOTS
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS, TRAINING_SEED

FIGURE4 = "figure4"
TABLE_FORMATS = {"md": to_markdown, "csv": to_csv, "tex": to_latex}


def build_tables(results: Path) -> dict[str, list[Table]]:
    """Name -> tables of that file, from ``results/paper`` and ``results/released``; "progress" and "smoke" may lack."""
    paper, runs = read_paper(results / "paper"), read_runs(results / "released")
    tables = {name: compare(table, runs) for name, table in paper.items()}
    if grids := read_grids(results):
        tables[FIGURE3] = [grid_table(grid) for grid in grids]
    trained = [run for run in runs if run.trained and run.metrics]
    if len({run.tier for run in trained}) > 1:
        tables["progress"] = [list_runs("progress", trained, paper["table1"])]
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
    paper, runs = read_paper(results / "paper"), read_runs(results / "released")
    tables = build_tables(results)
    contents: dict[str, str | bytes] = {}
    for name, of_name in tables.items():
        for ending, convert in TABLE_FORMATS.items():
            contents[f"{name}.{ending}"] = convert(of_name)
    plots: dict[str, list[Plot]] = {}
    for plot in VARIANT_PLOTS:
        for table in tables[plot.table]:
            figure = variant_plot(paper[plot.table], table.runs, plot.prefix, plot.axis, PLOT_METRICS)
            name = f"{plot.name}-{table.tier}" if len(tables[plot.table]) > 1 else plot.name
            files = _plot_files(name, figure)
            contents |= files
            shown = Plot(to_inline_svg(figure, name), plot.caption, tuple(files))
            plots.setdefault(plot.table, []).append(shown)
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
        "predictions": _gallery(data_folder, [run for run in runs if run.tier != SMOKE], paper["table1"]),
        "smoke": _gallery(data_folder, [run for run in runs if run.tier == SMOKE], paper["table1"]),
    }
    figure_files = {"scenes": ["training-sample.svg", "training-sample.pdf"], FIGURE4: []}
    steps = model_steps(runs, data_folder, paper["table1"]) if data_folder else []
    pictures[FIGURE4] = [PanelRow(*row) for of_run in steps for row in of_run.rows]
    for of_run in steps:
        files = _plot_files(f"{FIGURE4}-{of_run.run.name}", panel_figure(of_run.rows))
        contents |= files
        figure_files[FIGURE4] += files
    contents["index.html"] = render_page(TITLE, LEAD, _facts(runs), _sections(tables, plots, pictures, figure_files))
    return [_write(out / name, content) for name, content in contents.items()]


def _sections(
    tables: dict[str, list[Table]],
    plots: dict[str, list[Plot]],
    pictures: dict[str, list[PanelRow]],
    figure_files: dict[str, list[str]],
) -> list[Section]:
    """The page's sections that have something to show."""
    legends = {
        "scenes": [(color, name) for name, color in CATEGORY_COLORS.items()],
        "predictions": [(UNMATCHED_COLOR, UNMATCHED)],
        FIGURE4: [*((color, name) for name, color in CATEGORY_COLORS.items()), (UNMATCHED_COLOR, UNMATCHED)],
    }
    sections = []
    for anchor, (title, text) in SECTIONS.items():
        if not tables.get(anchor) and not pictures.get(anchor):
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


def _gallery(data_folder: Path | None, runs: list[ReleasedRun], ranking: PaperTable) -> list[PanelRow]:
    """Pictures of kept predictions, dataset by dataset."""
    by_dataset: dict[str, list[ReleasedRun]] = {}
    for run in runs if data_folder else ():
        if run.metrics and any(run.folder.glob("predictions.*")):
            by_dataset.setdefault(run.dataset_hash, []).append(run)
    rows = []
    for of_dataset in by_dataset.values():
        described = of_dataset[0].manifest["dataset"]
        scenes = SceneParameters(tuple(described["parameters"]["counts"]))
        dataset = evaluation_set(data_folder, scenes, described["images"], described["seed"])
        for scene in gallery(dataset, of_dataset, ranking):
            rows.append(PanelRow(f"N = {scenes.label}, {scene.title}", scene.panels))
    return rows


def _plot_files(name: str, figure: Figure) -> dict[str, str | bytes]:
    return {f"{name}.svg": to_svg(figure, name), f"{name}.pdf": to_pdf(figure)}


def _write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    write_atomically(path, lambda temporary: temporary.write_bytes(data))
    return path
