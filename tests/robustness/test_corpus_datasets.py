"""Every broken data set or file of predictions ends with exit code 2 and one line; nothing is written."""

import copy
import json
import shutil
import warnings

import numpy as np
import pytest

from benchmark import cli
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from tests.robustness.corpus import FILE_NAMES, UNREADABLE, bad_images, bad_masks, mutated, with_changes

UNTRAINED = "ground-truth-layers"


@pytest.fixture
def dataset(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "set")


@pytest.fixture
def predict(refused, tmp_path):
    """Predicts on a folder, which must be refused."""

    def run(case, folder, told=""):
        refused(case, "predict", UNTRAINED, "--dataset", folder, "--out", tmp_path / "out.json", told=told)

    return run


def write(path, document):
    path.write_text(json.dumps(document))


DATASET_KEYS = {
    "images": ("id", "file_name"),
    "categories": ("id",),
    "annotations": ("image_id", "category_id", "segmentation"),
}

WRONG_COUNTS = (None, [1], [1.5, 2, 2], [0, 0, 0], [10**9, 0, 0], ["a", 1, 1], [9, 9, 9])


@pytest.mark.area("predict --dataset: annotations")
def test_annotations_of_a_dataset(corpus, predict, dataset, tmp_path):
    path = dataset / "annotations_64.json"
    document = json.loads(path.read_text())
    for name, content in corpus.some(UNREADABLE.items()):
        path.write_bytes(content)
        predict(name, dataset, "annotations_64.json")
    for name, changed in corpus.some(with_changes(document, DATASET_KEYS)):
        write(path, changed)
        predict(name, dataset, "annotations_64.json")
    for name, mask in corpus.some(bad_masks().items()):
        changed = copy.deepcopy(document)
        changed["annotations"][0]["segmentation"] = mask
        write(path, changed)
        predict(name, dataset, "segmentation")
    info = document["info"]
    for wrong in corpus.some(
        (None, [], 3, {**info, "seed": -1}, {**info, "seed": "x"}, {**info, "seed": 2**70},
         {**info, "parameters": None}, *({**info, "parameters": {"counts": counts}} for counts in WRONG_COUNTS))
    ):  # fmt: skip
        write(path, {**document, "info": wrong})
        predict(f"info {wrong}", dataset)
    for annotations in dataset.glob("annotations*.json"):
        annotations.unlink()
    predict("no annotations", dataset)
    predict("no folder", tmp_path / "nowhere")
    predict("a file", dataset / "images" / "000001.png")


@pytest.mark.area("predict --dataset: images and their names")
def test_images_of_a_dataset(corpus, predict, exported, dataset):
    """Every command reads images through this door; the oracle alone never looks at them."""
    image, path = dataset / "images" / "000001.png", dataset / "annotations_64.json"
    good = image.read_bytes()
    for name, content in corpus.some(bad_images(good).items()):
        image.write_bytes(content)
        with corpus.case(name), pytest.raises(InputError, match="000001.png") as error, warnings.catch_warnings():
            warnings.simplefilter("error")
            ExportedDataset(dataset).image(1)
        assert "\n" not in str(error.value), name
    image.write_bytes(good)
    document = json.loads(path.read_text())
    for name in corpus.some(FILE_NAMES):
        changed = copy.deepcopy(document)
        changed["images"][0]["file_name"] = name
        write(path, changed)
        predict(f"file name {name!r}", dataset)


EVALUATOR_KEYS = {
    "images": ("id", "width", "height"),
    "categories": ("id",),
    "annotations": ("id", "image_id", "category_id", "segmentation", "occlude_rate", "order"),
}
ALLOWED = ("annotations[0].occlude_rate 0.5", "annotations[0].id -1", "annotations[0].segmentation [[]]")
PREDICTION_KEYS = ("image_id", "category_id", "segmentation", "score")


