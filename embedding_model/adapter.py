"""The layered-embedding model behind the benchmark's interface."""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils.rnn import pad_sequence

from benchmark.adapter import Adapter, Detections, Picture, Reading, Run
from benchmark.engine.checkpoint import load_weights
from benchmark.engine.fit import fit
from benchmark.engine.precision import autocast
from benchmark.engine.pretrained import start_from
from datasets.dataset import Dataset
from datasets.errors import InputError
from datasets.render import LayeredSample, render_layers
from embedding_model.grid import GRID
from embedding_model.instances import (
    PAPER,
    InstanceSettings,
    cluster_pixels,
    dissolve_fragments,
    instance_layers,
    instances,
)
from embedding_model.loss import LossSettings, classes_of, layered_embedding_loss
from embedding_model.network import LayeredEmbeddingNetwork, NetworkSettings
from embedding_model.pictures import layer_pictures
from embedding_model.presets import PRESETS, Preset
from embedding_model.seeded_clustering import cluster_by_seeds

PREDICTION_BATCH = 16


class LayeredEmbedding(Adapter):
    """Pixel embeddings over L layers, clustered into amodal instances.

    Variants: "default" clusters and scores as the preset says and dissolves fragments. "clustering-paper" keeps to the
    paper's plain scheme.
    "semantic-ground-truth" takes the classes of all layers from the ground truth (the paper's first ablation).
    "clustering-ground-truth" takes the instance of each pixel from the ground-truth layers instead of clustering (its
    second), as far as the model reaches: a pixel that it predicts as background in a layer is in no instance, and one
    that it predicts as another class belongs to an instance of that class.
    """

    presets = PRESETS
    prediction_settings = ("instances",)
    readings = {
        "default": Reading(text="clustered and scored as the preset says"),
        "clustering-paper": Reading(text="the paper's plain clustering and scores", paper=True),
        "semantic-ground-truth": Reading(text="classes from the ground truth", paper=True, uses_ground_truth=True),
        "clustering-ground-truth": Reading(
            text="instances of pixels from the ground truth", paper=True, uses_ground_truth=True
        ),
    }
    variants = tuple(readings)
    grid = GRID

    def train(self, run: Run) -> bool:
        """Train with the shared engine; see `Adapter.train`."""
        torch.manual_seed(run.seed)
        settings = network_settings(run)
        network = LayeredEmbeddingNetwork(settings, run.layers, len(run.source.categories))
        if settings.encoder_weights is not None:
            from embedding_model.weights import load_encoder_weights

            start_from(run, lambda: load_encoder_weights(network.encoder, settings))
        render = partial(render_layers, layers=run.layers)
        step = partial(training_step, settings=run.preset.loss)
        return fit(run, network, render, step, run.preset.training, collate)

    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """One pass of the network for all variants; see `Adapter.predict`."""
        network = load_network(run)
        for start in range(0, len(dataset.image_ids), PREDICTION_BATCH):
            image_ids = dataset.image_ids[start : start + PREDICTION_BATCH]
            maps = predict_maps(network, np.stack([dataset.image(image_id) for image_id in image_ids]), run)
            truth = None
            if any("ground-truth" in name for name in variants):
                truth = _ground_truth(dataset, image_ids, run)
            clustered = Clustered()
            outputs = {name: _detections(maps, truth, name, run.preset, clustered) for name in variants}
            for place, image_id in enumerate(image_ids):
                yield image_id, {name: detections[place] for name, detections in outputs.items()}

    def pictures(self, dataset: Dataset, run: Run, image_id: int) -> list[Picture]:
        """The paper's Fig. 4: embedding, classes and clusters of each layer; see `Adapter.pictures`."""
        maps = predict_maps(load_network(run), dataset.image(image_id)[None], run)
        (labelled,) = _labelled(maps, None, self.variants[0], run.preset, Clustered())
        found = instance_layers(*labelled, _settings(self.variants[0], run.preset))
        classes = maps.probabilities[0].argmax(dim=1).cpu().numpy()
        return layer_pictures(maps.embeddings[0].cpu().numpy(), classes, found, dataset.layers(image_id, run.layers))


def collate(samples: Sequence[LayeredSample]) -> dict[str, Tensor]:
    """Batch of training samples; categories are padded with 0 to the most instances of an image."""
    return {
        "image": torch.from_numpy(np.stack([sample.image for sample in samples])),
        "layers": torch.from_numpy(np.stack([sample.layers for sample in samples])),
        "categories": pad_sequence([torch.from_numpy(sample.categories) for sample in samples], batch_first=True),
    }


def training_step(model: nn.Module, batch: dict[str, Tensor], settings: LossSettings) -> dict[str, Tensor]:
    """Loss and its terms on a batch from `collate`."""
    return layered_embedding_loss(model(batch["image"]), batch["layers"], batch["categories"], settings)


def network_settings(run: Run) -> NetworkSettings:
    """Those of the run's preset, with three input channels where its training images are in colour."""
    settings = run.preset.network
    return replace(settings, in_channels=max(settings.in_channels, run.source.channels))


