"""Released weights predict on a fresh clone what their released metrics say."""

from pathlib import Path

import pytest

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.sets import evaluation_set
from benchmark.runs.make import find_run, read_metrics
from benchmark.runs.predictions import predict

ROOT = Path(__file__).parent.parent
RUNS = sorted(path.parent for path in (ROOT / "results" / "released").glob("*/weights.safetensors"))
IMAGES = 8


@pytest.mark.parametrize("folder", [run for run in RUNS if "smoke" not in run.name], ids=lambda folder: folder.name)
def test_released_weights_predict(folder, tmp_path):
    """A few images only: AP50 of eight released predictions scatters by .03, and the bound is three times that."""
    adapter, run = find_run(str(folder), "cpu")
    dataset = evaluation_set(tmp_path, run.source, IMAGES)
    variant = adapter.variants[0]
    entries = predict(adapter, dataset, run, [variant])[variant]
    found = evaluate(dataset.annotations_file, entries)
    assert found["AP50"] == pytest.approx(read_metrics(folder)[variant]["AP50"], abs=0.09)


def test_there_are_released_weights():
    assert RUNS
