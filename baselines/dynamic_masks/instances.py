"""From the maps of one image to its instances: candidates, groups of candidates that drew the same, depth order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from baselines.dynamic_masks.network import DynamicMaskNetwork, Maps
from benchmark.adapter import Detections
from benchmark.models.hints import CountOrZero, NotNegative, Probability
from datasets.scene import GRID_SIZE

AT_A_TIME = 64
"""Candidates that draw together."""

POINTS = 256
"""Masks are compared at so many pixels, or up to twice as many."""

TIE = 1e-3
"""Pixels that a hidden share of 1 counts for in the depth order."""


@dataclass(frozen=True)
class InstanceSettings:
    """How candidates become instances.

    stride: one candidate for each block of so many pixels a side, the foreground pixel of best quality. nms_threshold:
    IoU of two amodal masks above which the better candidate takes the other into its group. visible_threshold: the
    same for the visible masks; candidates join if either is exceeded, and 1 leaves a criterion out. votes: v in
    score x n / (n + v) for a group of n candidates; 0 leaves scores as they are. minimum_area: of an amodal mask, in
    pixels of the grid.
    """

    stride: Literal[1, 2, 4, 8, 16, 32, 64] = 2
    nms_threshold: Probability = 0.7
    visible_threshold: Probability = 1.0
    votes: NotNegative = 2.0
    minimum_area: CountOrZero = 5


@dataclass(frozen=True)
class Candidates:
    """Pixels of one image that drew a mask, best first, and what they drew at the pixels of all candidates.

    pixels: (K,) int64, flat places in (64, 64). scores: (K,) quality x tightness. categories: (K,) int64.
    amodal, visible: (K, P) float of 0 and 1, row: who drew, column: where. Every pixel of an object lies in the
    foreground, so that some of the candidates' own pixels, spread over it, are enough to compare masks.
    """

    pixels: Tensor
    scores: Tensor
    categories: Tensor
    amodal: Tensor
    visible: Tensor


@torch.inference_mode()
def find_instances(network: DynamicMaskNetwork, maps: Maps, readings: Sequence[InstanceSettings]) -> list[Detections]:
    """Instances of one image as each of `readings` finds them, best first; what they share is computed once.

    maps: of a batch of one.
    """
    strides = dict.fromkeys(settings.stride for settings in readings)
    drawn = {stride: draw_candidates(network, maps, stride) for stride in strides}
    different = {grouping(settings): settings for settings in readings}
    grouped = {key: group(drawn[settings.stride], settings) for key, settings in different.items()}
    groups = [grouped[grouping(settings)] for settings in readings]
    pixels = [drawn[settings.stride].pixels[leaders] for settings, (leaders, _) in zip(readings, groups, strict=True)]
    union = torch.cat(pixels).unique()
    logits = network.draw(maps, union).unflatten(2, (GRID_SIZE, GRID_SIZE))
    masks, visible = logits[:, 0] > 0, logits[:, 1].sigmoid()
    detections = []
    for settings, (leaders, votes), of_reading in zip(readings, groups, pixels, strict=True):
        rows = torch.searchsorted(union, of_reading)
        scores = drawn[settings.stride].scores[leaders] * votes / (votes + settings.votes)
        large = masks[rows].flatten(1).sum(dim=1) >= settings.minimum_area
        rows, scores, leaders = rows[large], scores[large], leaders[large]
        detections.append(
            Detections(
                masks[rows].cpu().numpy(),
                scores.double().clamp(0, 1).cpu().numpy(),
                drawn[settings.stride].categories[leaders].cpu().numpy(),
                depth_order(masks[rows], visible[rows], scores),
            )
        )
    return detections


def draw_candidates(network: DynamicMaskNetwork, maps: Maps, stride: int) -> Candidates:
    """The best foreground pixel of each block that has one, and what these draw."""
    probabilities = maps.class_logits[0].softmax(dim=0)
    foreground = probabilities.argmax(dim=0) > 0
    quality = maps.quality_logits[0].sigmoid() * foreground
    best, places = max_pool2d(quality[None], stride, return_indices=True)
    pixels = places[best > 0].sort().values
    points = pixels[:: max(1, len(pixels) // POINTS)]
    # a few at a time, so that what is between the layers stays in the processor's cache
    logits = torch.cat([network.draw(maps, some, points) for some in pixels.split(AT_A_TIME)])
    drawn = (logits > 0).float()
    sizes = drawn[:, 0].sum(dim=1)
    tightness = (logits[:, 0].sigmoid() * drawn[:, 0]).sum(dim=1) / sizes.clamp(min=1)
    scores, order = (quality.flatten()[pixels] * tightness).sort(descending=True, stable=True)
    categories = probabilities[1:].flatten(1)[:, pixels].argmax(dim=0) + 1
    amodal, visible = drawn[order].unbind(1)
    return Candidates(pixels[order], scores, categories[order], amodal, visible)


def grouping(settings: InstanceSettings) -> tuple[float, ...]:
    """What of a reading decides about its groups."""
    return settings.stride, settings.nms_threshold, settings.visible_threshold


def group(candidates: Candidates, settings: InstanceSettings) -> tuple[Tensor, Tensor]:
    """The leader of each group, as positions among the candidates, and how many the group has, leader included.

    The best candidate takes all that drew about the same as it did, the best of the rest takes its own, and so on.
    """
    same = mask_overlaps(candidates.amodal) > settings.nms_threshold
    if settings.visible_threshold < 1:
        same |= mask_overlaps(candidates.visible) > settings.visible_threshold
    same = same.fill_diagonal_(True).cpu().numpy()
    free = np.ones(len(same), dtype=bool)
    leaders, votes = [], []
    for place, row in enumerate(same):
        if free[place]:
            taken = row & free
            free &= ~row
            leaders.append(place)
            votes.append(int(taken.sum()))
    device = candidates.scores.device
    return torch.tensor(leaders, dtype=torch.int64, device=device), torch.tensor(votes, device=device)


def mask_overlaps(masks: Tensor) -> Tensor:
    """IoU of each pair of masks (K, P), float of 0 and 1: (K, K) float32."""
    overlap = masks @ masks.t()
    sizes = masks.sum(dim=1)
    return overlap / (sizes[:, None] + sizes - overlap).clamp(min=1)


def depth_order(masks: Tensor, visible: Tensor, scores: Tensor) -> np.ndarray:
    """Rank of each instance, 1 = front: where two masks overlap, the one that owns the visible pixels is in front.

    masks: (D, 64, 64) bool, amodal. visible: (D, 64, 64), probability that the instance is what one sees there.
    scores: (D,); instances share a pixel in proportion to score x probability, and what a doubtful one shows counts
    little. The instance that is least behind any other comes first, then the one least behind any of the rest, and so
    on; where nothing else tells, because a third one hides the overlap, the smaller hidden share comes first.
    Returns (D,) int64.
    """
    amodal = masks.flatten(1).double()
    seen = visible.flatten(1) * amodal
    owned = seen * scores.double()[:, None]
    share = owned / owned.sum(dim=0).clamp(min=1e-6)
    shown = share.square() @ amodal.t()  # (i, j): how much i shows where it overlaps j
    behind = ((shown.t() - shown).clamp(min=0) * scores.double().square()).cpu().numpy()
    hidden = 1 - seen.sum(dim=1) / amodal.sum(dim=1).clamp(min=1)
    weight = behind.sum(axis=1) + TIE * hidden.cpu().numpy()
    order = np.zeros(len(behind), dtype=np.int64)
    for rank in range(1, len(behind) + 1):
        front = weight.argmin()
        order[front] = rank
        weight = weight - behind[:, front]
        weight[front] = np.inf
    return order
