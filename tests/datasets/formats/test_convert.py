"""A dataset of the benchmark through the other formats and back, as the evaluator sees it."""

import gzip
import json

import pytest

from benchmark.cli import main
from benchmark.evaluation.evaluate import evaluate
from datasets.export import export_dataset
from datasets.scene import SceneParameters


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("convert") / "dataset"
    export_dataset(SceneParameters((3, 3, 3)), 4, 1005, folder, workers=1)
    return folder


def convert(source, target, annotations, out):
    arguments = ["convert", "--from", source, "--to", target, "--annotations", str(annotations), "--out", str(out)]
    return main(arguments)


def predictions(document):
    """Half of the annotated masks as they are, the others' visible masks; orders that are wrong here and there."""
    return [
        {
            "image_id": entry["image_id"],
            "category_id": entry["category_id"],
            "segmentation": entry["segmentation" if number % 2 else "visible_mask"],
            "visible_mask": entry["visible_mask"],
            "score": 1 / (1 + number),
            "order": entry["order"] if number % 3 else 1,
        }
        for number, entry in enumerate(document["annotations"])
    ]


@pytest.mark.parametrize("form", ["cocoa", "kins"])
def test_there_and_back(dataset, tmp_path, form):
    original = dataset / "annotations_64.json"
    there, back = tmp_path / "there.json.gz", tmp_path / "back.json"
    assert convert("benchmark", form, original, there) == 0
    assert convert(form, "benchmark", there, back) == 0
    before, after = json.loads(original.read_text()), json.loads(back.read_text())
    orders = {"order"} if form == "kins" else set()  # counted within clusters there
    for old, new in zip(before["annotations"], after["annotations"], strict=True):
        assert {key: old[key] for key in old.keys() - orders} == {key: new[key] for key in new.keys() - orders}
    assert [before[key] for key in ("images", "categories")] == [after[key] for key in ("images", "categories")]
    found = predictions(before)
    metrics = evaluate(before, found)
    assert evaluate(after, found) == metrics and 0 < metrics["order_accuracy"] < 1


def test_polygons_of_kins_alone(dataset, tmp_path):
    """As readers of the 2020 names see it: every mask without a hole is exact."""
    original = dataset / "annotations_64.json"
    there, back = tmp_path / "there.json", tmp_path / "back.json"
    convert("benchmark", "kins", original, there)
    document = json.loads(there.read_text())
    for entry in document["annotations"]:
        del entry["segmentation"], entry["inmodal_seg"]
    there.write_text(json.dumps(document))
    convert("kins", "benchmark", there, back)
    before, after = (json.loads(path.read_text())["annotations"] for path in (original, back))
    assert [entry["segmentation"] for entry in before] == [entry["segmentation"] for entry in after]
    assert all(new["occlude_rate"] <= old["occlude_rate"] for old, new in zip(before, after, strict=True))


def test_visible_masks(dataset):
    document = json.loads((dataset / "annotations_64.json").read_text())
    found = predictions(document)
    metrics = evaluate(document, found, "visible")
    assert metrics["AP"] == metrics["AR1000"] == 1 and "order_accuracy" not in metrics
    assert evaluate(document, found)["AP"] < 1


def test_fault_is_one_line_and_nothing_is_written(dataset, tmp_path, capsys):
    out = tmp_path / "out.json"
    assert convert("cocoa", "benchmark", dataset / "annotations_64.json", out) == 2
    assert convert("kins", "cocoa", dataset / "annotations_64.json", out) == 2
    assert convert("kins", "cocoa", tmp_path / "missing.json", out) == 2
    lines = capsys.readouterr().err.splitlines()
    name, missing = dataset / "annotations_64.json", tmp_path / "missing.json"
    assert lines == [
        f"error: {name}: annotation 0 (id 1): regions: found nothing, expected a list of regions",
        f"error: {name}: annotation 0: found neither inmodal_seg (2019) nor i_segm (2020), expected one of them",
        f"error: {missing}: found no such file, expected a .json or .json.gz file of kins annotations",
    ]
    assert not out.exists()


def test_what_is_left_out_is_said(tmp_path, capsys):
    region = {"segmentation": [0, 0, 1, 1], "name": "dot"}
    document = {"images": [{"id": 1, "width": 4, "height": 4}], "annotations": [{"image_id": 1, "regions": [region]}]}
    path = tmp_path / "cocoa.json.gz"
    path.write_bytes(gzip.compress(json.dumps(document).encode()))
    assert convert("cocoa", "benchmark", path, tmp_path / "out.json") == 0
    assert "0 instances in 1 images, 1 instances without pixels left out" in capsys.readouterr().out
