"""Run folders: what train, resume and overwrite do to them, and what a manifest says."""

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from benchmark.adapter import Adapter, Detections, Picture
from benchmark.cli import main
from benchmark.engine.settings import TrainingSettings
from benchmark.models.presets import preset_from_values, with_setting
from benchmark.runs.folder import read_metrics
from benchmark.runs.make import load_run
from benchmark.runs.manifest import read_manifest
from benchmark.runs.pictures import read_pictures
from benchmark.runs.record import read_run
from datasets.errors import InputError

MODEL = f"{__name__}:Trainable"

pytestmark = pytest.mark.usefixtures("own_folders")


@dataclass(frozen=True)
class Preset:
    width: int = 3
    sizes: tuple[int, ...] = (1, 2)
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(images=20))


class Trainable(Adapter):
    """Counts images; "predicts" the annotated masks, as many as it has seen images."""

    presets = {"tiny": Preset(), "smoke": replace(Preset(), width=2)}
    prediction_settings = ("sizes",)
    variants = ("default", "half-score")

    def train(self, run):
        seen = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
        last = run.max_images or run.preset.training.images
        seen = seen + 5 if run.max_minutes is not None else max(seen, last)
        run.checkpoint.write_text(str(seen))
        run.training_log.write_text(f"images,seconds\n{seen},{seen / 10}\n")
        run.weights.write_text("weights")
        return seen >= run.preset.training.images

    def predict(self, dataset, run, variants):
        for image_id in dataset.image_ids:
            masks = dataset.masks(image_id)
            categories = np.ones(len(masks), int)
            yield (
                image_id,
                {
                    name: Detections(masks, np.full(len(masks), 0.5 if "half" in name else 1.0), categories)
                    for name in variants
                },
            )

    def pictures(self, dataset, run, image_id):
        return [Picture("Layer 1", "Classes", "classes", np.ones((64, 64), int))]


def train(folder, *options):
    return main(["train", MODEL, "--preset", "tiny", "--instances-per-class", "2", "--device", "cpu",
                 "--evaluation-images", "3", "--out", str(folder), *options])  # fmt: skip


def test_train_predicts_evaluates_and_writes_the_folder(tmp_path):
    folder = tmp_path / "run"
    assert train(folder) == 0
    manifest = read_manifest(folder)
    assert manifest["images_seen"] == 20 and manifest["finished"] and manifest["tier"] == "20 images"
    assert manifest["command"].startswith(f"run_benchmark.py train {MODEL} --preset tiny")
    assert manifest["hyperparameters"]["width"] == 3
    assert manifest["scenes"] == {"counts": [2, 2, 2], "label": "2"}
    assert manifest["hardware"]["cores"] >= 1 and "numpy" in manifest["libraries"]
    assert manifest["dataset"]["images"] == 3 and len(manifest["dataset"]["content_hash"]) == 64
    assert manifest["wall_time_seconds"]["training"] == 2.0
    assert read_metrics(folder)["default"]["AP"] == pytest.approx(1.0)
    assert list(read_metrics(folder)) == ["default", "half-score"]
    assert (folder / "predictions.default.json.gz").exists()
    image_id, (picture,) = read_pictures(folder)
    assert image_id == 1 and picture.caption == "Classes"


def test_default_folder_is_named_after_the_run(tmp_path):
    assert (
        main(["train", MODEL, "--preset", "tiny", "--layers", "3", "--evaluation-images", "2", "--device", "cpu"]) == 0
    )
    assert (tmp_path / "runs" / "Trainable-tiny-n6-l3" / "metrics.json").exists()


def test_a_folder_with_a_run_is_neither_mixed_nor_lost(tmp_path, capsys):
    folder = tmp_path / "run"
    train(folder)
    assert train(folder) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "--resume" in error and "--overwrite" in error
    assert train(folder, "--overwrite") == 0


