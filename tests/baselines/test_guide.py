"""The guide's example works as it is printed: from its file and its line of registration to a row of Table 1."""

import ast
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

import baselines
from benchmark import cli
from benchmark.report.formats import to_markdown
from benchmark.report.write import build_tables
from tests import pages
from tests.benchmark.conftest import Results

GUIDE = Path(baselines.__file__).parent / "README.md"
MODULE = "baselines.connected_components"
FEW_IMAGES = 320


def commands(name):
    """Arguments of the guide's command lines, those of one command or, for "", all."""
    return [found for found in pages.commands("baselines/README.md") if name in ("", *found[:1])]


@pytest.fixture(autouse=True)
def registered(tmp_path, monkeypatch, own_folders):
    """The guide's file is in the package `baselines`, and its line is in ADAPTERS."""
    example, line = pages.blocks(GUIDE.read_text(), "python")
    package = tmp_path / "package"
    package.mkdir()
    (package / f"{MODULE.rpartition('.')[2]}.py").write_text(example)
    monkeypatch.setattr(baselines, "__path__", [str(package), *baselines.__path__])
    for name, target in ast.literal_eval(f"{{{line}}}").items():
        monkeypatch.setitem(baselines.ADAPTERS, name, target)
    yield
    if sys.modules.pop(MODULE, None):
        del baselines.connected_components


def test_example_conforms(capsys):
    (command,) = commands("check")
    assert cli.main(command) == 0, capsys.readouterr().out


def test_every_command_exists():
    assert len(commands("")) == len("".join(pages.blocks(GUIDE.read_text(), "sh")).splitlines())
    for command in commands(""):
        _, unknown = cli.make_parser().parse_known_args(command)
        assert unknown == []


def test_released_run_becomes_a_row_of_table_1(tmp_path):
    """With the guide's command, on fewer images; the paper's two models have runs of the same budget."""
    (command,) = [command for command in commands("train") if "--preset small" in " ".join(command)]
    name = Path(command[command.index("--out") + 1]).name
    results = Results(tmp_path / "results")
    folder = results.folder / "released" / name
    smaller = ["training.batch_size=4", "training.learning_rate=0.003", "training.warmup_images=0",
               "training.schedule=constant", "training.workers=0", "training.log_every=80", "width=16"]  # fmt: skip
    arguments = [*command, "--images", FEW_IMAGES, "--evaluation-images", 5, "--device", "cpu", "--out", folder]
    arguments += [word for setting in smaller for word in ("--set", setting)]
    assert cli.main([str(argument) for argument in arguments]) == 0

    losses = pd.read_csv(folder / "training_log.csv")["loss"].tolist()
    assert losses[-1] < 0.9 * losses[0]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert list(metrics) == ["default", "convex-hull"]
    assert (folder / "predictions.convex-hull.json.gz").exists() and (folder / "weights.safetensors").exists()

    table = build_tables(results.folder)["table1"][0]
    assert len(rows_of(table, name)) == 1  # of its own tier, while no tier has both of the paper's sides
    tier = {"tier": f"{FEW_IMAGES} images", "images": FEW_IMAGES}
    results.add_run("embedding", "layered-embedding", {"default": 0.7}, **tier)
    results.add_run("mask-rcnn", "detectron2-mask-rcnn", {"nms-0.5": 0.6}, **tier)
    tables = build_tables(results.folder)
    table = tables["table1"][0]
    (row,) = rows_of(table, name)
    assert (row.group, row.variant) == ("6", "default")
    assert row.label == "beyond the paper: connected-components (small)"
    assert row.values["AR100"].ours == metrics["default"]["AR100"] > 0
    assert "connected-components (small)" in to_markdown([table])
    assert [row.variant for row in rows_of(tables["runs"][0], name)] == ["default", "convex-hull"]


def rows_of(table, run_name):
    return [row for row in table.rows if row.run and row.run.name == run_name]


@pytest.mark.slow
def test_smoke_run_is_better_than_chance(tmp_path, capsys):
    (command,) = [command for command in commands("train") if "smoke" in command]
    assert cli.main([*command, "--device", "cpu", "--out", str(tmp_path / "smoke")]) == 0
    metrics = json.loads((tmp_path / "smoke" / "metrics.json").read_text())
    assert metrics["default"]["AP"] > 0.3 and metrics["convex-hull"]["AP"] > 0.25, metrics
