"""Fig. 3 from made-up runs of its study."""

import json
import re

import pytest

from benchmark.paper.tables import MAIN_METRICS
from benchmark.report.plots import to_svg
from benchmark.report.sections.figure3 import grid_plot, grid_table, read_grids
from benchmark.report.sections.section import Inputs
from benchmark.report.write import build_tables, write_report
from datasets.errors import InputError


def add_cell(results, channels, n, value, *, images=10_000, cpu="Abacus 1", network=None):
    folder = results.folder / "figure3" / f"c{channels}-n{n}"
    folder.mkdir(parents=True)
    manifest = {
        "model": "layered-embedding",
        "preset": "compact",
        "hyperparameters": {"network": {"embedding_channels": channels} if network is None else network},
        "scenes": {"counts": [0, 0, n], "label": f"circle0-triangle0-rectangle{n}"},
        "layers": 2,
        "seed": 0,
        "images_seen": images,
        "images_budget": images,
        "tier": "tiny",
        "dataset": {"content_hash": f"hash-of-n{n}", "images": 1000, "parameters": {"counts": [0, 0, n]}},
        "hardware": {"cpu": cpu, "cores": 2, "gpu": None},
        "wall_time_seconds": {"training": 600.0, "prediction": 5.0 + n},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    if value is not None:
        (folder / "metrics.json").write_text(json.dumps({"default": dict.fromkeys(MAIN_METRICS, value)}))


@pytest.fixture
def grid_of_four(results):
    for channels, n, value in ((1, 6, 0.5), (1, 12, 0.3), (2, 6, 0.7), (2, 12, None)):
        add_cell(results, channels, n, value)
    return results


def test_the_table_has_a_row_for_each_cell(grid_of_four):
    (grid,) = read_grids(Inputs.read(grid_of_four.folder))
    table = grid_table(grid)
    assert [(row.group, row.label, row.run is not None) for row in table.rows] == [
        ("6", "C = 1", True),
        ("6", "C = 2", True),
        ("12", "C = 1", True),
        ("12", "C = 2", False),
    ]
    assert [row.values["AP"].best for row in table.rows] == [False, True, False, False]
    assert "compact, L = 2, 10,000 training images each" in table.title
    facts = table.notes[-1]
    assert "preset compact" in facts and "Abacus 1 (2 cores), no GPU" in facts and "each evaluated on 1,000" in facts
    assert "3 runs, training 30 min in all" in facts and "prediction" not in facts


def test_each_machine_is_named(results):
    add_cell(results, 1, 6, 0.5)
    add_cell(results, 2, 6, 0.5, cpu="Abacus 2")
    (grid,) = read_grids(Inputs.read(results.folder))
    assert "Abacus 1" in grid_table(grid).notes[-1] and "Abacus 2" in grid_table(grid).notes[-1]


def test_budgets_are_not_mixed(results):
    add_cell(results, 1, 6, 0.5)
    add_cell(results, 2, 6, 0.7, images=30_000)
    manifest = results.folder / "figure3" / "c2-n6" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "tier": "short"}))
    assert [grid.channels for grid in read_grids(Inputs.read(results.folder))] == [[2], [1]]


def test_the_plot_has_a_line_for_each_c(grid_of_four):
    (grid,) = read_grids(Inputs.read(grid_of_four.folder))
    figure = grid_plot(grid, Inputs.read(grid_of_four.folder).looks)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines) == ["C = 1", "C = 2"]
    assert list(lines["C = 1"].get_xdata()) == [6, 12] and list(lines["C = 1"].get_ydata()) == [0.5, 0.3]
    assert [axis.get_title() for axis in figure.axes[:7]] == ["AP", "AP50", "AP75", "AR100", "AR none", "AR partial",
                                                            "AR heavy"]  # fmt: skip
    assert to_svg(figure, "figure3") == to_svg(grid_plot(grid, Inputs.read(grid_of_four.folder).looks), "figure3")


def test_the_report_shows_it_where_there_are_cells(grid_of_four, only_sections, tmp_path):
    only_sections("figure3")
    names = {path.name for path in write_report(grid_of_four.folder, tmp_path / "report")}
    assert names >= {f"figure3.{ending}" for ending in ("md", "csv", "tex", "svg", "pdf")}
    page = (tmp_path / "report" / "index.html").read_text()
    assert re.search(r'<section id="figure3">', page) and 'href="figure3.pdf"' in page


def test_without_cells_there_is_no_section(results, tmp_path):
    assert "figure3" not in build_tables(results.folder)
    add_cell(results, 1, 6, None)
    assert "figure3" not in build_tables(results.folder)


def test_a_run_without_the_hyperparameter_is_named(results):
    add_cell(results, 1, 6, 0.5, network={})
    with pytest.raises(InputError, match="c1-n6/manifest.json: found no whole number as network.embedding_channels"):
        read_grids(Inputs.read(results.folder))
