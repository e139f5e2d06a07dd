"""Table 2 from scratch, beside the paper's and the authors' generator (docs/protocol.md "Tables to regenerate")."""

import csv
from pathlib import Path

import pytest

from baselines.ground_truth_layers import GroundTruthLayers
from benchmark.adapter import Run
from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.sets import evaluation_set
from benchmark.runs.predictions import predict
from datasets.scene import SceneParameters

ROOT = Path(__file__).parent.parent
AUTHORS_AR100 = {(6, 2): 0.8650, (6, 3): 0.9749, (12, 2): 0.6634, (12, 3): 0.8747, (12, 4): 0.9640}


@pytest.fixture(scope="module", params=[6, 12])
def table(request, tmp_path_factory):
    scenes = SceneParameters.uniform(request.param)
    dataset = evaluation_set(ROOT / "data", scenes)
    run = Run(tmp_path_factory.mktemp("run"), "ground-truth-layers", None, None, scenes)
    predictions = predict(GroundTruthLayers(), dataset, run, GroundTruthLayers.variants)
    rows = {int(name[-1]): evaluate(dataset.annotations_file, entries) for name, entries in predictions.items()}
    return request.param, rows


def test_recall_is_the_authors(table):
    instances_per_class, rows = table
    for (count, layers), expected in AUTHORS_AR100.items():
        if count == instances_per_class:
            assert rows[layers]["AR100"] == pytest.approx(expected, abs=0.004)


def test_ap50_is_the_papers(table):
    instances_per_class, rows = table
    paper = list(csv.DictReader((ROOT / "results" / "paper" / "table2.csv").open()))
    compared = [row for row in paper if row["AP50"] and int(row["instances_per_class"]) == instances_per_class]
    assert len(compared) == {6: 2, 12: 3}[instances_per_class]
    for row in compared:
        assert rows[int(row["layers"])]["AP50"] == pytest.approx(float(row["AP50"]), abs=0.012)


def test_more_layers_are_better(table):
    _, rows = table
    values = [rows[layers]["AP"] for layers in sorted(rows)]
    assert values == sorted(values) and rows[5]["order_accuracy"] > 0.999
