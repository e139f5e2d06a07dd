"""Depth order from masks that overlap and from what is seen where they do."""

import numpy as np
from torch import Tensor

TIE = 1e-3
"""Pixels that a hidden share of 1 counts for in the depth order."""


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
