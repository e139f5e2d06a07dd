"""The pages for Python and for other libraries do as they say."""

import re
from importlib.util import find_spec
from pathlib import Path

import cv2
import pytest

from benchmark.cli import main
from benchmark.evaluation.evaluate import evaluate
from tests import pages

DOCS = Path(__file__).parents[1] / "docs"
LIBRARIES = {
    "torchmetrics": "torchmetrics",
    "Detectron2": "detectron2",
    "torchvision": "torchvision",
    "TIDE": "tidecv",
    "supervision": "supervision",
    "FiftyOne": "fiftyone",
    "Datumaro": "datumaro",
    "Loaders of image folders": "json",
}


def blocks(page, language):
    """Section title -> its blocks of code."""
    sections = re.split(r"^## ", (DOCS / page).read_text(), flags=re.M)
    return {part.splitlines()[0]: pages.blocks(part, language) for part in sections}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("use")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        (commands,) = blocks("use-with.md", "sh")["# Use with other libraries"]
        for line in commands.splitlines():
            assert main(line.removeprefix("uv run run_benchmark.py ").split()) == 0
    return path


def test_every_section_is_run():
    assert {title for title, found in blocks("use-with.md", "python").items() if found} == set(LIBRARIES)


@pytest.mark.parametrize("section", LIBRARIES)
def test_use_with(section, folder, monkeypatch):
    if find_spec(LIBRARIES[section]) is None:
        pytest.skip(f"{LIBRARIES[section]} is not installed")
    monkeypatch.chdir(folder)
    (code,) = blocks("use-with.md", "python")[section]
    names = {}
    exec(compile(code, f"use-with.md, {section}", "exec"), names)
    if section == "torchmetrics":
        expected = evaluate("scenes/annotations.json", "predictions.json")["AP"]
        assert names["average_precision"] == pytest.approx(expected, abs=1e-6) and 0.3 < expected < 1
    elif section == "Detectron2":
        instances = names["inputs"]["instances"]
        assert len(instances) and instances.gt_masks.tensor.shape[1:] == (256, 256)
    elif section == "torchvision":
        assert len(names["target"]["masks"]) == len(names["target"]["boxes"]) > 0 and names["image"].mode == "RGB"
    elif section == "TIDE":
        assert names["result"].ap > 50
    elif section == "supervision":
        assert len(names["detections"]) > 0 and names["detections"].mask.shape[1:] == (256, 256)
    elif section == "FiftyOne":
        assert len(names["samples"]) == 5 and all(detection.mask.any() for detection in names["detections"])
    elif section == "Datumaro":
        assert len(names["items"]) == 5 and all(item.annotations for item in names["items"])
    else:
        assert len(names["rows"]) == 5 and len(names["first"]) == 4


def test_python_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(block for found in blocks("python.md", "python").values() for block in found)
    names = {}
    exec(compile(code, "python.md", "exec"), names)
    metrics = names["metrics"]
    assert metrics["layers-2"]["AR_heavy"] > metrics["layers-1"]["AR_heavy"]
    assert "layers-1 {'AP':" in capsys.readouterr().out
    assert (tmp_path / "runs" / "mine" / "weights.safetensors").exists()
    assert cv2.imread("overlay.png").shape == (256, 256, 3)
