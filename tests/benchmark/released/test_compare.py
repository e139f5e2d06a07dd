"""Paired tests between released runs: who stands against whom, in which regime, with how many seeds; and in words."""

import json

import pytest

from benchmark.analysis.bootstrap import resample
from benchmark.evaluation.evaluate import evaluate_with_matches
from benchmark.paper.tables import read_paper
from benchmark.released.compare import compare_released, compared_readings
from benchmark.released.regimes import Choice, choose
from benchmark.released.verdict import caution, interval_text, number_text, p_text
from benchmark.runs.record import read_runs
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

IMAGES = 40
SQUARE = box(0, 0, 4, 4)
TRUTH = dataset(range(IMAGES), [annotation(image, SQUARE, 0.5 * (image % 2)) for image in range(IMAGES)])


def evaluated(share):
    """Metrics and matches of predictions that find the instances of the first images."""
    return evaluate_with_matches(TRUTH, [detection(image, SQUARE) for image in range(int(share * IMAGES))])


class Released:
    """Released runs whose variants each find a share of all instances."""

    def __init__(self, results):
        self.results, self.shares = results, {}

    def add(self, name, model, variants, **options):
        metrics = {variant: evaluated(share)[0] for variant, share in variants.items()}
        folder = self.results.add_run(name, model, metrics, **options)
        for variant, share in variants.items():
            (folder / f"predictions.{variant}.json").write_text("[]")
            self.shares[name, variant] = share

    @property
    def runs_and_table(self):
        return read_runs(self.results.folder / "released"), read_paper(self.results.folder / "paper")["table1"]

    def compare(self):
        runs, table = self.runs_and_table
        found = {reading: evaluated(self.shares[reading]) for reading in compared_readings(runs, table)}
        resamples = {key: resample(matches, metrics, 4000) for key, (metrics, matches) in found.items()}
        return json.loads(json.dumps(compare_released(runs, table, resamples), allow_nan=False))


@pytest.fixture
def released(results):
    """Both sides in two tiers. Of the detector's variants one is the paper's best, another one ours."""
    released = Released(results)
    released.add("e2", "layered-embedding", {"default": 0.8, "clustering-paper": 0.6, "clustering-ground-truth": 1.0})
    released.add("e3", "layered-embedding", {"default": 0.9, "clustering-paper": 0.5, "tuned": 0.85}, layers=3)
    released.add("e-short", "layered-embedding", {"default": 0.1}, tier="short", images=30_000)
    released.add("d", "detectron2-mask-rcnn", {"nms-0.1": 0.3, "nms-0.7": 0.2, "coco-nms-0.5": 1.0})
    return released


def read_as(entry):
    return tuple((entry[side]["runs"], entry[side]["variants"], entry[side]["chosen_on"]) for side in ("a", "b"))


def test_regimes_read_both_sides_by_the_same_rule(released):
    compared = released.compare()["sides"]
    paper = (["d"], ["nms-0.7"], "the paper's numbers")  # the best of the paper's Table 1 at N=6, not of our numbers
    best = (["d"], ["coco-nms-0.5"], "evaluation images")
    assert [read_as(entry) for entry in compared["paper"]] == [
        ((["e2"], ["clustering-paper"], "declared"), paper),
        ((["e3"], ["clustering-paper"], "declared"), paper),
    ]
    assert [read_as(entry) for entry in compared["best"]] == [
        ((["e2"], ["default"], "evaluation images"), best),
        ((["e3"], ["tuned"], "tuning scenes"), best),  # though "default" is better here
    ]
    metric = compared["paper"][0]["metrics"]["AR100"]
    assert metric["a"] == {"mean": 0.6, "deviation": None, "count": 1}
    assert metric["value"] == pytest.approx(0.4)
    assert metric["low"] < 0.4 < metric["high"] and metric["verdict"] == "better"
    assert "AR_partial" not in compared["paper"][0]["metrics"]
    assert compared["best"][0]["metrics"]["AR100"]["verdict"] == "worse"


def test_verdicts_come_after_holm(released):
    """Twelve tests at their floor of 2/4001 and two of e2 against d: the smallest counts twelve times and more."""
    metrics = [entry["metrics"] for entry in released.compare()["sides"]["paper"]]
    tests = [test for of_entry in metrics for test in of_entry.values()]
    smallest = min(tests, key=lambda test: test["p_value"])
    assert smallest["holm"] == pytest.approx(smallest["p_value"] * len(tests), abs=1e-5)
    assert all((test["holm"] < 0.05) == (test["verdict"] != "not told apart") for test in tests)


def test_seeds_are_one_side(released):
    released.add("e2-again", "layered-embedding", {"default": 0.7, "clustering-paper": 0.4}, seed=1)
    entry = released.compare()["sides"]["paper"][0]
    assert (entry["a"]["runs"], entry["seeds"]) == (["e2", "e2-again"], [2, 1])
    metric = entry["metrics"]["AR100"]
    assert metric["a"] == {"mean": 0.5, "deviation": pytest.approx(0.141421), "count": 2}
    assert metric["value"] == pytest.approx(0.3)
    assert caution(entry) == "2 against 1 runs."


def test_layers_and_other_models_stand_in_tables_of_their_own(released):
    compared = released.compare()
    (entry,) = compared["layers"]["paper"]
    assert read_as(entry)[0][0] == ["e3"] and entry["metrics"]["AR100"]["value"] == pytest.approx(-0.1)
    released.add("t", "torchvision-mask-rcnn", {"nms-0.1": 0.2, "nms-0.7": 0.35})
    pairs = [(e["a"]["runs"][0], e["b"]["runs"][0]) for e in released.compare()["sides"]["paper"]]
    assert set(pairs) == {("t", "d"), ("t", "e2"), ("e2", "d"), ("t", "e3"), ("e3", "d")}


def test_recall_by_occlusion_has_a_verdict_in_each_bin_with_instances(released):
    recall = released.compare()["sides"]["paper"][0]["recall_by_occlusion"]
    assert len(recall["edges"]) == 11
    assert [place for place, verdict in enumerate(recall["verdict"]) if verdict is not None] == [0, 5]
    assert recall["verdict"][0] == "better" and recall["low"][0] < recall["value"][0] < recall["high"][0]


def test_a_model_that_the_paper_lacks_is_read_as_declared(released):
    released.add("m", "module:Model", {"first": 0.3, "second": 0.5})
    runs, table = released.runs_and_table
    run = next(run for run in runs if run.name == "m")
    assert choose("paper", run, table) == Choice("first", "declared")
    assert choose("best", run, table) == Choice("second", "evaluation images")


def test_what_chose_the_readings_is_said(released):
    words = caution(released.compare()["sides"]["best"][0])
    assert words.startswith("One run a side: another seed may say otherwise.")
    assert "detectron2-mask-rcnn's reading (coco-nms-0.5) was chosen on the evaluation images, in its favour." in words


def test_numbers_have_the_digits_that_they_need():
    assert interval_text(-0.0043, -0.0003) == "[−0.0043, −0.0003]"
    assert interval_text(-0.0043, 0.01) == "[−0.004, +0.010]"
    assert interval_text(0, 0.01) == "[0.000, +0.010]"
    assert number_text(-0.0001) == "0.000"
    assert (p_text(0.4123, False), p_text(0.00123, False), p_text(2 / 10_001, True)) == ("0.412", "0.001", "≤ 0.0002")
