"""Two results files or runs: what differs, in words and as data, and when a gate fails."""

import json

import pytest

from benchmark.cli import main
from benchmark.comparison import compare, failures, in_words, read_condition
from datasets.errors import InputError
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

IMAGES = 40
SQUARE = box(0, 0, 4, 4)


@pytest.fixture
def files(tmp_path):
    """Annotations of one instance in each image, and predictions that find 30 and 20 of them."""
    truth = dataset(range(IMAGES), [annotation(image, SQUARE) for image in range(IMAGES)])
    contents = {"truth": truth} | {
        name: [detection(image, SQUARE) for image in range(found)] for name, found in (("better", 30), ("worse", 20))
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return [tmp_path / f"{name}.json" for name in ("better", "worse", "truth")]


def test_differences_in_words_and_as_data(files, tmp_path):
    better, worse, truth = files
    found = json.loads(json.dumps(compare(better, worse, tmp_path, truth), allow_nan=False))
    test = found["metrics"]["AR100"]
    assert (test["a"], test["b"], test["value"], test["verdict"]) == (0.75, 0.5, 0.25, "better")
    assert test["low"] == pytest.approx(0.125, abs=0.026) and test["high"] == pytest.approx(0.4, abs=0.026)
    assert "AR_partial" not in found["metrics"]  # no instance to look for
    text = in_words(found)
    assert "AR100           0.7500 − 0.5000 = +0.2500  [+0." in text and "better in AP, AP50" in text


def test_the_gate(files, tmp_path, capsys):
    better, worse, truth = files
    arguments = ["compare", str(worse), str(better), "--annotations", str(truth), "--json", str(tmp_path / "out.json")]
    assert main([*arguments, "--fail-if", "AP < -0.01"]) == 1
    assert "failed: AP < -0.01: AP differs by −0.2" in capsys.readouterr().out
    assert json.loads((tmp_path / "out.json").read_text())["metrics"]["AP"]["verdict"] == "worse"
    found = compare(worse, better, tmp_path, truth)
    assert failures(found, [read_condition("AR100 <= -.25"), read_condition("AP > 0")]) == [
        "failed: AR100 <= -.25: AR100 differs by −0.2500"
    ]
    with pytest.raises(InputError, match="found no AQ, expected one of AP, AP50"):
        failures(found, [read_condition("AQ > 0")])


@pytest.mark.parametrize("text", ["AP", "AP = 0.1", "AP < much", "< 0.1", "AP < 0.1 or AP50 < 0.1"])
def test_conditions_that_are_none(text):
    with pytest.raises(InputError, match="such as AP < -0.01"):
        read_condition(text)


def test_what_cannot_be_compared(files, results, tmp_path):
    better, worse, truth = files
    runs = [results.add_run(f"n{n}", "m", {"default": 0.5, "tuned": 0.6}, n=n) for n in (6, 12)]
    for faulty, message in (
        ((better, worse), "lies in no run's folder, expected annotations"),
        ((tmp_path / "none", worse), "none: not found"),
        ((tmp_path, worse), "expected the folder of a run"),
        (runs, "found no predictions"),
    ):
        with pytest.raises(InputError, match=message):
            compare(*faulty, tmp_path)
    for run in runs:
        (run / "predictions.tuned.json").write_text("[]")
    with pytest.raises(InputError, match="n6 and n12: evaluated on different data sets"):
        compare(*runs, tmp_path)
    with pytest.raises(InputError, match="gone.json: not found, expected annotations"):
        compare(better, worse, tmp_path, tmp_path / "gone.json")