@pytest.mark.area("evaluate: annotations and predictions")
def test_evaluate(corpus, refused, exported, tmp_path):
    annotations, path, out = exported / "annotations_64.json", tmp_path / "file.json", tmp_path / "run"
    document = json.loads(annotations.read_text())
    good = {"image_id": 1, "category_id": 1, "segmentation": document["annotations"][0]["segmentation"], "score": 0.5}
    write(tmp_path / "good.json", [good])

    def evaluate(case, truth, found):
        refused(case, "evaluate", "--annotations", truth, "--predictions", found, "--out", out, "--model", "m",
                "--json", tmp_path / "metrics.json")  # fmt: skip

    for name, content in corpus.some(UNREADABLE.items()):
        path.write_bytes(content)
        evaluate(name, path, tmp_path / "good.json")
        if name != "a list":  # a model that finds nothing
            evaluate(name, annotations, path)
    for name, changed in corpus.some(with_changes(document, EVALUATOR_KEYS)):
        if name not in ALLOWED:
            write(path, changed)
            evaluate(name, path, tmp_path / "good.json")
    for width in corpus.some((2**16, 2**32, 2**62)):
        write(path, {**document, "images": [{**document["images"][0], "width": width, "height": width}]})
        evaluate(f"width {width}", path, tmp_path / "good.json")
    for name, changed in corpus.some(with_changes({"d": [good]}, {"d": PREDICTION_KEYS})):
        if name.startswith("d[0]") and not name.endswith("score 0.5"):
            write(path, changed["d"])
            evaluate(name, annotations, path)
    for name, mask in corpus.some(bad_masks().items()):
        write(path, [{**good, "segmentation": mask}])
        evaluate(name, annotations, path)


FORMATS = ("benchmark", "coco", "cocoa", "kins")


@pytest.mark.area("convert: formats of other data sets")
@pytest.mark.parametrize("source", FORMATS)
def test_convert(corpus, refused, handled, exported, tmp_path, source):
    path, out, good = tmp_path / "file.json", tmp_path / "o.json", exported / "annotations_64.json"
    for name, content in corpus.some(UNREADABLE.items()):
        path.write_bytes(content)
        target = "benchmark" if source != "benchmark" else "kins"
        refused(name, "convert", "--from", source, "--to", target, "--annotations", path, "--out", out)
    if source != "benchmark":
        made = tmp_path / "made.json"
        command = ("convert", "--from=benchmark", f"--to={source}", f"--annotations={good}", f"--out={made}")
        assert cli.main([str(argument) for argument in command]) == 0
        good = made
    document = json.loads(good.read_text())
    for number, (name, changed) in enumerate(corpus.some(mutated(document, 100))):
        write(path, changed)
        target = FORMATS[number % len(FORMATS)]
        handled(f"{source} to {target}: {name}", "convert", "--from", source, "--to", target, "--annotations", path,
                "--out", out)  # fmt: skip
    nan = float("nan")
    for name, changed in (
        ("info", {**document, "info": [1]}),
        ("NaN in info", {**document, "info": {"a": nan}}),
        ("NaN as a name", {**document, "categories": [{"id": 1, "name": nan}]}),
        ("NaN beside a name", {**document, "categories": [{**c, "x": nan} for c in document.get("categories", [{}])]}),
    ):
        if source == "benchmark":
            write(path, changed)
            refused(name, "convert", "--from", source, "--to", "kins", "--annotations", path, "--out", out)


@pytest.mark.area("evaluate: annotations and predictions")
def test_evaluate_with_one_value_changed_anywhere(corpus, handled, exported, tmp_path):
    annotations, path, found = exported / "annotations_64.json", tmp_path / "file.json", tmp_path / "found.json"
    document = json.loads(annotations.read_text())
    keys = ("image_id", "category_id", "segmentation", "bbox", "order")
    predictions = [{**{key: entry[key] for key in keys}, "score": 0.5} for entry in document["annotations"]]
    write(found, predictions)
    for name, changed in corpus.some(mutated(document, 100, seed=1)):
        write(path, changed)
        handled(name, "evaluate", "--annotations", path, "--predictions", found)
    for name, changed in corpus.some(mutated(predictions, 100, seed=2)):
        write(path, changed)
        handled(name, "evaluate", "--annotations", annotations, "--predictions", path)


def test_what_is_not_broken_passes(exported, tmp_path, capsys):
    """The corpus would be worth little if the untouched dataset were refused too."""
    out, annotations = tmp_path / "out.json", exported / "annotations_64.json"
    assert cli.main(["predict", UNTRAINED, "--dataset", str(exported), "--out", str(out)]) == 0
    assert cli.main(["evaluate", "--annotations", str(annotations), "--predictions", str(out)]) == 0
    assert np.isfinite(float(capsys.readouterr().out.split("AP75")[1].split()[0]))
