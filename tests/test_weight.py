"""What lies in ``results/`` is worth its space in every clone."""

from pathlib import Path

from benchmark.paper.tables import read_paper
from benchmark.released.select import unshown_predictions
from benchmark.runs.record import read_runs

RESULTS = Path(__file__).parent.parent / "results"

MOST_MEGABYTES = 130


def test_results_are_small():
    megabytes = sum(path.stat().st_size for path in RESULTS.rglob("*") if path.is_file()) / 1e6
    assert megabytes <= MOST_MEGABYTES


def test_predictions_are_kept_only_of_what_is_shown():
    assert unshown_predictions(read_runs(RESULTS / "released"), read_paper(RESULTS / "paper")) == []
