"""Depth order, pair by pair: does a model know which of two overlapping shapes lies in front?"""

from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco_mask


def count_order_pairs(
    image_count: int, images: np.ndarray, masks: Sequence[dict], orders: np.ndarray, predicted_orders: np.ndarray
) -> np.ndarray:
    """(2, image_count) int64: overlapping pairs that the predicted order puts the right way round, and all of them.

    One entry for each ground-truth instance that a detection matches at IoU .5 (n of them): images: (n,) int, the
    place of its image, below image_count. masks: its amodal mask, RLE. orders: (n,) int, its depth order, 1 = front.
    predicted_orders: (n,) int, the order of the detection.

    A pair counts if both stand in the same image and their amodal masks share a pixel. Equal predicted orders are
    wrong.
    """
    pairs = np.zeros((2, image_count), dtype=np.int64)
    by_image = np.argsort(images, kind="stable")
    for group in np.split(by_image, np.flatnonzero(np.diff(images[by_image])) + 1):
        if len(group) < 2:
            continue
        rles = [masks[place] for place in group]
        overlap = coco_mask.iou(rles, rles, [0] * len(rles)) > 0
        in_front = overlap & (orders[group, None] < orders[group])
        predicted_in_front = predicted_orders[group, None] < predicted_orders[group]
        pairs[:, images[group[0]]] = np.count_nonzero(in_front & predicted_in_front), np.count_nonzero(in_front)
    return pairs


def depth_order_accuracy(pairs: np.ndarray) -> float | None:
    """Share of the pairs of all images that are the right way round, from `count_order_pairs`; None without pairs."""
    right, total = pairs.sum(axis=1)
    return float(right / total) if total else None
