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
    edges = np.arange(bins + 1) / bins
    of_instance = np.minimum(np.searchsorted(edges, matches.occlusion_rates, side="right") - 1, bins - 1)
    found = (matches.ground_truth_match[matches.ranges.index("all")] >= 0).mean(axis=0)
    instances = np.bincount(of_instance, minlength=bins)
    sums = np.bincount(of_instance, found, minlength=bins)
    recall = np.divide(sums, instances, out=np.full(bins, np.nan), where=instances > 0)
    return OcclusionRecall(edges, instances, recall)
