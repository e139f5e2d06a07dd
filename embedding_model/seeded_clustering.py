"""Embeddings to instances by learned seeds and bandwidths (Neven et al. 2019, section 3.3).

The free pixel with the best seed is the next centre. Free pixels that belong to it by more than one half, at the
centre's own sharpness, become an instance; and so on while there are seeds.
"""

import torch
from torch import Tensor

LEAST_SEED = 0.5
"""A pixel with a lower seed starts no instance (the source's threshold)."""

LEAST_MEMBERSHIP = 0.5

MOST_INSTANCES = 250
"""Of one class of an image: an untrained network makes each pixel its own."""


def cluster_by_seeds(classes: Tensor, embeddings: Tensor, grouping: Tensor) -> tuple[Tensor, Tensor]:
    """Label the pixels of each class of each image, those of all layers together.

    classes: (B, L, 64, 64) int, 0 background. embeddings: (B, L, C, 64, 64). grouping: (B, L, 2, 64, 64), logarithm of
    the sharpness and logit of the seed. Returns labels (B, L, 64, 64) int64, 0, 1, ... per image and class, -1 for
    none, and how much each pixel belongs to its instance, (B, L, 64, 64) float in [0, 1].
    """
    labels = torch.full(classes.shape, -1, dtype=torch.int64, device=classes.device)
    belonging = torch.zeros(classes.shape, device=classes.device)
    pixels = embeddings.movedim(2, -1)
    sharpness, seeds = grouping[:, :, 0].exp(), grouping[:, :, 1].sigmoid()
    for image in range(len(classes)):
        for category in classes[image].unique().tolist():
            if category:
                place = (classes[image] == category).nonzero(as_tuple=True)
                found = _cluster(pixels[image][place], sharpness[image][place], seeds[image][place])
                labels[image][place], belonging[image][place] = found
    return labels, belonging


def _cluster(pixels: Tensor, sharpness: Tensor, seeds: Tensor) -> tuple[Tensor, Tensor]:
    """Labels and membership of P pixels of one class: pixels (P, C), sharpness and seeds (P,)."""
    labels = torch.full(seeds.shape, -1, dtype=torch.int64, device=seeds.device)
    belonging = torch.zeros_like(seeds)
    free = seeds.clone()  # -1 where taken
    for number in range(MOST_INSTANCES):
        best = int(free.argmax())
        if free[best] < LEAST_SEED:
            break
        to_best = torch.exp(-(pixels - pixels[best]).square().sum(dim=1) * sharpness[best])
        taken = (to_best > LEAST_MEMBERSHIP) & (free >= 0)
        labels[taken], belonging[taken], free[taken] = number, to_best[taken], -1.0
    return labels, belonging
