"""From class probabilities and embeddings to instances: amodal masks, scores and depth order.

Pixels that are predicted as a class in any layer are clustered together; an instance is the union of its pixels over
all layers (paper section 4; docs/protocol.md "Embedding model").
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Interval
from torch import Tensor

from benchmark.adapter import Detections
from benchmark.models.hints import Positive
from datasets.scene import GRID_SIZE
from embedding_model.clustering import Seeding, cluster_groups

Area = Annotated[int, Interval(ge=0, le=GRID_SIZE**2)]

Score = Literal["probability", "area-and-tightness"]

Fragments = Literal["kept", "dissolved"]


@dataclass(frozen=True)
class InstanceSettings:
    """How pixels become instances.

    bandwidth: of the clustering, L1. minimum_area: in pixels of the 64x64 grid; smaller instances are dropped.
    score: "probability" is the mean probability of the instance's class over its pixels of all layers;
    "area-and-tightness" also counts how large the instance is and how near its embeddings lie to their mean, so that
    fragments rank last. fragments: whether clusters of little area or tightness are dissolved, see
    `dissolve_fragments`, or kept.
    """

    bandwidth: Positive = 1.6
    seeding: Seeding = "densest-first"
    minimum_area: Area = 5
    score: Score = "area-and-tightness"
    fragments: Fragments = "dissolved"


PAPER = InstanceSettings(bandwidth=1.5, seeding="first", score="probability", fragments="kept")
"""The paper's scheme, with the first pixel in place of a random one."""

# These numbers and the defaults above were chosen on tuning scenes (docs/experiments.md).

HALF_AREA = 50
"""Area in pixels at which the score's factor for area is one half."""

FRAGMENT_SCORE = 0.15
"""Clusters with a lower score of area and tightness are fragments."""

FRAGMENT_REACH = 2.0
"""L1 distance to a cluster's mean up to which pixels of fragments may join it."""


def cluster_pixels(classes: Tensor, embeddings: Tensor, settings: InstanceSettings) -> Tensor:
    """Label the pixels of each class of each image, those of all layers together.

    classes: (B, L, 64, 64) int, 0 background. embeddings: (B, L, C, 64, 64) float32.
    Returns (B, L, 64, 64) int64: labels 0, 1, ... per image and class, -1 for background.
    """
    batch, categories = len(classes), torch.arange(1, max(2, int(classes.max()) + 1), device=classes.device)
    pixels = embeddings.movedim(2, -1).flatten(1, 3)  # (B, P, C)
    of_class = classes.flatten(1)[:, None] == categories[:, None]  # (B, K, P)
    groups = pixels[:, None].expand(-1, len(categories), -1, -1).flatten(0, 1)
    labels = cluster_groups(groups, of_class.flatten(0, 1), settings.bandwidth, settings.seeding)
    # a pixel is of one class at most: its label is the largest, all others are -1
    return labels.view(batch, len(categories), -1).amax(dim=1).view(classes.shape)


