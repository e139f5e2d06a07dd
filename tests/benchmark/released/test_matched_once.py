"""Kept predictions are matched once for all that shows them, in as many processes as there are cores."""

import numpy as np
import pytest

from benchmark.paper.tables import read_paper
from benchmark.released import outcomes
from benchmark.released.outcomes import read_outcomes
from benchmark.runs.record import read_runs
from tests.benchmark.report.faults import add_faulty_runs


@pytest.fixture
def read(results, tmp_path):
    add_faulty_runs(results, tmp_path / "data")
    ranking = read_paper(results.folder / "paper")["table1"]
    return lambda: read_outcomes(tmp_path / "data", read_runs(results.folder / "released"), ranking)


def test_each_results_file_is_matched_once(read, monkeypatch):
    matched = []
    inner = outcomes.read_matched
    monkeypatch.setattr(outcomes, "read_matched", lambda path, truth: matched.append(path.name) or inner(path, truth))
    (evaluation,) = read()
    variants = ("coco-nms-0.5", "default", "nms-0.5", "nms-1.0")
    assert sorted(matched) == [f"predictions.{name}.json.gz" for name in variants]
    assert {name: [one.variant for one in sweep] for name, sweep in evaluation.sweeps.items()} == {
        "boxes": ["nms-0.5"],
        "embedding": ["default"],
    }


@pytest.mark.slow
def test_processes_change_nothing(read, monkeypatch):
    (inline,) = read()
    monkeypatch.setattr(outcomes, "WORTH_PROCESSES", 0)
    (spread,) = read()
    for one, other in zip(inline.outcomes, spread.outcomes, strict=True):
        assert (one.run.name, one.variant, one.label, list(one.others)) == (
            other.run.name, other.variant, other.label, list(other.others)
        )  # fmt: skip
        assert np.array_equal(one.reasons.reason, other.reasons.reason) and np.array_equal(one.match, other.match)
