"""Kept and new predictions, detection by detection; and small changes to the code, which must show."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import embedding_model.adapter
import embedding_model.instances
from benchmark.cli.paths import DATA, RESULTS
from benchmark.released.repredict import LEAST_SHARE, Agreement, _agreement, matched, predict_again
from tests.benchmark.evaluation.cases import box, detection

FRONT, BEHIND, ELSEWHERE = box(0, 0, 4, 4), box(0, 1, 4, 4), box(6, 6, 2, 2)


def test_matches_by_hand():
    """Image 1: the same mask twice, once with another score; then 12 of 20 pixels; one too many. Image 2: one alone."""
    kept = [detection(1, FRONT, 0.9), detection(1, BEHIND, 0.8), detection(1, ELSEWHERE, 0.7), detection(2, FRONT)]
    new = [detection(1, FRONT, 0.85), detection(1, box(0, 2, 4, 4), 0.8)]
    np.testing.assert_allclose(matched(kept, new), [[1, 0.05], [0.6, 0], [0, np.nan], [0, np.nan]])
    assert matched([], []).shape == (0, 2)


def test_agreement_by_hand():
    pairs = np.array([[1, 0.001], [0.95, 0.02], [0.95, 0.03], [0.85, 0], [0, np.nan]])
    found = _agreement("m", "v", pairs)
    assert found == Agreement("m", "v", 5, 0.4, pytest.approx(0.0105)) and not found.holds
    assert _agreement("m", "v", pairs[:1]).holds and _agreement("m", "v", pairs[:0]).holds
    assert not _agreement("m", "v", pairs[4:]).holds
    assert f"40.0% of 5 detections are the same, expected {LEAST_SHARE:.0%}" in found.in_words


@pytest.fixture
def released(tmp_path):
    """The released embeddings with weights, as far as a test needs them."""
    folders = [path.parent for path in RESULTS.glob("released/layered-embedding-compact-*/weights.safetensors")]
    for folder in folders:
        copy = tmp_path / folder.name
        copy.mkdir()
        for name in ("manifest.json", "weights.safetensors", "predictions.default.json.gz"):
            shutil.copy(folder / name, copy)
        (copy / "metrics.json").write_text(json.dumps({"default": {}}))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("change", ["none", "bandwidth", "seeding", "half area", "fragments"])
def test_small_changes_to_the_code_show(released: Path, monkeypatch, change):
    presets = {"bandwidth": {"bandwidth": 1.65}, "seeding": {"seeding": "first"}}
    if change in presets:
        settings = embedding_model.adapter._settings
        monkeypatch.setattr(embedding_model.adapter, "_settings",
                            lambda *asked: replace(settings(*asked), **presets[change]))  # fmt: skip
    elif change != "none":
        name, value = {"half area": ("HALF_AREA", 60), "fragments": ("FRAGMENT_SCORE", 0.17)}[change]
        monkeypatch.setattr(embedding_model.instances, name, value)
    (found,) = predict_again(released, DATA)
    print(f"\n{change}: {found.in_words}")
    assert found.holds == (change == "none")
