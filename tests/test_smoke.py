"""The smoke presets end to end, a few minutes each: ``pytest -n 0 -m slow -s tests/test_smoke.py``."""

import gzip
import json
import math

import pytest

from benchmark import cli
from benchmark.evaluation.evaluate import evaluate
from benchmark.models.registry import untrained_names
from benchmark.runs.make import read_metrics
from tests.models import registered

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("model", registered(besides=untrained_names()))
def test_smoke_preset_is_better_than_chance(model, tmp_path, monkeypatch):
    """Chance is what the same detections score when each is handed to the next image."""
    monkeypatch.setattr(cli.paths, "DATA", tmp_path / "data")
    folder = tmp_path / "run"
    arguments = ["train", model, "--preset", "smoke", "--instances-per-class", "2", "--evaluation-images", "100"]
    assert cli.main([*arguments, "--out", str(folder)]) == 0
    metrics = read_metrics(folder)
    for values in metrics.values():
        assert all(value is None or math.isfinite(value) for value in values.values())
    variant, values = next(iter(metrics.items()))
    entries = json.loads(gzip.decompress((folder / f"predictions.{variant}.json.gz").read_bytes()))
    handed_on = [{**entry, "image_id": entry["image_id"] % 100 + 1} for entry in entries]
    annotations = next((tmp_path / "data").glob("*/annotations_64.json"))
    chance = evaluate(annotations, handed_on)
    print(f"\n{model} {variant}: AP {values['AP']:.3f}, AP50 {values['AP50']:.3f}, by chance {chance['AP50']:.3f}")
    assert values["AP50"] > 0.1 and values["AP50"] > 5 * chance["AP50"]
