"""The pictures of Fig. 4: embeddings as colours, and instances layer by layer."""

import numpy as np
import pytest
import torch

from benchmark.adapter import Run
from benchmark.engine.checkpoint import save_weights
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters
from embedding_model.adapter import LayeredEmbedding
from embedding_model.instances import InstanceSettings, instance_layers, instances
from embedding_model.network import LayeredEmbeddingNetwork
from embedding_model.pictures import embedding_colors
from embedding_model.presets import PRESETS

SCENES = SceneParameters((2, 2, 2))


def blobs(channels=4):
    """Two layers whose left and right halves have one embedding each, the background another in every pixel."""
    generator = np.random.default_rng(0)
    embeddings = generator.normal(size=(2, channels, 64, 64)).astype(np.float32)
    foreground = np.zeros((2, 64, 64), bool)
    foreground[:, 20:40] = True
    embeddings[:, :, 20:40, :32] = np.linspace(1, 2, channels)[:, None, None]
    embeddings[:, :, 20:40, 32:] = -1
    return embeddings, foreground


def test_like_embeddings_have_like_colors_in_all_layers():
    colors = embedding_colors(*blobs())
    assert colors.shape == (2, 64, 64, 4) and (colors[..., 3] == 255).all()
    left, right = colors[:, 20:40, :32], colors[:, 20:40, 32:]
    assert (left == left[0, 0, 0]).all() and (right == right[0, 0, 0]).all()
    assert left[0, 0, 0, 0] == 255 and right[0, 0, 0, 0] == 0  # the larger embeddings are the redder ones


@pytest.mark.parametrize("channels", [1, 2])
def test_few_channels_leave_colors_out(channels):
    colors = embedding_colors(*blobs(channels))
    assert not colors[..., channels:3].any() and colors[..., 0].any()


def test_without_foreground_all_is_black():
    embeddings, foreground = blobs()
    assert not embedding_colors(embeddings, np.zeros_like(foreground))[..., :3].any()


def test_instance_layers_are_the_detections():
    classes = np.zeros((2, 64, 64), int)
    labels = np.full((2, 64, 64), -1)
    classes[0, :20, :20], labels[0, :20, :20] = 1, 0  # in front
    classes[0, :20, 20:40], labels[0, :20, 20:40] = 2, 0
    classes[1, :20, 10:20], labels[1, :20, 10:20] = 2, 0  # goes on behind it
    classes[0, 60, 60], labels[0, 60, 60] = 3, 0  # too small
    probabilities = np.eye(4)[classes].transpose(0, 3, 1, 2)
    arrays = (classes, labels, probabilities, np.zeros((2, 3, 64, 64), np.float32))
    found, layers = instances(*arrays, InstanceSettings()), instance_layers(*arrays, InstanceSettings())
    assert list(np.unique(layers)) == [0, 1, 2] and layers[0, 0, 0] == 1 and layers[1, 0, 15] == layers[0, 0, 30] == 2
    for mask, order in zip(found.masks, found.order, strict=True):
        assert (mask == (layers == order).any(axis=0)).all()


def test_the_adapter_shows_five_pictures_a_layer(tmp_path):
    export_dataset(SCENES, 1, 5, tmp_path / "dataset", workers=1)
    dataset = ExportedDataset(tmp_path / "dataset")
    torch.manual_seed(0)
    run = Run(tmp_path, "layered-embedding", "smoke", PRESETS["smoke"], SCENES, layers=2)
    save_weights(run.weights, LayeredEmbeddingNetwork(run.preset.network, run.layers, 3))
    pictures = LayeredEmbedding().pictures(dataset, run, 1)
    assert [picture.row for picture in pictures] == ["Foreground"] * 5 + ["Occlusion"] * 5
    assert [picture.kind for picture in pictures[:5]] == ["colors", "classes", "colors", "instances", "truth"]
    for picture in pictures:
        assert picture.values.shape == ((64, 64, 4) if picture.kind == "colors" else (64, 64))
    assert (pictures[4].values == dataset.layers(1, 2)[0]).all()
    for first, second in zip(pictures, LayeredEmbedding().pictures(dataset, run, 1), strict=True):
        assert (first.values == second.values).all()
    (_, detections) = next(LayeredEmbedding().predict(dataset, run, ["default"]))
    shown = {picture.row: picture.values for picture in pictures if picture.kind == "instances"}
    assert max(values.max() for values in shown.values()) == len(detections["default"].masks)
