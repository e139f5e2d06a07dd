"""Recall against the occlusion rate."""

from typing import NamedTuple

import numpy as np

from benchmark.evaluation.match import Matches


class OcclusionRecall(NamedTuple):
    """edges: (bins + 1,) float64 occlusion rates. instances: (bins,) int64. recall: (bins,) float64, NaN if empty."""

    edges: np.ndarray
    instances: np.ndarray
    recall: np.ndarray


def recall_by_occlusion(matches: Matches, bins: int = 10) -> OcclusionRecall:
    """Recall (mean over IoU .50:.05:.95, up to 1,000 detections) of the instances in equal bins of occlusion rate.

    A bin holds its lower edge, the last one its upper as well. All instances take part in one matching, that of the
    range "all", so that the bins' mean weighted with their instances is AR1000; AR_none, AR_partial and AR_heavy match
    each range on its own, as COCO does, which may find a few more.
    """
    instances, _ = _per_image(matches, bins)
    whole = np.ones((len(matches.image_ids), 1), np.float32)
    return OcclusionRecall(bin_edges(bins), instances.sum(axis=0), resampled_recall(matches, whole, bins)[:, 0])


def resampled_recall(matches: Matches, multiplicities: np.ndarray, bins: int = 10) -> np.ndarray:
    """`recall_by_occlusion` of B resamples: (bins, B) float64, NaN where a bin is empty.

    multiplicities: (I, B) float32 whole numbers, how often a resample holds each image.
    """
    instances, found = (of_image.T.astype(np.float32) @ multiplicities for of_image in _per_image(matches, bins))
    looked_for = instances.astype(np.float64) * len(matches.iou_thresholds)
    return np.divide(found, looked_for, out=np.full(found.shape, np.nan), where=instances > 0)


def bin_edges(bins: int) -> np.ndarray:
    """(bins + 1,) float64, from 0 to 1."""
    return np.arange(bins + 1) / bins


def places_in_bins(occlusion_rates: np.ndarray, bins: int) -> np.ndarray:
    """(G,) int64 bin of each rate. A bin holds its lower edge, the last one its upper as well."""
    return np.minimum(np.searchsorted(bin_edges(bins), occlusion_rates, side="right") - 1, bins - 1)


def _per_image(matches: Matches, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Instances, and how often they are found at all IoU thresholds together: (I, bins) int64 each."""
    cells = matches.ground_truth_image * bins + places_in_bins(matches.occlusion_rates, bins)
    found = (matches.ground_truth_match[matches.ranges.index("all")] >= 0).sum(axis=0)
    shape = len(matches.image_ids), bins
    counts = np.bincount(cells, minlength=shape[0] * bins), np.bincount(cells, found, shape[0] * bins)
    return counts[0].reshape(shape), counts[1].astype(np.int64).reshape(shape)