def load_network(run: Run) -> LayeredEmbeddingNetwork:
    """The trained network of `run` on its device, ready to predict."""
    settings = replace(network_settings(run), encoder_weights=None)
    network = LayeredEmbeddingNetwork(settings, run.layers, len(run.source.categories))
    load_weights(run.weights, network)
    memory_format = torch.channels_last if run.preset.training.channels_last else torch.preserve_format
    return network.to(run.device, memory_format=memory_format).eval()


@dataclass(frozen=True)
class Maps:
    """Class probabilities (B, L, 1 + categories, 64, 64), background first, embeddings (B, L, C, 64, 64) and, from a
    network that learns its bandwidth, what groups pixels (B, L, 2, 64, 64); float32 and on the run's device."""

    probabilities: Tensor
    embeddings: Tensor
    grouping: Tensor | None = None


@torch.inference_mode()
def predict_maps(network: LayeredEmbeddingNetwork, images: np.ndarray, run: Run) -> Maps:
    """What the network says about images (B, 256, 256, 3) uint8."""
    with autocast(run.preset.training.precision, run.device):
        output = network(torch.from_numpy(images).to(run.device))
    if not all(maps.isfinite().all() for maps in output if maps is not None):
        raise InputError(f"{run.weights}: the network's output is not finite, expected the weights of a finished run")
    return Maps(output.class_logits.softmax(dim=2), output.embeddings, output.grouping)


@dataclass(frozen=True)
class GroundTruth:
    """classes: (B, L, 64, 64) int64, 0 background. labels: (B, L, 64, 64) int64, instance from 0, -1 background."""

    classes: Tensor
    labels: Tensor


def _ground_truth(dataset: Dataset, image_ids: Sequence[int], run: Run) -> GroundTruth:
    layers = torch.from_numpy(np.stack([dataset.layers(image_id, run.layers) for image_id in image_ids]))
    categories = [
        torch.tensor([annotation["category_id"] for annotation in dataset.annotations(image_id)], dtype=torch.uint8)
        for image_id in image_ids
    ]
    classes = classes_of(layers, pad_sequence(categories, batch_first=True))
    return GroundTruth(classes.to(run.device), (layers.long() - 1).to(run.device))


@dataclass(frozen=True)
class Clustered:
    """What several readings of one batch share, so that it is computed once: labels (B, L, 64, 64) of a clustering, and
    classes and labels of each image without fragments, by what they depend on."""

    labels: dict[Hashable, Tensor] = field(default_factory=dict)
    without_fragments: dict[Hashable, list[tuple[np.ndarray, np.ndarray]]] = field(default_factory=dict)


def _settings(variant: str, preset: Preset) -> InstanceSettings:
    settings = PAPER if variant == "clustering-paper" else GRID.get(variant, preset.instances)
    if preset.network.learned_bandwidth:  # no bandwidth is chosen, and clusters stay as they are found
        return replace(settings, bandwidth=math.inf, fragments="kept")
    return settings


def _detections(
    maps: Maps, truth: GroundTruth | None, variant: str, preset: Preset, clustered: Clustered
) -> list[Detections]:
    """Detections of each image of the batch."""
    settings = _settings(variant, preset)
    return [instances(*labelled, settings) for labelled in _labelled(maps, truth, variant, preset, clustered)]


def _labelled(
    maps: Maps, truth: GroundTruth | None, variant: str, preset: Preset, clustered: Clustered
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Classes, labels, probabilities and embeddings of each image of the batch, as `instances` takes them."""
    settings = _settings(variant, preset)
    probabilities = maps.probabilities
    if variant == "semantic-ground-truth" and truth is not None:
        probabilities = one_hot(truth.classes, probabilities.shape[2]).movedim(-1, 2).float()
    classes = probabilities.argmax(dim=2)
    shared = variant == "semantic-ground-truth", settings.bandwidth, settings.seeding
    if variant == "clustering-ground-truth" and truth is not None:
        labels = truth.labels
    elif maps.grouping is not None:
        labels, belonging = cluster_by_seeds(classes, maps.embeddings, maps.grouping)
        probabilities = probabilities * belonging[:, :, None]  # so that scores say how sure the clustering is, too
    else:
        if shared not in clustered.labels:
            clustered.labels[shared] = cluster_pixels(classes, maps.embeddings, settings)
        labels = clustered.labels[shared]
    arrays = [tensor.cpu().numpy() for tensor in (classes, labels, probabilities, maps.embeddings)]
    images = list(zip(*arrays, strict=True))
    if settings.fragments == "kept" or variant == "clustering-ground-truth":
        yield from images
        return
    if shared not in clustered.without_fragments:
        clustered.without_fragments[shared] = [dissolve_fragments(a, b, c, d, settings) for a, b, c, d in images]
    for (_, _, *evidence), (classes, labels) in zip(images, clustered.without_fragments[shared], strict=True):
        yield classes, labels, *evidence
