"""Every broken input ends with exit code 2 and one line; there is no traceback, and nothing is written."""

import copy
import io
import json
import os
import shutil
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from benchmark import cli
from benchmark.engine.checkpoint import load_checkpoint, load_weights, save_checkpoint
from benchmark.engine.rows import read_log
from datasets.errors import InputError
from datasets.export import export_dataset
from datasets.scene import SceneParameters
from tests.robustness.corpus import (
    BAD_LOGS,
    FILE_NAMES,
    MINUTES,
    NUMBERS_FOR_COUNTS,
    NUMBERS_FOR_SEEDS,
    PATHS,
    UNREADABLE,
    bad_images,
    bad_manifests,
    bad_masks,
    malicious_pickle,
    with_changes,
)

UNTRAINED = "ground-truth-layers"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "set"
    export_dataset(SceneParameters((2, 2, 2)), 2, 11, folder, workers=1)
    return folder


@pytest.fixture
def dataset(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "set")


@pytest.fixture
def refused(tmp_path, capfd, own_folders):
    """Runs a command that must fail, and returns the one line that it prints."""

    def run(case, *arguments):
        before = files_of(tmp_path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", DeprecationWarning)  # of libraries among themselves
            code = cli.main([str(argument) for argument in arguments])
        error = capfd.readouterr().err
        lines = [line for line in error.split("\n") if line and not line.startswith("predict ")]
        assert code == 2 and len(lines) == 1 and lines[0].startswith("error: "), f"{case}: exit code {code}, {error!r}"
        assert files_of(tmp_path) == before, f"{case}: left files"
        return lines[0]

    return run


def files_of(folder):
    return {os.path.join(place, name) for place, folders, names in os.walk(folder) for name in folders + names}


def write(path, document):
    path.write_text(json.dumps(document))


def predict(refused, case, dataset, tmp_path):
    return refused(case, "predict", UNTRAINED, "--dataset", dataset, "--out", tmp_path / "out.json")


DATASET_KEYS = {
    "images": ("id", "file_name"),
    "categories": ("id",),
    "annotations": ("image_id", "category_id", "segmentation"),
}


def test_annotations_of_a_dataset(refused, dataset, tmp_path):
    path = dataset / "annotations_64.json"
    document = json.loads(path.read_text())
    for name, content in UNREADABLE.items():
        path.write_bytes(content)
        assert "annotations_64.json" in predict(refused, name, dataset, tmp_path)
    for name, changed in with_changes(document, DATASET_KEYS):
        write(path, changed)
        assert "annotations_64.json" in predict(refused, name, dataset, tmp_path)
    for name, mask in bad_masks().items():
        changed = copy.deepcopy(document)
        changed["annotations"][0]["segmentation"] = mask
        write(path, changed)
        assert "segmentation" in predict(refused, name, dataset, tmp_path)
    for info in (
        None, [], 3, {**document["info"], "seed": -1}, {**document["info"], "seed": "x"},
        {**document["info"], "seed": 2**70}, {**document["info"], "parameters": None},
        *({**document["info"], "parameters": {"counts": counts}} for counts in (None, [1], [1.5, 2, 2], [0, 0, 0],
                                                                                [10**9, 0, 0], ["a", 1, 1], [9, 9, 9])),
    ):  # fmt: skip
        write(path, {**document, "info": info})
        predict(refused, f"info {info}", dataset, tmp_path)
    for annotations in dataset.glob("annotations*.json"):
        annotations.unlink()
    predict(refused, "no annotations", dataset, tmp_path)
    predict(refused, "no folder", tmp_path / "nowhere", tmp_path)
    predict(refused, "a file", dataset / "images" / "000001.png", tmp_path)


def test_images_of_a_dataset(exported, dataset):
    """Every command reads them through this door; the oracle alone never looks at them."""
    from datasets.exported import ExportedDataset

    path = dataset / "images" / "000001.png"
    for name, content in bad_images(path.read_bytes()).items():
        path.write_bytes(content)
        with pytest.raises(InputError, match="000001.png") as error, warnings.catch_warnings():
            warnings.simplefilter("error")
            ExportedDataset(dataset).image(1)
        assert "\n" not in str(error.value), name


def test_file_names_stay_in_the_folder(refused, dataset, tmp_path):
    path = dataset / "annotations_64.json"
    document = json.loads(path.read_text())
    for name in FILE_NAMES:
        changed = copy.deepcopy(document)
        changed["images"][0]["file_name"] = name
        write(path, changed)
        predict(refused, f"file name {name!r}", dataset, tmp_path)


EVALUATOR_KEYS = {
    "images": ("id", "width", "height"),
    "categories": ("id",),
    "annotations": ("id", "image_id", "category_id", "segmentation", "occlude_rate", "order"),
}


ALLOWED = ("annotations[0].occlude_rate 0.5", "annotations[0].id -1", "annotations[0].segmentation [[]]")


def test_evaluate(refused, exported, tmp_path):
    annotations, path, out = exported / "annotations_64.json", tmp_path / "file.json", tmp_path / "run"
    document = json.loads(annotations.read_text())
    good = {"image_id": 1, "category_id": 1, "segmentation": document["annotations"][0]["segmentation"], "score": 0.5}
    write(tmp_path / "good.json", [good])

    def evaluate(case, truth, found):
        refused(case, "evaluate", "--annotations", truth, "--predictions", found, "--out", out, "--model", "m",
                "--json", tmp_path / "metrics.json")  # fmt: skip

    for name, content in UNREADABLE.items():
        path.write_bytes(content)
        evaluate(name, path, tmp_path / "good.json")
        if name != "a list":  # a model that finds nothing
            evaluate(name, annotations, path)
    for name, changed in with_changes(document, EVALUATOR_KEYS):
        if name not in ALLOWED:
            write(path, changed)
            evaluate(name, path, tmp_path / "good.json")
    for width in (2**16, 2**32, 2**62):
        write(path, {**document, "images": [{**document["images"][0], "width": width, "height": width}]})
        evaluate(f"width {width}", path, tmp_path / "good.json")
    for name, changed in with_changes({"d": [good]}, {"d": ("image_id", "category_id", "segmentation", "score")}):
        if name.startswith("d[0]") and not name.endswith("score 0.5"):
            write(path, changed["d"])
            evaluate(name, annotations, path)
    for name, mask in bad_masks().items():
        write(path, [{**good, "segmentation": mask}])
        evaluate(name, annotations, path)


@pytest.mark.parametrize("source", ["benchmark", "cocoa", "kins"])
def test_convert(refused, exported, tmp_path, source):
    path = tmp_path / "file.json"
    for name, content in UNREADABLE.items():
        path.write_bytes(content)
        refused(name, "convert", "--from", source, "--to", "benchmark", "--annotations", path, "--out", tmp_path / "o")
    if source == "benchmark":
        document = json.loads((exported / "annotations_64.json").read_text())
        for name, changed in (
            ("info", {**document, "info": [1]}),
            ("NaN in info", {**document, "info": {"a": float("nan")}}),
            ("NaN as a name", {**document, "categories": [{"id": 1, "name": float("nan")}]}),
            (
                "NaN beside a name",
                {**document, "categories": [{**c, "x": float("nan")} for c in document["categories"]]},
            ),
        ):
            write(path, changed)
            refused(name, "convert", "--from", source, "--to", "kins", "--annotations", path, "--out", tmp_path / "o")


def test_options(refused, exported, tmp_path):
    for value in NUMBERS_FOR_SEEDS:
        refused(value, "export", f"--seed={value}", "--out", tmp_path / "o")
        refused(value, "train", "layered-embedding", "--preset", "smoke", f"--seed={value}")
        refused(value, "train", "layered-embedding", "--preset", "smoke", f"--evaluation-seed={value}")
    for value in NUMBERS_FOR_COUNTS:
        refused(value, "export", f"--images={value}", "--out", tmp_path / "o")
        refused(value, "export", f"--instances-per-class={value}", "--out", tmp_path / "o")
        for option in ("images", "max-images", "evaluation-images", "layers"):
            refused(value, "train", "layered-embedding", "--preset", "smoke", f"--{option}={value}")
    refused("layers", "train", "layered-embedding", "--preset", "smoke", "--layers=5000")
    refused("workers", "train", "layered-embedding", "--preset", "smoke", "--set", "training.workers=1000000")
    for value in MINUTES:
        refused(value, "train", "layered-embedding", "--preset", "smoke", f"--max-minutes={value}")
    annotations = exported / "annotations_64.json"
    for value in PATHS:
        refused(value, "export", f"--out={value}")
        refused(value, "train", "layered-embedding", "--preset", "smoke", f"--out={value}")
        refused(value, "predict", UNTRAINED, "--dataset", exported, f"--out={value}")
        refused(value, "report", f"--out={value}")
        refused(value, "convert", "--from=benchmark", "--to=kins", f"--annotations={annotations}", f"--out={value}")
    both = ("evaluate", f"--annotations={annotations}", f"--predictions={annotations}", f"--out={tmp_path / 'o'}")
    for option in ("--model=", "--model=a\nb", "--model= ", "--images-seen=-1", "--images-seen=x", "--layers=0"):
        refused(option, *both, "--model=m", option)
    for arguments in (
        ["unheard"], ["export"], ["train"], ["train", "unheard"], ["train", "os:system"], ["train", "no.such:Class"],
        ["train", ""], ["predict", "\ud800", "--dataset", ".", "--out", "o"], ["export", "--classes=", "--out", "o"],
        ["evaluate", "--annotations", "a\nb", "--predictions", "c"],
        ["train", "layered-embedding", "--preset", "x\ny"],
    ):  # fmt: skip
        refused(arguments, *arguments)


MANIFEST = {
    "model": "layered-embedding", "preset": "smoke", "hyperparameters": {}, "layers": 2, "seed": 0, "finished": True,
    "scenes": {"counts": [2, 2, 2], "label": "2"},
}  # fmt: skip


def test_manifests(refused, exported, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name, content in bad_manifests(MANIFEST):
        (run / "manifest.json").write_bytes(content)
        refused(name, "predict", run, "--dataset", exported, "--out", tmp_path / "out.json")


def test_training_logs(tmp_path):
    path = tmp_path / "training_log.csv"
    for name, content in BAD_LOGS.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match="training_log.csv") as error:
            read_log(path)
        assert "\n" not in str(error.value), name
    path.write_text("images,seconds,loss\n2,1,nan\n4,2,\n")
    assert [row["images"] for row in read_log(path)] == [2, 4]


def bad_checkpoints(state, marker):
    """Checkpoints of no use; `state` is a good one."""
    yield from ((name, content) for name, content in UNREADABLE.items())
    yield "code", malicious_pickle(marker)
    wrong = [
        [], {}, {"model": state["model"]}, {**state, "model": []}, {**state, "model": {"weight": "x"}},
        {**state, "model": {**state["model"], "weight": torch.zeros(7)}}, {**state, "optimizer": None},
        {**state, "optimizer": {"state": {}, "param_groups": []}},
        {**state, "optimizer": {**state["optimizer"], "state": {0: "x"}}},
        {**state, "optimizer": {**state["optimizer"], "state": {0: {"exp_avg": torch.zeros(3), "step": "x"}}}},
        *({**state, "position": position} for position in (None, {}, {**state["position"], "images": "x"},
            {**state["position"], "images": -1}, {**state["position"], "seconds": float("nan")})),
    ]  # fmt: skip
    group = state["optimizer"]["param_groups"][0]
    wrong.append({**state, "optimizer": {**state["optimizer"], "param_groups": [{**group, "betas": "x"}]}})
    for index, content in enumerate(wrong):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        yield f"content {index}", buffer.getvalue()


def test_checkpoints_and_weights(tmp_path):
    def make():
        model = torch.nn.Linear(2, 3)
        return model, torch.optim.Adam(model.parameters())

    path, marker = tmp_path / "checkpoint.pt", tmp_path / "marker"
    model, optimizer = make()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    position = {"images": 4, "seconds": 1.5, "seconds_waiting_for_data": 0.0}
    save_checkpoint(path, model, optimizer, position)
    state = torch.load(path, weights_only=True)
    assert load_checkpoint(path, *make(), "cpu") == position
    for name, content in bad_checkpoints(state, str(marker)):
        path.write_bytes(content)
        with pytest.raises(InputError, match="checkpoint.pt: not a checkpoint") as error:
            load_checkpoint(path, *make(), "cpu")
        assert "\n" not in str(error.value) and len(str(error.value)) > len(f"{path}: not a checkpoint"), name
        with pytest.raises(InputError, match="checkpoint.pt: not weights"):
            load_weights(path, make()[0])
    assert not marker.exists()
    save_file({"weight": torch.zeros(3, 3)}, path)
    with pytest.raises(InputError, match="checkpoint.pt: not weights"):
        load_weights(path, make()[0])


def test_what_is_not_broken_passes(exported, tmp_path, capsys):
    """The corpus would be worth little if the untouched dataset were refused too."""
    out, annotations = tmp_path / "out.json", exported / "annotations_64.json"
    assert cli.main(["predict", UNTRAINED, "--dataset", str(exported), "--out", str(out)]) == 0
    assert cli.main(["evaluate", "--annotations", str(annotations), "--predictions", str(out)]) == 0
    assert np.isfinite(float(capsys.readouterr().out.split("AP75")[1].split()[0]))
