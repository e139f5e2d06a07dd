"""The loss of a learned bandwidth and of seeds (Neven et al. 2019, "Instance Segmentation by Jointly Optimizing
Spatial Embeddings and Clustering Bandwidth", equations 5 to 12), for instances that spread over L layers.

A pixel belongs to an instance by exp(-d^2 s): d is the distance of its embedding to the instance's mean, s the
sharpness that the instance's pixels predict. The source compares memberships with the instance's mask by the Lovász
hinge; here they are compared by the Dice loss, which sorts nothing, and by the binary cross-entropy, whose gradient
reaches pixels so far from the mean that their membership is 0. Only pixels of the instance's class count, because
classes are clustered one by one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

from benchmark.models.hints import NotNegative


@dataclass(frozen=True)
class SpatialLossSettings:
    """Weights of the terms beside the classes' 1. mask_weight: of the memberships. balanced_weight: of the balanced
    binary cross-entropy within these, beside the Dice loss. seed_weight: of the seeds' squared error.
    smoothness_weight: of the variance of the logarithm of the sharpness within an instance."""

    mask_weight: NotNegative = 1.0
    balanced_weight: NotNegative = 0.2
    seed_weight: NotNegative = 1.0
    smoothness_weight: NotNegative = 0.1


SMALLEST = 1e-3
"""Squared distance times sharpness below which the cross-entropy no longer pushes pixels of two instances apart, so
that it stays finite."""


def spatial_terms(
    embeddings: Tensor, grouping: Tensor, layers: Tensor, categories: Tensor, settings: SpatialLossSettings
) -> dict[str, Tensor]:
    """ "mask", "seed" and "smoothness": scalars, means over instances or pixels and over the images of the batch.

    embeddings: (B, L, C, 64, 64). grouping: (B, L, 2, 64, 64), logarithm of the sharpness and logit of the seed of each
    pixel. layers, categories: as for `layered_embedding_loss`.
    """
    instances = categories.shape[1]
    pixels = embeddings.transpose(1, 2).flatten(2)  # (B, C, P): all layers of an image side by side
    log_sharpness, seed_logits = grouping.transpose(1, 2).flatten(2).unbind(1)  # (B, P) each
    numbers = layers.flatten(1).long()
    member = one_hot(numbers, instances + 1)[..., 1:].to(pixels.dtype)  # (B, P, n)
    sizes = member.sum(dim=1)  # (B, n)
    share = member / sizes.clamp(min=1)[:, None]
    means = pixels @ share  # (B, C, n)
    mean_log = torch.einsum("bp,bpn->bn", log_sharpness, share)

    squared = pixels.square().sum(dim=1)[..., None] - 2 * pixels.transpose(1, 2) @ means
    squared = (squared + means.square().sum(dim=1)[:, None]).clamp(min=0)  # (B, P, n)
    scaled = squared * mean_log.exp()[:, None]
    belonging = torch.exp(-scaled)
    pixel_classes = pad(categories, (1, 0)).long().gather(1, numbers)  # (B, P)
    of_class = (pixel_classes[..., None] == categories[:, None].long()).to(pixels.dtype)
    counted = belonging * of_class
    overlap = (counted * member).sum(dim=1)
    dice = 1 - 2 * overlap / (counted.square().sum(dim=1) + sizes).clamp(min=1e-6)
    others = of_class - member
    apart = -torch.log(-torch.expm1(-scaled.clamp(min=SMALLEST)))  # -log(1 - belonging); -log(belonging) is `scaled`
    balanced = (scaled * share).sum(dim=1) + (apart * others).sum(dim=1) / others.sum(dim=1).clamp(min=1)
    mask = dice + settings.balanced_weight * balanced / 2
    present = (sizes > 0).to(pixels.dtype)
    count = present.sum(dim=1).clamp(min=1)

    own = (belonging * member).sum(dim=2).detach()  # (B, P): of each pixel to its instance, 0 for background
    foreground = (numbers > 0).to(pixels.dtype)
    error = (seed_logits.sigmoid() - own).square()
    seed = _mean_where(error, foreground) + _mean_where(error, 1 - foreground)
    spread = (log_sharpness - torch.einsum("bn,bpn->bp", mean_log, member)).square()
    return {
        "mask": ((mask * present).sum(dim=1) / count).mean(),
        "seed": seed.mean(),
        "smoothness": _mean_where(spread, foreground).mean(),
    }


def _mean_where(values: Tensor, weights: Tensor) -> Tensor:
    """(B,): mean over the pixels that weigh 1, 0 where there are none."""
    return (values * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