def dissolve_fragments(
    classes: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    settings: InstanceSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """New classes and labels of the pixels of one image; arrays as for `instances`.

    Clusters of too little area and tightness are given up, whatever the score of instances. Then every pixel that is
    more likely foreground than background goes to the remaining cluster with the highest product of the probability of
    its class there and of how near (1 to 0 at FRAGMENT_REACH) its mean is; to none if all are too far. So the class
    that a pixel was clustered under is not final.
    """
    clusters = _describe(classes, labels, probabilities, embeddings, replace(settings, score="area-and-tightness"))
    kept = clusters.scores >= FRAGMENT_SCORE
    classes, labels = np.zeros_like(classes), np.full_like(labels, -1)
    if not kept.any():
        return classes, labels
    categories, means = clusters.categories[kept], clusters.means[kept]
    layer, y, x = np.nonzero(probabilities[:, 0] < 0.5)
    distance = torch.cdist(torch.from_numpy(embeddings[layer, :, y, x]), torch.from_numpy(means), p=1).numpy()
    affinity = probabilities[layer, :, y, x][:, categories] * np.clip(1 - distance / FRAGMENT_REACH, 0, None)
    best = affinity.argmax(axis=1)
    reached = affinity[np.arange(len(best)), best] > 0
    pixel = layer[reached], y[reached], x[reached]
    classes[pixel], labels[pixel] = categories[best[reached]], best[reached]
    return classes, labels


def instances(
    classes: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    settings: InstanceSettings,
) -> Detections:
    """Masks, scores, categories and depth order of the instances of one image.

    classes: (L, 64, 64) int, 0 background. labels: (L, 64, 64) int, which instance of its class a pixel belongs to,
    -1 for none. probabilities: (L, 1 + categories, 64, 64), of the classes. embeddings: (L, C, 64, 64).
    """
    found = _describe(classes, labels, probabilities, embeddings, settings)
    kept, order = _kept_in_order(found, settings)
    return Detections(found.masks[kept], found.scores[kept], found.categories[kept], order)


def instance_layers(
    classes: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    settings: InstanceSettings,
) -> np.ndarray:
    """The detections that `instances` makes of the same arrays, layer by layer.

    Returns (L, 64, 64) int: depth order of the instance that a pixel belongs to, 1 = front, 0 for none.
    """
    found = _describe(classes, labels, probabilities, embeddings, settings)
    kept, order = _kept_in_order(found, settings)
    number_of = np.zeros(1 + len(kept), np.int64)  # the first is for pixels of no cluster
    number_of[1:][kept] = order
    return number_of[found.numbers + 1]


@dataclass(frozen=True)
class _Clusters:
    """The D clusters of an image. numbers: (L, 64, 64) int, cluster of each pixel, -1 for none. categories: (D,) int.
    means: (D, C) float, of their embeddings. masks: (D, 64, 64) bool. scores: (D,) float."""

    numbers: np.ndarray
    categories: np.ndarray
    means: np.ndarray
    masks: np.ndarray
    scores: np.ndarray


def _describe(
    classes: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    settings: InstanceSettings,
) -> _Clusters:
    pixel = layer, y, x = np.nonzero((classes > 0) & (labels >= 0))
    of_class = labels.max() + 1
    keys, number = np.unique(classes[pixel] * of_class + labels[pixel], return_inverse=True)
    categories, count = keys // max(of_class, 1), len(keys)
    numbers = np.full(classes.shape, -1)
    numbers[pixel] = number
    masks = np.zeros((count, *classes.shape[1:]), bool)
    masks[number, y, x] = True

    size = np.bincount(number, minlength=count)  # every cluster has a pixel
    means = np.zeros((count, embeddings.shape[1]), np.float32)
    to_mean = np.zeros(len(number))
    for channel in range(embeddings.shape[1]):
        values = embeddings[layer, channel, y, x]
        means[:, channel] = np.bincount(number, values, minlength=count) / size
        to_mean += np.abs(values - means[number, channel])
    scores = np.bincount(number, probabilities[layer, classes[pixel], y, x], minlength=count) / size
    if settings.score == "area-and-tightness":
        area = masks.sum(axis=(1, 2))
        spread = np.bincount(number, to_mean, minlength=count) / size
        scores = scores * np.clip(1 - spread / settings.bandwidth, 0, 1) * area / (area + HALF_AREA)
    return _Clusters(numbers, categories, means, masks, scores)


def _kept_in_order(found: _Clusters, settings: InstanceSettings) -> tuple[np.ndarray, np.ndarray]:
    """Which clusters are large enough, (D,) bool, and the depth order of those."""
    kept = found.masks.sum(axis=(1, 2)) >= settings.minimum_area
    return kept, depth_order(front_votes(found.numbers, len(kept))[kept][:, kept])


def front_votes(numbers: np.ndarray, count: int) -> np.ndarray:
    """How often each instance is seen in front of each other one.

    numbers: (L, 64, 64) int, instance number from 0, -1 for none. Returns (count, count) int: entry (a, b) counts the
    pixels, over all pairs of layers, with a in the nearer and b in the farther layer.
    """
    votes = np.zeros((count, count), np.int64)
    for front in range(len(numbers)):
        for behind in range(front + 1, len(numbers)):
            a, b = numbers[front], numbers[behind]
            both = (a >= 0) & (b >= 0) & (a != b)
            votes += np.bincount(a[both] * count + b[both], minlength=count * count).reshape(count, count)
    return votes


def depth_order(votes: np.ndarray) -> np.ndarray:
    """Rank instances from front to back by majority: (D,) int, 1 = front.

    votes: (D, D), entry (a, b) how much says that a is in front of b. Without contradicting majorities the order
    agrees with all of them; else the instance with the least against it comes first, again and again. Ties go to the
    lower number.
    """
    against = np.clip(votes - votes.T, 0, None)
    pending = against.sum(axis=0).astype(float)  # against an instance, from those not placed yet
    order = np.zeros(len(votes), np.int64)
    for rank in range(1, len(votes) + 1):
        front = pending.argmin()
        order[front] = rank
        pending -= against[front]
        pending[front] = np.inf
    return order