def test_overwrite_spares_folders_that_are_no_run(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert train(tmp_path, "--overwrite") == 2
    assert "no manifest.json" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()


def test_stop_and_resume(tmp_path, capsys):
    folder = tmp_path / "run"
    assert train(folder, "--max-minutes", "1") == 0
    assert "--resume" in capsys.readouterr().out
    assert not read_manifest(folder)["finished"] and read_manifest(folder)["images_seen"] == 5
    assert not (folder / "metrics.json").exists()
    assert train(folder, "--resume") == 0
    assert read_manifest(folder)["finished"] and read_manifest(folder)["images_seen"] == 20


def test_a_part_of_the_budget_is_evaluated_and_goes_on_later(tmp_path):
    folder = tmp_path / "run"
    assert train(folder, "--max-images", "10", "--variants", "half-*") == 0
    manifest = read_manifest(folder)
    assert (manifest["images_seen"], manifest["images_budget"], manifest["finished"]) == (10, 20, False)
    run = read_run(folder)  # not a run of 10 images: its learning rate has not come down
    assert (run.tier, run.status, run.tier_and_status) == (
        "20 images",
        "stopped at 10 images",
        "20 images, stopped at 10 images",
    )
    assert list(read_metrics(folder)) == ["half-score"]
    (folder / "checkpoint.pt").unlink()  # the weights are enough to predict again
    assert train(folder, "--max-images", "10", "--resume", "--variants", "default") == 0
    assert list(read_metrics(folder)) == ["default", "half-score"] and not (folder / "checkpoint.pt").exists()
    assert train(folder, "--resume") == 0
    assert read_manifest(folder)["finished"] and read_run(folder).tier_and_status == "20 images"


def test_a_part_of_the_budget_holds_an_image(tmp_path, capsys):
    assert train(tmp_path / "run", "--max-images", "0") == 2
    assert "--max-images: found 0" in capsys.readouterr().err and not (tmp_path / "run").exists()


def test_variants_to_predict_are_known_before_training(tmp_path, capsys):
    assert train(tmp_path / "run", "--variants", "default,nms-*") == 2
    assert "--variants nms-*" in capsys.readouterr().err and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--set", "width=7", "width 3"),
        ("--layers", "3", "layers"),
        ("--seed", "8", "seed"),
        ("--images", "9", "images 20"),
    ],
)
def test_resuming_another_run_is_refused(tmp_path, capsys, option, value, named):
    folder = tmp_path / "run"
    train(folder, "--max-minutes", "1")
    assert train(folder, "--resume", option, value) == 2
    assert named in capsys.readouterr().err.splitlines()[-1]


def test_a_finished_run_takes_new_prediction_settings_without_training(tmp_path, capsys):
    folder = tmp_path / "run"
    train(folder)
    (folder / "checkpoint.pt").unlink()  # as in a clone, where only weights are kept
    (folder / "weights.safetensors").write_text("released")
    assert train(folder, "--resume", "--set", "sizes=[7]") == 0
    assert read_manifest(folder)["hyperparameters"]["sizes"] == [7]
    assert (folder / "weights.safetensors").read_text() == "released"
    assert read_manifest(folder)["images_seen"] == 20 and not (folder / "checkpoint.pt").exists()
    assert train(folder, "--resume", "--set", "width=7") == 2


def test_a_run_predicts_with_the_hyperparameters_it_was_trained_with(tmp_path):
    folder = tmp_path / "run"
    train(folder, "--set", "width=9", "--set", "sizes=[4,5,6]", "--set", "training.learning_rate=1")
    run = load_run(folder)
    assert run.preset.width == 9 and run.preset.sizes == (4, 5, 6) and run.preset.training.learning_rate == 1.0
    out = tmp_path / "p.json"
    arguments = ["predict", folder, "--dataset", tmp_path / "data" / "n2-3-images-seed2000", "--out", out]
    assert main([*map(str, arguments), "--half", "score", "--device", "cpu"]) == 0
    assert {entry["score"] for entry in json.loads(out.read_text())} == {0.5}


def test_a_run_from_before_a_hyperparameter_goes_on_as_its_default(tmp_path, capsys):
    folder = tmp_path / "run"
    train(folder, "--preset", "smoke", "--set", "width=3", "--max-minutes", "1")
    manifest = read_manifest(folder)
    del manifest["hyperparameters"]["width"]  # 3 by default, 2 in the preset
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert load_run(folder).preset.width == 3
    assert train(folder, "--preset", "smoke", "--resume") == 2
    assert "the run has width 3, this command or code width 2" in capsys.readouterr().err
    assert train(folder, "--preset", "smoke", "--set", "width=3", "--resume") == 0


def test_hyperparameters_of_another_version_are_named():
    with pytest.raises(InputError, match=r"manifest.json: hyperparameter 'depth'"):
        preset_from_values(Preset(), {"depth": 3}, "manifest.json")


def test_settings_keep_their_type():
    assert with_setting(Preset(), "training.schedule=cosine").training.schedule == "cosine"
    assert with_setting(Preset(), "training.channels_last=true").training.channels_last is True
    assert with_setting(Preset(), "training.clip_gradient_norm=2").training.clip_gradient_norm == 2
    with pytest.raises(InputError, match="width=wide: found wide, expected a whole number"):
        with_setting(Preset(), "width=wide")


@pytest.mark.parametrize("text", ["{", "[1]", '{"model": "x"}'])
def test_damaged_manifest(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="manifest.json"):
        read_manifest(tmp_path)
