"""bfloat16 only where the device computes in it; what a run was computed in stands in its manifest."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from benchmark.adapter import Run
from benchmark.engine import precision
from benchmark.engine.optimizer import make_optimizer
from benchmark.engine.settings import TrainingSettings
from benchmark.runs.manifest import write_run_manifest
from datasets.scene import SceneParameters


@dataclasses.dataclass(frozen=True)
class Preset:
    training: TrainingSettings = TrainingSettings(precision="bf16")


@pytest.fixture(params=["avx2", "avx512_bf16", "bf16"])
def capability(request, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {request.param: True, "architecture": "x86_64"})
    precision.has_bfloat16.cache_clear()
    yield request.param
    precision.has_bfloat16.cache_clear()


def test_manifest_and_autocast_say_what_is_computed(capability, tmp_path):
    expected = "fp32" if capability == "avx2" else "bf16"
    with precision.autocast("bf16", "cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.float32 if expected == "fp32" else torch.bfloat16)
    with precision.autocast("fp32", "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
    run = Run(tmp_path, "layered-embedding", "compact", Preset(), SceneParameters())
    write_run_manifest(run, finished=False)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["precision"] == manifest["sittings"][0]["precision"] == expected


def test_muon_iterates_in_float32_without_bfloat16(capability):
    torch.manual_seed(0)
    model = nn.Linear(8, 8, bias=False)
    before = model.weight.detach().clone()
    model(torch.randn(4, 8)).square().sum().backward()
    make_optimizer(model, TrainingSettings(optimizer="muon", learning_rate=0.1)).step()
    step = before - model.weight.detach()
    scale = 0.1 * 0.2 * 8**0.5  # what the orthogonal matrix is multiplied by
    in_bfloat16 = torch.allclose((step / scale).bfloat16().float(), step / scale, atol=1e-5)
    assert in_bfloat16 == (capability != "avx2")
