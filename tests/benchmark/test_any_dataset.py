"""Training, prediction and evaluation on a data set that is not scenes, from the command line."""

import gzip
import json
import shutil

import cv2
import numpy as np
import pytest
from safetensors import safe_open

from benchmark.cli import main
from benchmark.evaluation.evaluate import evaluate
from benchmark.models.registry import find_adapter, untrained_names
from benchmark.runs.manifest import read_manifest
from datasets.coco import decode_masks
from datasets.made import CATEGORIES, make_dataset
from tests.models import registered

MODELS = registered(besides=(*untrained_names(), "layered-embedding"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "objects"
    make_dataset(2, 3, path)
    return path


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    assert train("layered-embedding", folder, folder, out, images=4) == 0
    return out


def train(model, folder, evaluated_on, out, images, *options):
    arguments = ["--preset", "smoke", "--dataset", str(folder), "--evaluation-dataset", str(evaluated_on)]
    arguments += ["--images", str(images), "--set", "training.warmup_images=0", "--out", str(out), *options]
    return main(["train", model, *arguments])


def test_a_run_knows_its_data_set(run, folder):
    manifest = read_manifest(run)
    assert manifest["scenes"]["label"] == "objects" and manifest["scenes"]["categories"] == list(CATEGORIES)
    with safe_open(run / "weights.safetensors", "numpy") as weights:  # the preset says one channel
        assert weights.get_slice("encoder.model.conv1.weight").get_shape()[1] == 3
    assert manifest["dataset"]["content_hash"] == manifest["scenes"]["content_hash"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics["default"]) >= {"AP", "AR_heavy"}
    assert main(["predict", str(run), "--dataset", str(folder), "--out", str(run / "found.json")]) == 0
    sizes = {tuple(entry["segmentation"]["size"]) for entry in json.loads((run / "found.json").read_text())}
    assert sizes <= {(375, 1242), (480, 640)}  # the images' own


def test_pictures_are_predicted_and_drawn(run, tmp_path, capsys):
    """Four training images teach nothing, but whatever the model finds is drawn where it is said to be."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, size in (("wide", (90, 300, 3)), ("tall", (130, 60, 3))):
        cv2.imwrite(str(pictures / f"{name}.png"), np.random.default_rng(0).integers(0, 256, size, np.uint8))
    arguments = ["predict", str(run), "--images", str(pictures), "--min-score", "0", "--draw", str(tmp_path / "drawn")]
    assert main([*arguments, "--out", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    for name, image_id, shape in (("tall", 1, (130, 60)), ("wide", 2, (90, 300))):
        drawn = tmp_path / "drawn" / name
        assert cv2.imread(str(drawn / "overlay.png")).shape == (*shape, 3)
        instances = json.loads((drawn / "instances.json").read_text())["instances"]
        own = sorted((entry for entry in found if entry["image_id"] == image_id), key=lambda entry: -entry["score"])
        assert [entry["bbox"] for entry in instances] == [entry["bbox"] for entry in own]
        for instance, entry in zip(instances, own, strict=True):
            mask = cv2.imread(str(drawn / instance["mask"]), cv2.IMREAD_UNCHANGED)
            assert instance["category"] in CATEGORIES
            assert np.array_equal(mask, decode_masks([entry["segmentation"]])[0] * np.uint8(255))
    assert main(arguments) == 2
    assert "drawn: found something there, expected a new folder for drawings" in capsys.readouterr().err


def test_another_data_set_is_refused_in_one_line(run, folder, tmp_path, capsys):
    other = shutil.copytree(folder, tmp_path / "other")
    document = json.loads((other / "annotations.json").read_text())
    document["categories"][0]["name"] = "cube"
    document["annotations"][0]["iscrowd"] = 1
    (other / "annotations.json").write_text(json.dumps(document))
    assert main(["predict", str(run), "--dataset", str(other), "--out", str(tmp_path / "out.json")]) == 2
    said = capsys.readouterr().err
    assert "categories: found cube, brick, ring, star, drop, expected those that" in said
    assert "annotations.json: 1 crowd regions left out" in said
    assert not (tmp_path / "out.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_learned_model_takes_it(model, folder, tmp_path):
    assert train(model, folder, folder, tmp_path / "run", 8) == 0


BOXES = (
    "training.batch_size=2",
    "training.optimizer=muon",
    "training.learning_rate=3e-3",
    "training.warmup_images=100",
)
"""A few hundred images are too few for a detector in batches of eight with AdamW."""

BUDGETS = {
    "layered-embedding": (2_000, ("training.warmup_images=200",)),
    "dynamic-masks": (1_200, ("training.warmup_images=200",)),
    "mask2former": (2_000, ("training.warmup_images=200",)),
    "torchvision-mask-rcnn": (800, BOXES),
    "detectron2-mask-rcnn": (800, BOXES),
}


@pytest.mark.slow
@pytest.mark.parametrize("model", BUDGETS)
def test_every_learned_model_learns_beyond_chance(model, tmp_path):
    """60 images, 48 of them to learn from; AP50 at the images' own sizes."""
    make_dataset(48, 0, tmp_path / "train")
    make_dataset(12, 1, tmp_path / "val")
    images, settings = BUDGETS[model]
    options = [part for setting in settings for part in ("--set", setting)]
    assert train(model, tmp_path / "train", tmp_path / "val", tmp_path / "run", images, *options) == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    told = {name for name, reading in find_adapter(model).readings.items() if reading.uses_ground_truth}
    best = max(set(metrics) - told, key=lambda variant: metrics[variant]["AP50"])
    with gzip.open(tmp_path / "run" / f"predictions.{best}.json.gz") as file:
        found = json.load(file)
    # chance: the same masks on the next image of the same size, which is five places further
    following = {image: image + 5 if image + 5 <= 12 else (image - 1) % 5 + 1 for image in range(1, 13)}
    elsewhere = [{**entry, "image_id": following[entry["image_id"]]} for entry in found]
    chance = evaluate(tmp_path / "val" / "annotations.json", elsewhere)["AP50"]
    print(f"{model}: {best}, {metrics[best]}, chance {chance}")
    assert metrics[best]["AP50"] > max(0.1, 3 * chance)
