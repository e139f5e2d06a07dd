"""From class probabilities and embeddings to instances: amodal masks, scores and depth order.

Pixels that are predicted as a class in any layer are clustered together; an instance is the union of its pixels over
all layers (paper section 4; protocol "instance").
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from benchmark.adapter import Detections
from datasets.scene import CATEGORIES
from embedding_model.clustering import Seeding, cluster_groups


@dataclass(frozen=True)
class InstanceSettings:
    """How pixels become instances.

    bandwidth: of the clustering, L1. minimum_area: in pixels of the 64x64 grid; smaller instances are dropped.
    score: "probability" is the mean probability of the instance's class over its pixels of all layers;
    "area-and-tightness" also counts how large the instance is and how near its embeddings lie to their mean, so that
    fragments rank last.
    """

    bandwidth: float = 1.5
    seeding: Seeding = "densest-first"
    minimum_area: int = 5
    score: Literal["probability", "area-and-tightness"] = "area-and-tightness"


PAPER = InstanceSettings(seeding="first", score="probability")
"""The paper's scheme, with the first pixel in place of a random one."""

HALF_AREA = 50
"""Area in pixels at which the score's factor for area is one half."""


def cluster_pixels(classes: Tensor, embeddings: Tensor, settings: InstanceSettings) -> Tensor:
    """Label the pixels of each class of each image, those of all layers together.

    classes: (B, L, 64, 64) int, 0 background. embeddings: (B, L, C, 64, 64) float32.
    Returns (B, L, 64, 64) int64: labels 0, 1, ... per image and class, -1 for background.
    """
    batch, categories = len(classes), torch.arange(1, len(CATEGORIES) + 1, device=classes.device)
    pixels = embeddings.movedim(2, -1).flatten(1, 3)  # (B, P, C)
    of_class = classes.flatten(1)[:, None] == categories[:, None]  # (B, K, P)
    groups = pixels[:, None].expand(-1, len(categories), -1, -1).flatten(0, 1)
    labels = cluster_groups(groups, of_class.flatten(0, 1), settings.bandwidth, settings.seeding)
    # a pixel is of one class at most: its label is the largest, all others are -1
    return labels.view(batch, len(categories), -1).amax(dim=1).view(classes.shape)


def instances(
    classes: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    embeddings: np.ndarray,
    settings: InstanceSettings,
) -> Detections:
    """Masks, scores, categories and depth order of the instances of one image.

    classes: (L, 64, 64) int, 0 background. labels: (L, 64, 64) int, which instance of its class a pixel belongs to,
    -1 for none. probabilities: (L, 4, 64, 64), of the classes. embeddings: (L, C, 64, 64).
    """
    pixel = layer, y, x = np.nonzero((classes > 0) & (labels >= 0))
    of_class = labels.max() + 1
    keys, number = np.unique(classes[pixel] * of_class + labels[pixel], return_inverse=True)
    categories, count = keys // max(of_class, 1), len(keys)
    masks = np.zeros((count, *classes.shape[1:]), bool)
    masks[number, y, x] = True
    area = masks.sum(axis=(1, 2))

    scores = _mean(number, probabilities[layer, classes[pixel], y, x], count)
    if settings.score == "area-and-tightness":
        to_mean = np.zeros(len(number))
        for channel in embeddings[layer, :, y, x].T:
            to_mean += np.abs(channel - _mean(number, channel, count)[number])
        tightness = np.clip(1 - _mean(number, to_mean, count) / settings.bandwidth, 0, 1)
        scores = scores * tightness * area / (area + HALF_AREA)

    numbers = np.full(classes.shape, -1)
    numbers[pixel] = number
    kept = area >= settings.minimum_area
    order = depth_order(front_votes(numbers, count)[kept][:, kept])
    return Detections(masks[kept], scores[kept], categories[kept].astype(np.int64), order)


def _mean(number: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """(count,) mean of the `values` of each number, every number occurring at least once."""
    return np.bincount(number, values, minlength=count) / np.bincount(number, minlength=count)


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
