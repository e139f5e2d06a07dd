"""From the maps of one image to its instances: candidates, groups of candidates that drew the same, depth order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from baselines.depth_order import depth_order
from baselines.dynamic_masks.network import MASKS, DynamicMaskNetwork, Kernels, Maps
from benchmark.adapter import Detections
from benchmark.models.hints import CountOrZero, NotNegative, Probability, Width
from datasets.scene import GRID_SIZE

POINTS = 256
"""Masks are compared at so many pixels, or up to twice as many."""


@dataclass(frozen=True)
class InstanceSettings:
    """How candidates become instances.

    stride: one candidate for each block of so many pixels a side, the foreground pixel of best quality. nms_threshold:
    IoU of two amodal masks above which the better candidate takes the other into its group. visible_threshold: the
    same for the visible masks; candidates join if either is exceeded, and 1 leaves a criterion out. votes: v in
    score x n / (n + v) for a group of n candidates; 0 leaves scores as they are. members: so many of a group, its best,
    make its masks, the mean of what they drew, weighted by their scores. minimum_area: of an amodal mask, in pixels of
    the grid.
    """

    stride: Literal[1, 2, 4, 8, 16, 32, 64] = 2
    nms_threshold: Probability = 0.7
    visible_threshold: Probability = 1.0
    votes: NotNegative = 2.0
    members: Width = 1
    minimum_area: CountOrZero = 5


@dataclass(frozen=True)
class Candidates:
    """Pixels of one image that drew a mask, best first, and what they drew at the pixels of all candidates.

    kernels: of the K pixels. scores: (K,) quality x tightness. categories: (K,) int64.
    amodal, visible: (K, P) float of 0 and 1, row: who drew, column: where. Every pixel of an object lies in the
    foreground, so that some of the candidates' own pixels, spread over it, are enough to compare masks.
    """

    kernels: Kernels
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
    needed = {stride: [np.zeros(0, dtype=np.int64)] for stride in strides}
    for settings in readings:
        needed[settings.stride] += [rows[: settings.members] for rows in grouped[grouping(settings)]]
    members, probabilities = {}, {}
    for stride, rows in needed.items():
        members[stride] = torch.from_numpy(np.unique(np.concatenate(rows))).to(maps.features.device)
        probabilities[stride] = network.draw(maps, drawn[stride].kernels.of(members[stride])).sigmoid()
    detections = []
    for settings in readings:
        stride, groups = settings.stride, grouped[grouping(settings)]
        candidates = drawn[stride]
        masks = mean_masks(probabilities[stride], members[stride], candidates.scores, groups, settings.members)
        leaders = torch.tensor([rows[0] for rows in groups], dtype=torch.int64, device=masks.device)
        votes = torch.tensor([len(rows) for rows in groups], device=masks.device)
        scores = candidates.scores[leaders] * votes / (votes + settings.votes)
        amodal, visible = masks[:, 0] > 0.5, masks[:, 1]
        large = amodal.flatten(1).sum(dim=1) >= settings.minimum_area
        amodal, visible, scores = amodal[large], visible[large], scores[large]
        detections.append(
            Detections(
                amodal.cpu().numpy(),
                scores.double().clamp(0, 1).cpu().numpy(),
                candidates.categories[leaders[large]].cpu().numpy(),
                depth_order(amodal, visible, scores),
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
    kernels = network.kernels(maps, pixels, points)
    logits = network.draw(maps, kernels, points)
    drawn = (logits > 0).float()
    sizes = drawn[:, 0].sum(dim=1)
    tightness = (logits[:, 0].sigmoid() * drawn[:, 0]).sum(dim=1) / sizes.clamp(min=1)
    scores, order = (kernels.quality_logits.sigmoid() * tightness).sort(descending=True, stable=True)
    categories = probabilities[1:].flatten(1)[:, pixels].argmax(dim=0) + 1
    amodal, visible = drawn[order].unbind(1)
    return Candidates(kernels.of(order), scores, categories[order], amodal, visible)


def grouping(settings: InstanceSettings) -> tuple[float, ...]:
    """What of a reading decides about its groups."""
    return settings.stride, settings.nms_threshold, settings.visible_threshold


def group(candidates: Candidates, settings: InstanceSettings) -> list[np.ndarray]:
    """Groups of candidates, as positions among them, the best first in each.

    The best candidate takes all that drew about the same as it did, the best of the rest takes its own, and so on.
    """
    same = mask_overlaps(candidates.amodal) > settings.nms_threshold
    if settings.visible_threshold < 1:
        same |= mask_overlaps(candidates.visible) > settings.visible_threshold
    same = same.fill_diagonal_(True).cpu().numpy()
    free = np.ones(len(same), dtype=bool)
    groups = []
    for place, row in enumerate(same):
        if free[place]:
            groups.append(np.flatnonzero(row & free))
            free &= ~row
    return groups


def mean_masks(
    probabilities: Tensor, drawn: Tensor, scores: Tensor, groups: Sequence[np.ndarray], members: int
) -> Tensor:
    """Mean of what the best `members` of each group drew, weighted by their scores: (G, 2, 64, 64).

    probabilities: (U, 2, 4096), of the candidates `drawn` (U,), positions in rising order, all members among them.
    scores: (K,) of all candidates.
    """
    total = probabilities.new_zeros(len(groups), MASKS, GRID_SIZE**2)
    weight = probabilities.new_zeros(len(groups), 1, 1)
    for rank in range(members):
        some = [place for place, rows in enumerate(groups) if len(rows) > rank]
        if not some:
            break
        rows = torch.tensor([int(groups[place][rank]) for place in some], device=drawn.device)
        weights = scores[rows][:, None, None]
        total[some] += weights * probabilities[torch.searchsorted(drawn, rows)]
        weight[some] += weights
    return (total / weight.clamp(min=1e-9)).unflatten(2, (GRID_SIZE, GRID_SIZE))


def mask_overlaps(masks: Tensor) -> Tensor:
    """IoU of each pair of masks (K, P), float of 0 and 1: (K, K) float32."""
    overlap = masks @ masks.t()
    sizes = masks.sum(dim=1)
    return overlap / (sizes[:, None] + sizes - overlap).clamp(min=1)
