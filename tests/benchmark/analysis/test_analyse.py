"""What is written of one results file."""

import json

from benchmark.analysis import analyse
from benchmark.analysis.analyse import Analysis, analyse_files
from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.validate import read_annotations
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


def test_files_in_parallel_and_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(analyse, "WORTH_PROCESSES", 0)
    (tmp_path / "annotations.json").write_text(json.dumps(truth()))
    predictions = {}
    for share in (0.25, 0.5):
        predictions[str(share)] = tmp_path / f"{share}.json"
        predictions[str(share)].write_text(json.dumps(finding(share)))
    alone, together = (analyse_files(tmp_path / "annotations.json", predictions, processes) for processes in (1, 2))
    assert {name: a.summary for name, a in alone.items()} == {name: a.summary for name, a in together.items()}
    assert list(together) == ["0.25", "0.5"]
    assert together["0.25"].metrics["AR100"] == 0.25


def test_quality_needs_visible_masks_for_hidden_parts_alone():
    found = Analysis.of(read_annotations(truth()), finding(0.5)).summary["quality"]
    assert (found["mean_iou"], found["mean_iou_hidden"]) == (1.0, None)
    assert found["calibration_error"] == 0.5  # all score .5, all are true
    whole = read_annotations(truth())
    visible = dict.fromkeys(whole.annotation_ids, box(0, 0, 4, 2))
    assert Analysis.of(whole, finding(0.5), visible).summary["quality"]["mean_iou_hidden"] == 1.0


def test_curves_and_bins_of_scores():
    """Half the instances are found, all of score .5: precision 1 up to recall .5; one bin of score, all true."""
    found = analysis(0.5).summary
    assert found["precision"]["0.50"] == found["precision"]["0.75"] == [1.0] * 51 + [0.0] * 50
    assert found["calibration"]["detections"] == [0] * 5 + [IMAGES // 2] + [0] * 4
    assert found["calibration"]["mean_score"] == [None] * 5 + [0.5] + [None] * 4
    assert found["calibration"]["true"] == [None] * 5 + [1.0] + [None] * 4
    assert found["hidden"] == {"AP": None, "AP50": None, "instances": 0, "parts_from": None}
    assert Analysis.of(read_annotations(dataset([1], [])), []).summary["precision"]["0.50"] == [None] * 101
