"""Bootstrap over images: how sure a run's metrics are, and the difference of two runs on the same images.

A resample draws as many images as there are, with replacement; an image drawn twice counts as two images. Its metrics
are exactly what the evaluator says of that data set, computed from the matches of the whole one: an image's matches do
not depend on the other images.
"""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmark.analysis.average_precision import average_precision
from benchmark.analysis.occlusion import resampled_recall
from benchmark.evaluation.match import MAX_DETECTIONS, Matches
from datasets.errors import InputError

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A percentile bootstrap interval of `CONFIDENCE`."""

    low: float
    high: float


class Difference(NamedTuple):
    """Of a metric between runs a and b: a - b on all images, its interval, the two-sided bootstrap p-value."""

    value: float
    interval: Interval
    p_value: float


@dataclass(frozen=True)
class Resamples:
    """Metrics of one run's predictions on the data set itself and on B resamples of its images.

    metrics: name -> (1 + B,) float64, the data set itself first; NaN where the evaluator says None. The names and their
    order are the evaluator's. recall_by_occlusion: (1 + B, bins) float64, NaN where a bin is empty. ground_truth:
    stands for the annotations; seed: of the resamples. Where both agree, entry i of two `Resamples` is of the same
    images.
    """

    metrics: dict[str, np.ndarray]
    recall_by_occlusion: np.ndarray
    ground_truth: str
    seed: int


def resample(matches: Matches, resamples: int = 1000, seed: int = 0) -> Resamples:
    """Metrics of `resamples` resamples; deterministic in the seed."""
    images = len(matches.image_ids)
    multiplicities = np.concatenate([np.ones((1, images), np.int64), draw_multiplicities(images, resamples, seed)])
    recall = resampled_recall(matches, multiplicities)
    return Resamples(resampled_metrics(matches, multiplicities), recall, _ground_truth_hash(matches), seed)


def intervals(resamples: Resamples) -> dict[str, Interval | None]:
    """95 % interval of every metric.

    Resamples without an instance that a metric could look at are left out of its interval; None if all of them are.
    """
    return {name: _interval(values[1:]) for name, values in resamples.metrics.items()}


def paired_differences(a: Resamples, b: Resamples) -> dict[str, Difference | None]:
    """a - b of every metric that both have, on the same resampled images for both; None where a metric has no interval.

    p-value: twice the share of resamples whose difference lies on the rarer side of 0, or on 0, at most 1. One
    resample is added to both counts, so that it is never 0 (Davison and Hinkley, Bootstrap Methods and their
    Application, 1997, chapter 4).

    Raises InputError if the two do not stem from the same annotations and resamples.
    """
    _check_paired(a, b)
    return {name: _difference(a.metrics[name] - b.metrics[name]) for name in a.metrics if name in b.metrics}


def paired_recall_differences(a: Resamples, b: Resamples) -> list[Difference | None]:
    """As `paired_differences`, of the recall in each bin of occlusion rate."""
    _check_paired(a, b)
    return [_difference(values) for values in (a.recall_by_occlusion - b.recall_by_occlusion).T]


def draw_multiplicities(images: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, images) int64: how often each image is drawn; each row sums to the number of images."""
    return np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), size=resamples)


def resampled_metrics(matches: Matches, multiplicities: np.ndarray) -> dict[str, np.ndarray]:
    """The evaluator's metrics of B resamples: name -> (B,) float64, NaN where the evaluator says None.

    multiplicities: (B, I) int, how often a resample holds each image. order_accuracy only where the predictions carry
    an order.
    """
    images = len(matches.image_ids)

    def per_image(places: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Sums of each image, over all IoU thresholds."""
        return np.bincount(places, counts, minlength=images).astype(np.int64)

    def ratio(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
        counts, totals = multiplicities @ counts, multiplicities @ totals
        return np.divide(counts, totals, out=np.full(len(totals), np.nan), where=totals > 0)

    thresholds = len(matches.iou_thresholds)
    true_positives = matches.detection_match >= 0
    instances = np.bincount(matches.ground_truth_image, minlength=images)
    precision = average_precision(matches.scores, matches.detection_image, true_positives, instances, multiplicities)
    metrics = {
        "AP": precision.mean(axis=1),
        "AP50": precision[:, np.isclose(matches.iou_thresholds, 0.5)][:, 0],
        "AP75": precision[:, np.isclose(matches.iou_thresholds, 0.75)][:, 0],
    }
    found = true_positives.sum(axis=0)
    for limit in MAX_DETECTIONS:
        in_limit = found * (matches.detection_rank < limit)
        metrics[f"AR{limit}"] = ratio(per_image(matches.detection_image, in_limit), thresholds * instances)
    for r, name in enumerate(matches.ranges):
        if name != "all":
            found = (matches.ground_truth_match[r] >= 0).sum(axis=0)
            counted = per_image(matches.ground_truth_image, matches.in_range[r])
            metrics[f"AR_{name}"] = ratio(per_image(matches.ground_truth_image, found), thresholds * counted)
    if matches.order_pairs is not None:
        metrics["order_accuracy"] = ratio(*matches.order_pairs)
    return metrics


def _check_paired(a: Resamples, b: Resamples) -> None:
    if (a.ground_truth, a.seed) != (b.ground_truth, b.seed):
        raise InputError("paired bootstrap: found runs on different annotations or resamples, expected the same")


def _interval(values: np.ndarray) -> Interval | None:
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return None
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def _difference(values: np.ndarray) -> Difference | None:
    """values: (1 + resamples,), the first one of the data set itself."""
    value, values = values[0], values[1:]
    interval = _interval(values)
    if np.isnan(value) or interval is None:
        return None
    values = values[~np.isnan(values)]
    rarer = min(np.count_nonzero(values <= 0), np.count_nonzero(values >= 0))
    return Difference(float(value), interval, float(min(1, 2 * (rarer + 1) / (len(values) + 1))))


def _ground_truth_hash(matches: Matches) -> str:
    fields = (matches.image_ids, matches.ground_truth_image, matches.occlusion_rates)
    return hashlib.sha256(b"".join(np.ascontiguousarray(field).tobytes() for field in fields)).hexdigest()
