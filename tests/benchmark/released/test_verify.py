"""`verify` notices a number or a dataset that changed."""

import json
from types import SimpleNamespace

import pytest

from benchmark.released import repredict
from benchmark.released import verify as verify_module
from benchmark.released.verify import differences, verify
from benchmark.runs.folder import WEIGHTS
from datasets.errors import InputError
from tests.benchmark.conftest import Results

DATASET = {"images": 1, "seed": 2000, "parameters": {"counts": [6, 6, 6]}}
FOUND = {"datasets": {"6": "abc"}, "metrics": {"run": {"default": {"AP": 0.5, "AR_none": None}}}}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(verify_module, "recompute", lambda results, data: FOUND)
    assert verify(tmp_path, tmp_path, update=True) == 0
    return tmp_path


def expected(results):
    return json.loads((results / "expected.json").read_text())


def test_agreement(results, capsys):
    assert verify(results, results) == 0
    assert "3 numbers and hashes hold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "rows"),
    [
        ({"datasets": {"6": "abd"}}, ["datasets 6"]),
        ({"metrics": {"run": {"default": {"AP": 0.50001, "AR_none": None}}}}, ["metrics run default AP"]),
        ({"metrics": {"run": {"default": {"AP": 0.5, "AR_none": 0.0}}}}, ["metrics run default AR_none"]),
        ({"metrics": {}}, ["metrics run default AP", "metrics run default AR_none"]),
        ({"metrics": {**FOUND["metrics"], "other": {"default": {"AP": 1.0}}}}, ["metrics other default AP"]),
    ],
)
def test_each_difference_is_a_row(results, changed, rows):
    assert [row[0] for row in differences({**expected(results), **changed}, FOUND)] == rows


def test_a_difference_fails_and_is_printed(results, capsys):
    document = expected(results)
    document["metrics"]["run"]["default"]["AP"] = 0.6
    (results / "expected.json").write_text(json.dumps(document))
    assert verify(results, results) == 1
    out = capsys.readouterr().out
    assert "metrics run default AP" in out and "0.6" in out and "0.5" in out


def test_tolerance_is_per_metric(results):
    document = expected(results)
    document["metrics"]["run"]["default"]["AP"] = 0.503
    document["tolerances"]["AP"] = 0.005
    assert differences(document, FOUND) == []


def test_smoke_tests_are_not_predicted_again(results, capsys, monkeypatch):
    """A network that was trained for seconds decides by rounding: its predictions prove nothing."""
    asked = []
    monkeypatch.setattr(repredict, "_both", lambda folder, *_: asked.append(folder.name) or [])
    monkeypatch.setattr(repredict, "evaluation_set", lambda *_: SimpleNamespace(image_ids=[1]))
    made = Results(results)
    for name, tier in (("trained", "short"), ("tiny", "smoke")):
        (made.add_run(name, "layered-embedding", {"default": 0.5}, tier=tier, dataset=DATASET) / WEIGHTS).touch()
    assert verify(results, results) == 0
    assert asked == ["trained"]
    assert "not predicted again, being smoke tests, which decide by rounding: tiny" in capsys.readouterr().out


def test_nothing_to_compare_with(tmp_path, monkeypatch):
    monkeypatch.setattr(verify_module, "recompute", lambda results, data: FOUND)
    with pytest.raises(InputError, match="expected.json: missing"):
        verify(tmp_path, tmp_path)
