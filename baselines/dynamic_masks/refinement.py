"""A second look: features are gathered from where a pixel's masks lie, and correct the pixel's weights."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

MOMENTS = 5
"""What keys and values know of a place: x, y, their squares and their product, whose means tell a mask's pose."""

SCALE = 2.0
"""Of coordinates beside features, whose entries are about as large."""


class Refinement(nn.Module):
    """One look at what pixels drew.

    Attention as in Mask2Former (Cheng et al. 2022), but soft: what is gathered from a point counts in proportion to
    powers, which each head learns, of the amodal and the visible mask's probability there. So a pixel hears from
    all visible pieces of its object, and from what covers the rest.
    """

    def __init__(self, width: int, heads: int, weights: int):
        """width: channels of a pixel's features, a multiple of `heads`. weights: of a tiny network."""
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width + 2, width)
        self.key_value = nn.Linear(width + MOMENTS, 2 * width)
        self.powers = nn.Parameter(torch.ones(heads, 2))
        self.out = nn.Linear(width, width)
        self.attended = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, width))
        self.refined = nn.LayerNorm(width)
        self.weights = nn.Linear(width, weights)

    def forward(
        self,
        features: Tensor,
        positions: Tensor,
        mask_logits: Tensor,
        seen: Tensor,
        places: Tensor,
        counts: Sequence[int],
    ) -> tuple[Tensor, Tensor]:
        """Features (M, C) of M pixels after the look, and what to add to their weights, (M, W) float32.

        features: (M, C) of the pixels, ordered by image. positions: (M, 2). mask_logits: (M, 2, P), what they drew at
        P points. seen: (B, C, P), the images' features there. places: (2, P), the points' positions. counts: how many
        of the M pixels are in each image.
        """
        x, y = SCALE * places
        moments = torch.stack([x, y, x * x, y * y, x * y]).to(seen.dtype)
        source = torch.cat([seen, moments.expand(len(seen), -1, -1)], dim=1).transpose(1, 2)
        keys, values = self.key_value(source).unflatten(2, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        queries = self.query(torch.cat([features, (SCALE * positions).to(features.dtype)], dim=1))
        queries = queries.unflatten(1, (self.heads, -1)).transpose(0, 1) / keys.shape[-1] ** 0.5
        drawn = torch.einsum("hc,mcp->hmp", self.powers, logsigmoid(mask_logits))
        gathered = []
        parts = zip(queries.split(counts, dim=1), drawn.split(counts, dim=1), keys, values, strict=True)
        for asked, prior, key, value in parts:
            attention = (asked @ key.transpose(1, 2) + prior).float().softmax(dim=2)
            gathered.append((attention.to(value.dtype) @ value).transpose(0, 1).flatten(1))
        features = self.attended(features + self.out(torch.cat(gathered)))
        features = self.refined(features + self.mlp(features))
        return features, self.weights(features).float()
