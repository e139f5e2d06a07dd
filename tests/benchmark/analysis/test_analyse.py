"""What is written of one results file, and the paired tests between released runs."""

import json

import numpy as np
import pytest

from benchmark.analysis.analyse import Analysis, analyse_files
from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.validate import read_annotations
from benchmark.released.compare import compare_released
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

IMAGES = 40
SQUARE = box(0, 0, 4, 4)


def truth():
    return dataset(range(IMAGES), [annotation(image, SQUARE, 0.5 * (image % 2)) for image in range(IMAGES)])


def finding(share):
    """Predictions that find the instances of the first images."""
    return [detection(image, SQUARE) for image in range(int(share * IMAGES))]


def analysis(share):
    return Analysis.of(read_annotations(truth()), finding(share))


def test_summary_is_json_and_agrees_with_the_evaluator():
    found = analysis(0.5)
    assert found.metrics == evaluate(truth(), finding(0.5))
    summary = json.loads(json.dumps(found.summary, allow_nan=False))
    assert list(summary["intervals"]) == list(found.metrics)
    low, high = summary["intervals"]["AR100"]
    assert low < 0.5 < high and low == round(low, 6)
    assert summary["intervals"]["AR_partial"] is None
    assert summary["errors"]["missed"]["unmatched_instances"] == IMAGES / 2
    recall = summary["recall_by_occlusion"]
    assert recall["instances"][0] == recall["instances"][5] == IMAGES / 2
    assert recall["recall"][0] == 0.5 and recall["recall"][1] is None


def test_without_instances_there_is_nothing_to_say():
    found = Analysis.of(read_annotations(dataset([1], [])), [])
    assert found.summary["errors"] is None and found.summary["intervals"]["AP"] is None


def test_files_in_parallel_and_one_by_one(tmp_path):
    (tmp_path / "annotations.json").write_text(json.dumps(truth()))
    predictions = {}
    for share in (0.25, 0.5):
        predictions[str(share)] = tmp_path / f"{share}.json"
        predictions[str(share)].write_text(json.dumps(finding(share)))
    alone, together = (analyse_files(tmp_path / "annotations.json", predictions, processes) for processes in (1, 2))
    assert {name: a.summary for name, a in alone.items()} == {name: a.summary for name, a in together.items()}
    assert list(together) == ["0.25", "0.5"]
    assert together["0.25"].metrics["AR100"] == 0.25


@pytest.fixture
def released(results):
    """Both sides in two tiers; of the detector's variants one is best in each metric."""
    shares = {}

    def add(name, model, variants, **options):
        analyses = {variant: analysis(share) for variant, share in variants.items()}
        results.add_run(name, model, {variant: found.metrics for variant, found in analyses.items()}, **options)
        shares[name] = analyses

    add("e2", "layered-embedding", {"default": 0.8, "clustering-paper": 0.9})
    add("e3", "layered-embedding", {"default": 0.95}, layers=3)
    add("e-short", "layered-embedding", {"default": 0.1}, tier="short", images=30_000)
    add("d", "detectron2-mask-rcnn", {"nms-0.1": 0.5, "nms-0.7": 0.7, "coco-nms-0.5": 1.0})
    return results.folder, shares


def test_each_embedding_stands_against_the_best_threshold_of_its_tier(released):
    compared = compare_released(*released)
    found = compared["sides"]
    assert [entry["a"] for entry in found] == [{"run": "e2", "variant": "default"}, {"run": "e3", "variant": "default"}]
    metric = found[0]["metrics"]["AR100"]
    assert metric["b"] == {"run": "d", "variant": "nms-0.7"}  # not a variant that Table 1 does not list
    assert metric["value"] == pytest.approx(0.1)
    assert metric["low"] <= 0.1 <= metric["high"] and 0 < metric["p_value"] <= 1
    assert "AR_partial" not in found[0]["metrics"]
    against_any = compared["any-nms"][0]["metrics"]["AR100"]
    assert against_any["b"] == {"run": "d", "variant": "coco-nms-0.5"}
    assert against_any["value"] == pytest.approx(-0.2)


def test_recall_by_occlusion_is_compared_with_the_rival_of_highest_ap(released):
    entry = compare_released(*released)["sides"][0]
    recall = json.loads(json.dumps(entry["recall_by_occlusion"], allow_nan=False))
    assert recall["b"] == {"run": "d", "variant": "nms-0.7"} and len(recall["edges"]) == 11
    filled = [place for place, value in enumerate(recall["value"]) if value is not None]
    assert filled == [0, 5]  # occlusion rates 0 and .5
    for place in filled:
        assert recall["value"][place] == pytest.approx(0.1)
        assert recall["low"][place] <= 0.1 <= recall["high"][place]
    assert recall["low"][1] is None and recall["high"][1] is None


def test_more_layers_against_fewer(released):
    (entry,) = compare_released(*released)["layers"]
    assert (entry["a"]["run"], entry["metrics"]["AP"]["b"]["run"]) == ("e3", "e2")
    assert entry["metrics"]["AR100"]["value"] == pytest.approx(0.15)
    assert np.all(np.array([metric["low"] for metric in entry["metrics"].values()]) >= 0)


def test_a_model_that_the_paper_lacks_against_its_mask_rcnn(released, results):
    folder, analyses = released
    analyses["t"] = {variant: analysis(share) for variant, share in {"nms-0.1": 0.2, "nms-0.9": 0.9}.items()}
    metrics = {variant: found.metrics for variant, found in analyses["t"].items()}
    results.add_run("t", "torchvision-mask-rcnn", metrics)
    analyses["t-short"] = analyses["t"]
    results.add_run("t-short", "torchvision-mask-rcnn", metrics, tier="short", images=30_000)  # has no rival
    (entry,) = compare_released(folder, analyses)["baselines"]
    assert entry["a"] == {"run": "t", "variant": "nms-0.9"}
    assert entry["metrics"]["AR100"]["b"] == {"run": "d", "variant": "nms-0.7"}
    assert entry["metrics"]["AR100"]["value"] == pytest.approx(0.2)


def test_other_hyperparameters_are_no_study_of_layers(released):
    folder, analyses = released
    manifest = folder / "released" / "e3" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "hyperparameters": {"width": 3}}))
    assert compare_released(folder, analyses)["layers"] == []
