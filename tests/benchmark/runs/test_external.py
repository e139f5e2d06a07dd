"""Results that were made elsewhere, kept as a run and shown by the report."""

import gzip
import json

import pytest

from benchmark.cli import main
from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import read_paper
from benchmark.released.analyse import analyse_released
from benchmark.released.evaluate import evaluate_released
from benchmark.released.kept import Kept
from benchmark.report.facts import facts
from benchmark.report.write import build_tables, write_report
from benchmark.runs.record import read_runs
from datasets.scene import SceneParameters
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return evaluation_set(tmp_path_factory.mktemp("data"), SceneParameters.uniform(6), images=3, seed=5)


@pytest.fixture
def truth_as_predictions(exported, tmp_path):
    keys = ("image_id", "category_id", "segmentation", "order")
    found = [{key: entry[key] for key in keys} | {"score": 1.0} for i in exported.image_ids for entry in
             exported.annotations(i)]  # fmt: skip
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(found))
    return path


def evaluate(annotations, predictions, *options):
    return main(["evaluate", "--annotations", str(annotations), "--predictions", str(predictions), *map(str, options)])


def test_a_row_in_table_1(results, exported, truth_as_predictions, only_sections, tmp_path):
    results.add_run("e", "layered-embedding", {"default": 0.5})
    results.add_run("d", "detectron2-mask-rcnn", {"nms-0.5": 0.4})
    folder = results.folder / "released" / "mine"
    options = ("--out", folder, "--model", "mine", "--images-seen", 100_000, "--pretraining", "COCO")
    assert evaluate(exported.annotations_file, truth_as_predictions, *options) == 0
    table = build_tables(results.folder)["table1"][0]
    (row,) = [row for row in table.rows if row.run and row.run.name == "mine"]
    assert (row.group, row.label) == ("6", "beyond the paper: mine (external)") and row.values["AP"].ours == 1
    assert row.values["AP"].interval == (1, 1)
    assert "pretraining: COCO" in facts(row.run) and "100,000 images seen" in facts(row.run)
    # an ordinary run from now on
    data = exported.folder.parent
    assert evaluate_released(results.folder / "released", data)["mine"]["default"]["AP"] == 1
    assert analyse_released(results.folder / "released", data, Kept(results.folder)) == ["mine/default"]
    only_sections("table1")
    page = next(path for path in write_report(results.folder, tmp_path / "report", data) if path.name == "index.html")
    assert "mine (external)" in page.read_text()


def test_other_data_is_listed_by_its_name(results, only_sections, tmp_path):
    (tmp_path / "kins.json").write_text(json.dumps(dataset([1], [annotation(1, box(0, 0, 4, 4))])))
    with gzip.open(tmp_path / "found.json.gz", "wt") as file:
        json.dump([detection(1, box(0, 0, 4, 4))], file)
    folder = results.folder / "released" / "mine"
    assert evaluate(tmp_path / "kins.json", tmp_path / "found.json.gz", "--out", folder, "--model", "mine") == 0
    (run,) = read_runs(results.folder / "released")
    assert run.scenes == "kins" and run.evaluation_scenes is None
    assert "training images not stated" in facts(run) and "pretraining: not stated" in facts(run)
    (table,) = build_tables(results.folder)["runs"]
    assert table.rows[0].group == "kins" and table.rows[0].values["AP"].ours == pytest.approx(1)
    # not the benchmark's scenes: nothing to make again, no row beside the paper's
    assert analyse_released(results.folder / "released", tmp_path, Kept(results.folder)) == []
    assert all(row.run is None for row in build_tables(results.folder)["table1"][0].rows)
    only_sections("runs")
    page = next(path for path in write_report(results.folder, tmp_path / "report", tmp_path) if path.suffix == ".html")
    assert "<span>kins</span>" in page.read_text()
    assert read_paper(results.folder / "paper")["table1"].run_label(run) == "mine (external)"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "found no --model"),
        (["--model", "mine", "--masks", "visible"], "found no --model or other masks"),
    ],
)
def test_incomplete_options(exported, truth_as_predictions, tmp_path, capsys, options, complaint):
    assert evaluate(exported.annotations_file, truth_as_predictions, "--out", tmp_path / "run", *options) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_nothing_is_half_written_or_replaced(exported, truth_as_predictions, tmp_path, capsys):
    options = ("--out", tmp_path / "run", "--model", "mine")
    (tmp_path / "broken.json").write_text('[{"image_id": 77}]')
    assert evaluate(exported.annotations_file, tmp_path / "broken.json", *options) == 2
    assert evaluate(exported.folder / "annotations.json", truth_as_predictions, *options) == 2
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").touch()
    assert evaluate(exported.annotations_file, truth_as_predictions, *options) == 2
    assert "expected a new folder" in capsys.readouterr().err
