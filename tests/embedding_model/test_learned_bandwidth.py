"""Learned bandwidth and seeds: loss and clustering on points that one can draw in one's head, then a whole step."""

import math
from dataclasses import replace

import numpy as np
import torch

from benchmark.adapter import Run
from benchmark.engine.checkpoint import save_weights
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.render import render_layers
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED
from embedding_model.adapter import LayeredEmbedding, collate, training_step
from embedding_model.network import LayeredEmbeddingNetwork
from embedding_model.presets import PRESETS
from embedding_model.seeded_clustering import cluster_by_seeds
from embedding_model.spatial_loss import SMALLEST, SpatialLossSettings, spatial_terms

SCENES = SceneParameters((2, 2, 2))

DICE = SpatialLossSettings(balanced_weight=0.0)
BOTH = SpatialLossSettings(balanced_weight=0.2)


def halves():
    """One layer: the upper half is instance 1, the lower half instance 2, both of class 1; C = 1."""
    layers = torch.ones(1, 1, 64, 64, dtype=torch.uint8)
    layers[..., 32:, :] = 2
    return layers, torch.tensor([[1, 1]], dtype=torch.uint8)


def grouping(sharpness, seed):
    return torch.stack([torch.full((1, 1, 64, 64), math.log(sharpness)), torch.full((1, 1, 64, 64), seed)], dim=2)


def test_loss_by_hand():
    layers, categories = halves()
    apart = 10.0 * layers[:, :, None].float()
    right = spatial_terms(apart, grouping(1.0, 30.0), layers, categories, BOTH)
    assert all(value < 1e-6 for value in right.values())
    # everything in one place: each mask is found twice as large, Dice 1 - 2 / (2 + 1)
    merged = spatial_terms(0 * apart, grouping(1.0, -30.0), layers, categories, DICE)
    torch.testing.assert_close(merged["mask"], torch.tensor(1 / 3))
    torch.testing.assert_close(merged["seed"], torch.tensor(1.0))
    # half of the balanced cross-entropy is that of the members, which are where they should be
    both = spatial_terms(0 * apart, grouping(1.0, -30.0), layers, categories, BOTH)["mask"] - merged["mask"]
    torch.testing.assert_close(both, torch.tensor(-0.2 / 2 * math.log(1 - math.exp(-SMALLEST))), rtol=1e-3, atol=0)
    # another class does not count
    other = spatial_terms(0 * apart, grouping(1.0, 30.0), layers, torch.tensor([[1, 2]], dtype=torch.uint8), BOTH)
    assert other["mask"] < 1e-6


def test_a_blurred_instance_needs_a_wide_bandwidth():
    layers, categories = halves()
    blurred = 100.0 * layers[:, :, None].float() + torch.linspace(-3, 3, 64)
    sharp, wide = (spatial_terms(blurred, grouping(s, 0.0), layers, categories, DICE)["mask"] for s in (1.0, 0.01))
    assert wide < 0.02 < 0.5 < sharp
    uneven = grouping(1.0, 0.0)
    uneven[:, :, 0, :16] = 2.0  # the upper half of the first instance
    torch.testing.assert_close(
        spatial_terms(blurred, uneven, layers, categories, DICE)["smoothness"], torch.tensor(0.5)
    )  # a variance of 1 in one of two


def test_pixels_far_from_their_instance_are_pulled():
    layers, categories = halves()
    embeddings = torch.zeros(1, 1, 1, 64, 64, requires_grad=True)
    moved = embeddings + 1000 * (layers[:, :, None] == 2)
    moved = moved + torch.where(torch.arange(64) < 32, 50, -50)  # both halves of an instance lie far from its mean
    pulls = []
    for settings in (DICE, BOTH):
        spatial_terms(moved, grouping(1.0, 0.0), layers, categories, settings)["mask"].backward()
        pulls.append(float(embeddings.grad[..., :32].sum() - embeddings.grad[..., 32:].sum()))
        embeddings.grad = None
    assert pulls[0] == 0 < pulls[1]


def test_seeds_start_clusters_at_their_own_bandwidth():
    """On a line: a narrow cluster around 0 and a wide one around 10, of class 1; one point of class 2."""
    classes = torch.zeros(1, 1, 64, 64, dtype=torch.int64)
    embeddings, said = torch.zeros(1, 1, 1, 64, 64), torch.zeros(1, 1, 2, 64, 64)
    points = [(0.0, 1, 4.0, 3.0), (0.2, 1, 4.0, 1.0), (1.5, 1, 4.0, -1.0), (10.0, 1, 0.02, 2.0), (14.0, 1, 9.0, 1.0),
              (0.1, 2, 1.0, 5.0)]  # fmt: skip
    for x, (value, category, sharpness, seed) in enumerate(points):
        classes[0, 0, 0, x], embeddings[0, 0, 0, 0, x] = category, value
        said[0, 0, :, 0, x] = torch.tensor([math.log(sharpness), seed])
    labels, belonging = cluster_by_seeds(classes, embeddings, said)
    assert labels[0, 0, 0, :7].tolist() == [0, 0, -1, 1, 1, 0, -1]
    expected = [1, math.exp(-0.04 * 4), 0, 1, math.exp(-16 * 0.02), 1, 0]
    np.testing.assert_allclose(belonging[0, 0, 0, :7], expected, rtol=1e-5)


def test_trains_and_predicts(tmp_path):
    torch.manual_seed(0)
    preset = PRESETS["smoke"]
    preset = replace(preset, network=replace(preset.network, coordinate_range=8.0, learned_bandwidth=True))
    network = LayeredEmbeddingNetwork(preset.network, 2, 3)
    batch = collate([render_layers(sample_scene(SCENES, TUNING_SEED, i), 2) for i in range(2)])
    losses = training_step(network, batch, preset.loss)
    losses["loss"].backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    assert set(losses) == {"loss", "mask", "seed", "smoothness", "cross_entropy"}
    run = Run(tmp_path / "run", "layered-embedding", "smoke", preset, SCENES)
    run.folder.mkdir()
    save_weights(run.weights, network)
    export_dataset(SCENES, 1, 5, tmp_path / "dataset", workers=1)
    adapter = LayeredEmbedding()
    (found,) = dict(adapter.predict(ExportedDataset(tmp_path / "dataset"), run, adapter.variants)).values()
    assert set(found) == set(adapter.variants)
    assert len(found["clustering-ground-truth"].scores) and found["default"].masks.dtype == bool
