"""The loss: classes of what is visible, the masks that sampled pixels draw, and how good these are."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad

from baselines.dynamic_masks.network import Drawn
from baselines.visible_targets import visible_classes
from benchmark.models.hints import CountOrZero, NotNegative, Width
from datasets.scene import GRID_SIZE


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms beside the classes' 1, and what is sampled.

    pixels_per_instance: visible pixels that draw masks in a training step, for each instance. hidden_pixels: so many
    more for an instance that is hidden whole, and in proportion for the others. block: what they
    draw is compared with the truth at one random pixel of each block of so many pixels a side. mask_weight: of the
    amodal masks; visible_weight: of the visible masks. balanced_weight: of the balanced binary cross-entropy beside
    the Dice loss. quality_weight: of the binary cross-entropy of the quality.
    """

    pixels_per_instance: Width = 3
    hidden_pixels: CountOrZero = 0
    block: Literal[1, 2, 4, 8] = 2
    mask_weight: NotNegative = 2.0
    visible_weight: NotNegative = 0.5
    balanced_weight: NotNegative = 0.2
    quality_weight: NotNegative = 0.5


def sample_pixels(batch: dict[str, Tensor], settings: LossSettings) -> Tensor:
    """Random visible pixels of every instance, as many as `LossSettings` says or as it has.

    batch: from `collate`. Returns flat places in its instance maps (B, 64, 64): (M,) int64, sorted.
    """
    flat = batch["instance_map"].flatten(1).long()
    images, area = flat.shape
    numbers = (flat + 256 * torch.arange(images, device=flat.device)[:, None]).flatten()
    order = torch.argsort(numbers + torch.rand(numbers.shape, dtype=torch.float64, device=flat.device))
    by_instance = numbers[order]
    starts = torch.searchsorted(by_instance, by_instance)  # where the instance of each place begins
    rank = torch.arange(len(by_instance), device=flat.device) - starts
    wanted = torch.full_like(numbers, settings.pixels_per_instance)
    if settings.hidden_pixels:
        seen = torch.searchsorted(by_instance, by_instance, right=True) - starts
        whole = pad(batch["masks"].flatten(2).sum(dim=2), (1, 0)).gather(1, flat).flatten()[order]
        hidden = 1 - seen / whole.clamp(min=1)
        wanted += (settings.hidden_pixels * hidden).round().long()
    return order[(rank < wanted) & (by_instance % 256 > 0)].sort().values


def sample_points(block: int, device: torch.device) -> Tensor:
    """One random pixel of each block of the grid: flat places in (64, 64), (P,) int64."""
    blocks = GRID_SIZE // block
    corners = torch.arange(blocks, device=device) * block
    shifts = torch.randint(block, (2, blocks, blocks), device=device)
    return ((corners[:, None] + shifts[0]) * GRID_SIZE + corners + shifts[1]).flatten()


def dynamic_mask_loss(
    drawn: Drawn, points: Tensor, batch: dict[str, Tensor], settings: LossSettings
) -> dict[str, Tensor]:
    """All terms and, as "loss", their weighted sum; means over pixels of the batch or over sampled pixels.

    drawn: by sampled pixels, at `points` (P,). batch: from `collate`. What refinements looked at counts like what is
    drawn in the end; its weighted sum is "earlier". Images without instances have no mask.
    """
    instance_map, pixels = batch["instance_map"], drawn.kernels.pixels
    terms = {"cross_entropy": cross_entropy(drawn.maps.class_logits, visible_classes(batch))}
    if len(pixels):
        images = pixels // instance_map[0].numel()
        numbers = instance_map.flatten()[pixels].long()
        amodal = batch["masks"].flatten(2)[:, :, points][images, numbers - 1] > 0
        visible = instance_map.flatten(1)[:, points][images] == numbers[:, None]
        truth = torch.stack([amodal, visible], dim=1).float()
        weights = truth.new_tensor([settings.mask_weight, settings.visible_weight])
        losses = [
            mask_loss(logits, truth, settings.balanced_weight).mean(dim=0)
            for logits in (*drawn.kernels.earlier, drawn.mask_logits)
        ]
        terms["amodal"], terms["visible"] = losses[-1]
        terms["earlier"] = sum((before @ weights for before in losses[:-1]), start=weights.new_zeros(()))
        quality = mask_iou(drawn.mask_logits[:, 0].detach() > 0, amodal)
        terms["quality"] = binary_cross_entropy_with_logits(drawn.maps.quality_logits.flatten()[pixels], quality)
        if drawn.kernels.earlier:
            terms["earlier"] = terms["earlier"] + settings.quality_weight * terms["quality"]
            terms["quality"] = binary_cross_entropy_with_logits(drawn.kernels.quality_logits, quality)
        terms["iou"] = quality.mean()
    else:
        zero = drawn.maps.class_logits.sum() * 0
        terms |= dict.fromkeys(("amodal", "visible", "earlier", "quality", "iou"), zero)
    loss = (
        terms["cross_entropy"]
        + settings.mask_weight * terms["amodal"]
        + settings.visible_weight * terms["visible"]
        + settings.quality_weight * terms["quality"]
        + terms["earlier"]
    )
    return {"loss": loss, **terms}


def mask_loss(logits: Tensor, target: Tensor, balanced_weight: float) -> Tensor:
    """Dice loss and balanced binary cross-entropy of masks at P points, (..., P): (...).

    Dice: 1 - 2 |pt| / (|p|^2 + |t|^2) (Milletari et al. 2016). Balanced: the mean over the mask and the mean over the
    rest weigh the same.
    """
    probabilities = logits.sigmoid()
    size = target.sum(dim=-1)
    overlap = (probabilities * target).sum(dim=-1)
    dice = 1 - 2 * overlap / (probabilities.square().sum(dim=-1) + size).clamp(min=1e-6)
    each = binary_cross_entropy_with_logits(logits, target, reduction="none")
    inside = (each * target).sum(dim=-1)
    outside = each.sum(dim=-1) - inside
    balanced = inside / size.clamp(min=1) + outside / (target.shape[-1] - size).clamp(min=1)
    return dice + balanced_weight * balanced / 2


def mask_iou(found: Tensor, target: Tensor) -> Tensor:
    """IoU of pairs of masks (M, P) bool: (M,) float32, 0 where both are empty."""
    overlap = (found & target).sum(dim=1)
    union = (found | target).sum(dim=1)
    return overlap / union.clamp(min=1)
