"""The transcription of the paper, against what its text says about its own tables."""

from pathlib import Path

import pytest

from benchmark.paper.tables import MAIN_METRICS, read_paper
from datasets.errors import InputError

PAPER = Path(__file__).parents[3] / "results" / "paper"


@pytest.fixture(scope="module")
def paper():
    return read_paper(PAPER)


def test_row_counts(paper):
    assert len(paper["table1"].rows) == 12
    assert len(paper["table2"].rows) == 9
    assert paper["table2"].rows["AP"].notna().sum() == 5
    assert len(paper["ablation"].rows) == 8


def test_table1_is_complete_and_in_range(paper):
    numbers = paper["table1"].rows[list(MAIN_METRICS)]
    assert numbers.notna().all(axis=None)
    assert ((numbers > 0) & (numbers < 1)).all(axis=None)


@pytest.mark.parametrize("n", ["6", "12"])
def test_winners_that_the_text_names(paper, n):
    """Section 5: ours wins AP, AP50 and recall of none and partial; AP75 at t=0.7; AR100 and heavy at t=0.9."""
    rows = paper["table1"].rows
    best = rows[rows["instances_per_class"] == n].set_index("run_variant")[list(MAIN_METRICS)].idxmax()
    expected = {"AP75": "nms-0.7", "AR100": "nms-0.9", "AR_heavy": "nms-0.9"}
    assert best.to_dict() == {metric: expected.get(metric, "default") for metric in MAIN_METRICS}


def test_metrics_are_ordered_as_their_definitions_require(paper):
    for name in ("table1", "table2"):
        rows = paper[name].rows.dropna(subset=["AP"])
        assert (rows["AP50"] >= rows["AP75"]).all()
        assert (rows["AR_none"] >= rows["AR_partial"]).all()
        assert (rows["AR_partial"] >= rows["AR_heavy"]).all()


def test_more_layers_are_better(paper):
    rows = paper["table2"].rows.dropna(subset=["AP"])
    for _, of_n in rows.groupby("instances_per_class"):
        assert of_n["AP"].is_monotonic_increasing and of_n["AR_heavy"].is_monotonic_increasing


def test_ablation_repeats_the_tables(paper):
    ablation = paper["ablation"].rows.set_index(["instances_per_class", "run_variant"])["AP"]
    for name, variant, table_variant in (
        ("table1", "default", "default"),
        ("table2", "layers-2", "layers-2"),
    ):
        table = paper[name].rows.set_index(["instances_per_class", "run_variant"])["AP"]
        for n in ("6", "12"):
            assert ablation[n, variant] == table[n, table_variant]


def test_a_number_that_is_none_names_the_file(tmp_path):
    for source in PAPER.glob("*.csv"):
        (tmp_path / source.name).write_text(source.read_text().replace("0.7673", "O.7673"))
    with pytest.raises(InputError, match=r"ablation\.csv|table1\.csv"):
        read_paper(tmp_path)
