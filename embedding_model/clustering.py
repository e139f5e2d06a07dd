"""Embeddings to instances: threshold and move, as in the paper (section 4; docs/protocol.md "Embedding model").

A pixel without a label is the first centre. All unlabelled pixels whose L1 distance to the centre is below the
bandwidth are grouped, the centre moves to their mean, and so on until it stays where it is; the group becomes one
instance. The paper takes a random pixel as the first centre; here the choice is deterministic.
"""

from typing import Literal

import torch
from torch import Tensor

Seeding = Literal["first", "densest-first"]

MAX_MOVES = 30
"""Moves after which a centre counts as settled: the scheme can go round in a circle for ever."""

CANDIDATES = 512
"""Pixels of a group among which "densest-first" looks for seeds."""


def cluster(embeddings: Tensor, bandwidth: float, seeding: Seeding = "first") -> Tensor:
    """Instance labels of pixels from their embeddings.

    embeddings: (P, C) float. bandwidth: L1 distance, strict. seeding: "first" starts each cluster at the first pixel
    without a label, "densest-first" at the one with the most neighbours in the bandwidth.
    Returns (P,) int64 labels 0, 1, ... in the order in which clusters were found, on the device of `embeddings`.
    """
    return cluster_groups(
        embeddings[None], embeddings.new_ones(1, len(embeddings), dtype=torch.bool), bandwidth, seeding
    )[0]


def cluster_groups(embeddings: Tensor, valid: Tensor, bandwidth: float, seeding: Seeding = "first") -> Tensor:
    """`cluster` for many groups of pixels at once: (G, P, C) embeddings, of which those in `valid` (G, P) bool count.

    Each group is clustered by itself, as if it were alone. Returns (G, P) int64, -1 where not valid. Raises ValueError
    for embeddings that are not finite.
    """
    labels = torch.full((valid.numel(),), -1, device=valid.device)
    if not valid.any():
        return labels.view(valid.shape)
    position = torch.arange(valid.numel(), device=valid.device).view(valid.shape)  # of a pixel in `labels`
    columns = _first(valid, int(valid.sum(dim=1).max()))
    groups = _gather(embeddings, columns)
    if bandwidth <= 0 or not groups.isfinite().all():
        raise ValueError("clustering needs a bandwidth above 0 and finite embeddings")
    free, position = valid.gather(1, columns), position.gather(1, columns)  # free: pixels without a label
    priority = _seed_priority(groups, free, bandwidth, seeding)
    centre, members = _seed(groups, free, priority), torch.zeros_like(free)
    found, moves = torch.zeros((2, len(valid)), dtype=torch.int64, device=valid.device)  # clusters; moves of `centre`
    while free.any():
        rows, width = free.any(dim=1).nonzero()[:, 0], int(free.sum(dim=1).max())
        if len(rows) * width <= free.numel() // 2:  # few pixels have no label by now: go on with those alone
            found, moves, centre = found[rows], moves[rows], centre[rows]
            columns = _first(free[rows], width)
            groups = _gather(groups[rows], columns)
            free, members, position, priority = (
                array[rows].gather(1, columns) for array in (free, members, position, priority)
            )

        settled = torch.zeros_like(found, dtype=torch.bool)
        while not settled.any():
            near = (torch.cdist(groups, centre[:, None], p=1)[..., 0] < bandwidth) & free
            size = near.sum(dim=1)
            mean = (near.to(groups.dtype)[:, None] @ groups)[:, 0] / size.clamp(min=1)[:, None]
            moves += 1
            # a mean can lie so far from all its pixels that none is near it: then the members before it count
            lost = size == 0
            members = torch.where(lost[:, None], members, near)
            settled = (mean == centre).all(dim=1) | lost | (moves >= MAX_MOVES)
            centre = mean
        taken = members & free & settled[:, None]
        labels[position[taken]] = found[:, None].expand_as(taken)[taken]
        free = free & ~taken
        found += settled
        moves *= ~settled
        centre = torch.where(settled[:, None], _seed(groups, free, priority), centre)
    return labels.view(valid.shape)


def _first(valid: Tensor, width: int) -> Tensor:
    """(G, width) int64: columns of each row's first `width` valid entries, padded with others."""
    return valid.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, :width]


def _gather(groups: Tensor, columns: Tensor) -> Tensor:
    """(G, width, C): the pixels of each group that its row of `columns` (G, width) names."""
    return groups.gather(1, columns[..., None].expand(-1, -1, groups.shape[-1]))


def _seed(groups: Tensor, free: Tensor, priority: Tensor) -> Tensor:
    """(G, C): embedding of each group's free pixel of the highest priority, of the first where several share it."""
    best = torch.where(free, priority, -1.0).argmax(dim=1)
    return groups[torch.arange(len(groups), device=best.device), best]


def _seed_priority(groups: Tensor, valid: Tensor, bandwidth: float, seeding: Seeding) -> Tensor:
    """(G, P) float, at least 0; the valid pixels of a group come before the others.

    For "densest-first": of up to CANDIDATES pixels spread evenly over each group, the number of others within the
    bandwidth, each weighted by how near it is (1 to 0, linear); 0 for all other pixels, which so become seeds last.
    """
    priority = torch.zeros(valid.shape, device=valid.device)
    if seeding == "first":
        return priority
    sizes = valid.sum(dim=1, keepdim=True)
    steps = torch.arange(min(CANDIDATES, valid.shape[1]), device=valid.device)
    used = steps < sizes  # a small group has fewer candidates
    candidates = steps * sizes // sizes.clamp(1, CANDIDATES) * used
    chosen = _gather(groups, candidates)
    near = (1 - torch.cdist(chosen, chosen, p=1) / bandwidth).clamp(min=0) * used[:, None]
    # sums of whole numbers do not depend on the order of summation
    density = (1000 * near).round().sum(dim=2) * used
    return priority.scatter_reduce(1, candidates, density.to(priority.dtype), "amax")
