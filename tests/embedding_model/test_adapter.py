"""The adapter: batches, variants, and what the ablations take from the ground truth."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark.adapter import Run
from benchmark.engine.checkpoint import save_weights
from datasets.errors import InputError
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.render import LayeredSample
from datasets.scene import SceneParameters
from embedding_model.adapter import LayeredEmbedding, collate
from embedding_model.network import LayeredEmbeddingNetwork
from embedding_model.presets import PRESETS

SCENES = SceneParameters((2, 2, 2))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapter") / "dataset"
    export_dataset(SCENES, 2, 5, folder, workers=1)
    return ExportedDataset(folder)


@pytest.fixture
def run(tmp_path):
    """A run of the smoke preset with three layers and untrained weights."""
    torch.manual_seed(0)
    preset = PRESETS["smoke"]
    run = Run(tmp_path, "layered-embedding", "smoke", preset, SCENES, layers=3)
    save_weights(run.weights, LayeredEmbeddingNetwork(preset.network, 3, 3))
    return run


def predict(dataset, run, *variants):
    return dict(LayeredEmbedding().predict(dataset, run, variants))


class TrueMaps:
    """Stands in for the network: certain of the true classes, with an embedding of its own for each instance."""

    def __init__(self, dataset, run):
        truth = np.stack([dataset.layers(image_id, run.layers) for image_id in dataset.image_ids])
        self.instances = torch.from_numpy(truth).long()
        self.classes = torch.zeros_like(self.instances)
        for place, image_id in enumerate(dataset.image_ids):
            for annotation, number in zip(dataset.annotations(image_id), range(1, 100), strict=False):
                self.classes[place][self.instances[place] == number] = annotation["category_id"]

    def __call__(self, network, images, run):
        from embedding_model.adapter import Maps

        probabilities = torch.nn.functional.one_hot(self.classes, 4).movedim(-1, 2).float()
        return Maps(probabilities, 5.0 * self.instances[:, :, None].float())


def test_collate_pads_categories():
    first = LayeredSample(np.zeros((256, 256), np.uint8), np.zeros((2, 64, 64), np.uint8), np.array([1, 2], np.uint8))
    second = replace(first, categories=np.array([3], np.uint8))
    batch = collate([first, second])
    assert batch["categories"].tolist() == [[1, 2], [3, 0]]
    assert batch["image"].shape == (2, 256, 256) and batch["layers"].shape == (2, 2, 64, 64)


def test_a_perfect_network_recovers_the_layers(dataset, run, monkeypatch):
    maps = TrueMaps(dataset, run)
    monkeypatch.setattr("embedding_model.adapter.predict_maps", maps)
    variants = LayeredEmbedding.variants
    for place, (image_id, outputs) in enumerate(predict(dataset, run, *variants).items()):
        annotations = dataset.annotations(image_id)
        for name in variants:
            found = outputs[name]
            order = {}  # of instance 1, 2, ...
            for mask, category, rank in zip(found.masks, found.categories, found.order, strict=True):
                (number,) = [
                    number
                    for number in range(1, len(annotations) + 1)
                    if torch.equal(torch.from_numpy(mask), (maps.instances[place] == number).any(dim=0))
                ]
                assert annotations[number - 1]["category_id"] == category, name
                order[number] = rank
            assert sorted(order) == list(range(1, len(annotations) + 1)), name
            front, behind, _ = maps.instances[place].flatten(1).unique(dim=1)
            overlapping = [(a, b) for a, b in zip(front.tolist(), behind.tolist(), strict=True) if b]
            assert overlapping and all(order[a] < order[b] for a, b in overlapping), name


def test_ablations_replace_one_half_each(dataset, run, monkeypatch):
    """Classes and embeddings both wrong: each ablation mends its half and keeps the other's fault."""
    maps = TrueMaps(dataset, run)
    true_classes = maps.classes.clone()
    maps.classes[:, :, :32] = 0  # the model sees nothing in the upper half
    maps.instances = torch.zeros_like(maps.instances)  # and cannot tell instances apart
    monkeypatch.setattr("embedding_model.adapter.predict_maps", maps)
    for place, (image_id, outputs) in enumerate(
        predict(dataset, run, "semantic-ground-truth", "clustering-ground-truth").items()
    ):
        semantic, clustering = outputs["semantic-ground-truth"], outputs["clustering-ground-truth"]
        # true classes, one cluster for each
        assert sorted(semantic.categories) == sorted(set(true_classes[place].unique().tolist()) - {0})
        for mask, category in zip(semantic.masks, semantic.categories, strict=True):
            assert np.array_equal(mask, (true_classes[place] == category).any(dim=0).numpy())
        # true instances, as far as the predicted classes reach
        assert not clustering.masks[:, :32].any()
        reach = dataset.masks(image_id)[:, 32:].sum(axis=(1, 2)) >= run.preset.instances.minimum_area
        assert len(clustering.masks) == reach.sum()


def test_output_that_is_not_finite(dataset, run):
    network = LayeredEmbeddingNetwork(run.preset.network, 3, 3)
    torch.nn.init.constant_(network.heads[0][-1].bias, float("nan"))
    save_weights(run.weights, network)
    with pytest.raises(InputError, match=r"weights\.safetensors: the network's output is not finite"):
        predict(dataset, run, "default")


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name):
    """Every preset builds (without memory, for any number of layers) and trains on whole batches."""
    preset = PRESETS[name]
    with torch.device("meta"):
        network = LayeredEmbeddingNetwork(preset.network, 2, 3)
        output = network(torch.zeros(1, 256, 256, dtype=torch.uint8))
    assert output.embeddings.shape == (1, 2, preset.network.embedding_channels, 64, 64)
    assert preset.training.images % preset.training.batch_size == 0


def test_compact_weights_are_small_enough_to_release():
    with torch.device("meta"):
        network = LayeredEmbeddingNetwork(PRESETS["compact"].network, 4, 3)
    assert 2 * sum(parameter.numel() for parameter in network.parameters()) < 15 * 2**20
