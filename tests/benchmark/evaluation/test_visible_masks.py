"""Visible instead of amodal masks: a shape half behind another, and one that nobody sees."""

import json

import pytest

from benchmark.cli import main
from benchmark.evaluation.evaluate import evaluate
from datasets.errors import InputError
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

FRONT, BEHIND, SEEN = box(0, 0, 4, 4), box(0, 2, 4, 4), box(0, 4, 4, 2)
HIDDEN, NOTHING = box(1, 1, 1, 1), box(0, 0, 0, 0)
TRUTH = dataset(
    [5],
    [
        {**annotation(5, FRONT, 0.0, order=1), "visible_mask": FRONT},
        {**annotation(5, BEHIND, 0.5, order=2), "visible_mask": SEEN},
        {**annotation(5, HIDDEN, 1.0, order=3), "visible_mask": NOTHING},
    ],
)
FOUND = [
    {**detection(5, FRONT, 0.9, order=1), "visible_mask": FRONT},
    {**detection(5, NOTHING, 0.8, order=2), "visible_mask": SEEN},
]


def test_visible_masks_are_compared():
    """Both visible masks are found, the hidden instance does not count; of three amodal masks one is found."""
    visible, amodal = evaluate(TRUTH, FOUND, "visible"), evaluate(TRUTH, FOUND)
    assert (visible["AP"], visible["AR1000"], visible["AR_heavy"]) == (1, 1, 1)
    assert (amodal["AR1000"], amodal["AR_heavy"]) == (pytest.approx(1 / 3), 0)
    assert "order_accuracy" in amodal and "order_accuracy" not in visible


def test_predictions_without_visible_masks():
    with pytest.raises(InputError, match="predictions: detection 0 .*: visible_mask: found nothing, expected an RLE"):
        evaluate(TRUTH, [detection(5, FRONT)], "visible")


def test_command_line(tmp_path, capsys):
    for name, data in (("truth", TRUTH), ("found", FOUND)):
        (tmp_path / f"{name}.json").write_text(json.dumps(data))
    files = ["--annotations", str(tmp_path / "truth.json"), "--predictions", str(tmp_path / "found.json")]
    assert main(["evaluate", *files, "--masks", "visible"]) == 0
    assert "AP              1.0000" in capsys.readouterr().out
