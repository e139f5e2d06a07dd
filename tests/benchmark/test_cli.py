"""Each command of the command line, and what it says to bad input."""

import gzip
import json

import pytest

from benchmark.cli import main
from datasets.export import export_dataset
from datasets.scene import SceneParameters

UNTRAINED = "ground-truth-layers"

pytestmark = pytest.mark.usefixtures("own_folders")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "dataset"
    export_dataset(SceneParameters((2, 2, 2)), 4, 11, folder, workers=1)
    return folder


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def error_of(capsys, *arguments):
    """The one line that a bad command prints."""
    code, _, err = run(capsys, *arguments)
    assert code == 2
    lines = [line for line in err.splitlines() if not line.startswith(("predict", "export"))]
    assert len(lines) == 1 and lines[0].startswith("error: ")
    return lines[0]


def test_export(capsys, tmp_path):
    out = tmp_path / "set"
    code, text, _ = run(capsys, "export", "--instances-per-class", 30, "--classes", "rectangle", "--images", 2,
                        "--seed", 4, "--out", out)  # fmt: skip
    assert code == 0 and "content hash" in text
    document = json.loads((out / "annotations.json").read_text())
    assert {annotation["category_id"] for annotation in document["annotations"]} == {3}
    assert "--overwrite" in error_of(capsys, "export", "--images", 3, "--out", out)
    assert "hexagon" in error_of(capsys, "export", "--classes", "hexagon", "--out", tmp_path / "other")


@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_predict_then_evaluate(capsys, dataset, tmp_path, ending):
    out, metrics = tmp_path / f"predictions.{ending}", tmp_path / "metrics.json"
    assert run(capsys, "predict", UNTRAINED, "--dataset", dataset, "--out", out, "--layers", 5)[0] == 0
    annotations = dataset / "annotations_64.json"
    code, text, _ = run(capsys, "evaluate", "--annotations", annotations, "--predictions", out, "--json", metrics)
    assert code == 0 and "AP50" in text
    found = json.loads(metrics.read_text())
    assert found["AP"] > 0.98
    assert {"AP", "AP50", "AP75", "AR1", "AR10", "AR100", "AR1000", "AR_none", "AR_partial", "AR_heavy"} <= set(found)


def test_variants_get_files_of_their_own(capsys, dataset, tmp_path):
    out = tmp_path / "p.json.gz"
    assert (
        run(capsys, "predict", UNTRAINED, "--dataset", dataset, "--out", out, "--variants", "layers-[13],*-3")[0] == 0
    )
    names = sorted(path.name for path in tmp_path.glob("p*"))
    assert names == ["p.layers-1.json.gz", "p.layers-3.json.gz"]
    with gzip.open(tmp_path / names[0]) as file:
        assert {entry["image_id"] for entry in json.load(file)} == {1, 2, 3, 4}


def test_models(capsys):
    code, text, _ = run(capsys, "models")
    assert code == 0 and all(name in text for name in ("layered-embedding", "detectron2-mask-rcnn", UNTRAINED))


def test_check(capsys):
    assert run(capsys, "check", UNTRAINED)[:2] == (0, f"{UNTRAINED}: conforms\n")
    code, text, _ = run(capsys, "check", "tests.benchmark.test_conformance:SkipsAnImage")
    assert code == 1 and "predicted nothing for 1 images" in text


def test_unknown_model_lists_what_exists(capsys, dataset, tmp_path):
    line = error_of(capsys, "predict", "mask-rcm", "--dataset", dataset, "--out", tmp_path / "p.json")
    assert "mask-rcm" in line and "layered-embedding" in line
    assert "no_such_module" in error_of(capsys, "check", "no_such_module:Model")
    assert "no subclass" in error_of(capsys, "check", "pathlib:Path")


def test_unknown_preset_lists_what_exists(capsys):
    line = error_of(capsys, "train", "layered-embedding", "--preset", "huge")
    assert "huge" in line and "compact" in line and "smoke" in line
    assert "has nothing to train" in error_of(capsys, "train", UNTRAINED)


def test_unknown_variant_lists_what_exists(capsys, dataset, tmp_path):
    line = error_of(capsys, "predict", UNTRAINED, "--dataset", dataset, "--out", tmp_path / "p.json", "--layers", 9)
    assert "layers-9" in line and "layers-5" in line


@pytest.mark.parametrize("setting", ["training.batch=3", "nonsense", "training.images=many", "training=3"])
def test_unknown_setting(capsys, setting):
    assert setting in error_of(capsys, "train", "layered-embedding", "--preset", "smoke", "--set", setting)


def test_model_that_needs_training(capsys, dataset, tmp_path):
    line = error_of(capsys, "predict", "layered-embedding", "--dataset", dataset, "--out", tmp_path / "p.json")
    assert "trained first" in line


def test_folder_that_is_no_run_or_no_dataset(capsys, dataset, tmp_path):
    assert "manifest.json" in error_of(capsys, "predict", dataset, "--dataset", dataset, "--out", tmp_path / "p.json")
    assert "annotations_64.json" in error_of(
        capsys, "predict", UNTRAINED, "--dataset", tmp_path, "--out", tmp_path / "p.json"
    )


def test_evaluate_names_the_file_and_the_fault(capsys, dataset, tmp_path):
    annotations, bad = dataset / "annotations_64.json", tmp_path / "bad.json"
    for text, fault in (("[{]", "bad.json"), ('[{"image_id": 99}]', "99")):
        bad.write_text(text)
        assert fault in error_of(capsys, "evaluate", "--annotations", annotations, "--predictions", bad)
    missing = tmp_path / "missing.json"
    assert "missing.json" in error_of(capsys, "evaluate", "--annotations", annotations, "--predictions", missing)


def test_full_disk_is_one_line(capsys, dataset, tmp_path, monkeypatch):
    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    out = tmp_path / "p.json"
    assert "p.json: found no space" in error_of(capsys, "predict", UNTRAINED, "--dataset", dataset, "--out", out)
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_exits_with_2(capsys):
    for arguments in (["export"], ["train", "layered-embedding", "--nonsense", "1"], ["unknown-command"]):
        error_of(capsys, *arguments)


@pytest.mark.parametrize(("command", "hint"), [("train", "--resume"), ("models", "starts it again")])
def test_ctrl_c_is_one_line_that_says_how_to_go_on(capsys, monkeypatch, command, hint):
    def interrupted(name):
        raise KeyboardInterrupt("runs/mine: checkpoint after 400 images")

    monkeypatch.setattr("benchmark.models.registry.find_adapter", interrupted)
    assert main([command, "layered-embedding"]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("interrupted: runs/mine: checkpoint after 400 images; ") and hint in line


def test_a_run_folder_that_does_not_exist_is_named_as_one(capsys, dataset, tmp_path):
    missing = tmp_path / "runs" / "typo"
    line = error_of(capsys, "predict", missing, "--dataset", dataset, "--out", tmp_path / "p.json")
    assert f"{missing}: no such folder" in line
    line = error_of(capsys, "predict", UNTRAINED, "--dataset", missing, "--out", tmp_path / "p.json")
    assert f"{missing}: no such folder" in line
