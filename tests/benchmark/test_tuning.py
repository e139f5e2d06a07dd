"""The best reading of a grid is found on tuning scenes, kept, and applied once to the evaluation images."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from benchmark.adapter import Adapter, Detections, Reading, Run
from benchmark.evaluation.sets import evaluation_set
from benchmark.models.registry import find_adapter
from benchmark.runs.folder import read_metrics, read_tuned
from benchmark.runs.make import predict_and_evaluate
from benchmark.runs.predictions import predict
from benchmark.tuning import tune
from datasets.errors import InputError
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_SEED, TUNING_SEED

MODEL = "tests.benchmark.test_tuning:ShareOfTruth"
SCENES = SceneParameters((1, 1, 1))


@dataclass(frozen=True)
class Share:
    found: float


class ShareOfTruth(Adapter):
    """Finds the first so many instances of every image."""

    grid = {"none": Share(0.0), "most": Share(0.7), "third": Share(0.34)}
    readings = {"most": Reading(text="most of it", score_floor=0.3)}
    passes = 0

    def predict(self, dataset, run, variants):
        type(self).passes += 1
        for image_id in dataset.image_ids:
            masks = dataset.masks(image_id)
            outputs = {}
            for name in variants:
                count = round(self.grid.get(name, Share(0.34)).found * len(masks))
                outputs[name] = Detections(masks[:count].astype(bool), np.ones(count), np.ones(count, int))
            yield image_id, outputs


class NothingToTune(ShareOfTruth):
    grid = {}


@pytest.fixture
def run(tmp_path):
    """A run with weights, evaluated on two images."""
    run = Run(tmp_path / "run", MODEL, None, None, SCENES)
    run.folder.mkdir()
    run.weights.write_bytes(b"")
    predict_and_evaluate(run, evaluation_set(tmp_path / "data", SCENES, 2, EVALUATION_SEED), ["default"])
    return run


def test_the_best_reading_is_kept_and_applied(run, tmp_path):
    passes = ShareOfTruth.passes
    found = tune(run, tmp_path / "data", images=3)
    assert ShareOfTruth.passes == passes + 2  # one for all readings, one for the choice
    kept = read_tuned(run.folder)
    assert found.choice == kept["choice"] == "most"
    assert kept["settings"] == {"found": 0.7} and kept["objective"] == "AP"
    assert (
        list(kept["AP"]) == list(ShareOfTruth.grid)
        and kept["AP"]["most"] > kept["AP"]["third"] > kept["AP"]["none"] == 0
    )
    assert (kept["dataset"]["seed"], kept["dataset"]["images"]) == (TUNING_SEED, 3) and kept["dataset"]["content_hash"]
    metrics = read_metrics(run.folder)
    assert list(metrics) == ["default", "tuned"]
    assert metrics["tuned"]["AP"] == pytest.approx(found.metrics["AP"])
    assert metrics["tuned"]["AR100"] > metrics["default"]["AR100"]
    reading = json.loads((run.folder / "manifest.json").read_text())["readings"]["tuned"]
    assert reading["family"] == "tuned" and reading["text"] == "most of it, chosen on tuning scenes"
    assert (run.folder / "predictions.tuned.json.gz").exists()
    # Predicting other variants again leaves the tuned one in place.
    predict_and_evaluate(run, evaluation_set(tmp_path / "data", SCENES, 2, EVALUATION_SEED), ["default"])
    assert "tuned" in read_metrics(run.folder)


def test_a_choice_that_the_code_no_longer_has_is_refused(run, tmp_path):
    dataset = evaluation_set(tmp_path / "data", SCENES, 2, EVALUATION_SEED)
    with pytest.raises(InputError, match="tuned.json: not found, expected what `tune` writes"):
        predict(find_adapter(MODEL), dataset, run, ["tuned"])
    (run.folder / "tuned.json").write_text(json.dumps({"choice": "gone"}))
    with pytest.raises(InputError, match="'gone' is no reading of this version"):
        predict(find_adapter(MODEL), dataset, run, ["tuned"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: replace(run, model=MODEL.replace("ShareOfTruth", "NothingToTune")), "declares no grid"),
        (lambda run: run.weights.unlink() or run, "expected the weights"),
    ],
)
def test_what_cannot_be_tuned_is_refused_at_once(run, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        tune(change(run), tmp_path / "data", images=2)
