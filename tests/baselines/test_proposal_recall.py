"""Proposal recall, on the smoke presets with random weights."""

from importlib import import_module

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from baselines.box_targets import render_boxes
from baselines.nms_sweep import PROTOCOLS
from baselines.proposal_recall import best_iou, main, proposal_recall
from benchmark.adapter import Run
from benchmark.engine.checkpoint import save_weights
from benchmark.models.registry import find_adapter
from benchmark.runs.manifest import write_run_manifest
from datasets.errors import InputError
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED


@pytest.fixture(params=["detectron2", "torchvision"])
def run(request, tmp_path):
    """A run folder with the weights that training would start from."""
    model = f"{request.param}-mask-rcnn"
    adapter = find_adapter(model)
    run = Run(tmp_path / "run", model, "smoke", adapter.presets["smoke"], SceneParameters((2, 2, 2)))
    run.folder.mkdir()
    torch.manual_seed(0)
    network = import_module(f"baselines.{request.param}_mask_rcnn.model").build_model(run.preset, 3)
    save_weights(run.weights, network)
    write_run_manifest(run, finished=True)
    return run


def test_proposals_follow_the_protocol(run):
    image = np.repeat(render_boxes(sample_scene(run.source, TUNING_SEED, 0)).image[..., None], 3, axis=2)
    adapter = find_adapter(run.model)
    found = {name: list(adapter.propose([image] * 3, run, protocol)) for name, protocol in PROTOCOLS.items()}
    for of_protocol in found.values():
        assert len(of_protocol) == 3
        boxes = of_protocol[0]
        assert torch.equal(boxes, of_protocol[2]) and boxes.shape[1] == 4 and boxes.min() >= 0 and boxes.max() <= 256
    alike = {name: (box_iou(boxes[0], boxes[0]) > 0.7).float().mean() for name, boxes in found.items()}
    assert alike["coco"] < 0.5 * alike["paper"]  # of which nothing is suppressed; the other's only within a level


def test_recall_of_all_lies_between_its_classes(run):
    table = proposal_recall(run.folder, images=3)
    assert list(table.columns) == ["paper", "coco"]
    for column in table:
        values = table[column]
        of_classes = [values[name, "IoU 0.5"] for name in ("circle", "triangle", "rectangle")]
        assert 0 < min(of_classes) <= values["all", "IoU 0.5"] <= max(of_classes) <= 1
        assert values["all", "IoU 0.7"] <= values["all", "IoU 0.5"]


def test_best_iou_without_proposals():
    sample = render_boxes(sample_scene(SceneParameters((1, 0, 1)), TUNING_SEED, 0))
    boxes = torch.from_numpy(sample.boxes)
    assert best_iou(sample, torch.zeros(0, 4)).tolist() == [0] * len(boxes)
    assert best_iou(sample, boxes[:1])[0] == 1


def test_what_cannot_be_measured_is_named(run, tmp_path, capsys):
    assert main([str(run.folder), "--images", "0"]) == 2
    assert "--images: found 0" in capsys.readouterr().err
    run.weights.unlink()
    assert main([str(run.folder), "--images", "1"]) == 2
    assert "weights.safetensors: no weights there" in capsys.readouterr().err
    adapter = find_adapter("layered-embedding")
    other = Run(tmp_path / "e", "layered-embedding", "smoke", adapter.presets["smoke"], SceneParameters())
    other.folder.mkdir()
    write_run_manifest(other, finished=True)
    with pytest.raises(InputError, match="expected a model with a region proposal network"):
        proposal_recall(other.folder, 1)
