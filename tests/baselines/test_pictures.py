"""What adapters paint of a trained network, in both precisions that it may have been trained in."""

import pytest
import torch

from baselines.dynamic_masks.adapter import DynamicMasks, new_network
from baselines.dynamic_masks.presets import PRESETS as DYNAMIC
from benchmark.adapter import Run
from benchmark.engine import precision
from benchmark.engine.checkpoint import save_weights
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters
from embedding_model.adapter import LayeredEmbedding
from embedding_model.network import LayeredEmbeddingNetwork
from embedding_model.presets import PRESETS as LAYERED

SCENES = SceneParameters((1, 1, 1))


@pytest.mark.parametrize("capability", ["avx2", "avx512_bf16"])
@pytest.mark.parametrize("model", ["dynamic-masks", "layered-embedding"])
def test_pictures_where_bfloat16_is_computed_and_where_not(model, capability, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    precision.has_bfloat16.cache_clear()
    export_dataset(SCENES, 1, 5, tmp_path / "dataset", workers=1)
    torch.manual_seed(0)
    if model == "dynamic-masks":
        adapter, run = DynamicMasks(), Run(tmp_path, model, "smoke", DYNAMIC["smoke"], SCENES)
        network = new_network(run)
    else:
        adapter, run = LayeredEmbedding(), Run(tmp_path, model, "smoke", LAYERED["smoke"], SCENES, layers=2)
        network = LayeredEmbeddingNetwork(run.preset.network, run.layers, 3)
    save_weights(run.weights, network)
    try:
        assert adapter.pictures(ExportedDataset(tmp_path / "dataset"), run, 1)
    finally:
        precision.has_bfloat16.cache_clear()
