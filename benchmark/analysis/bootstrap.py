"""Bootstrap over images, and over seeds where a model was trained with several: how sure metrics and differences are.

A resample draws as many images as there are, with replacement; an image drawn twice counts as two images. An image's
matches do not depend on the other images, so that those of the whole data set are enough. AP, AP50 and AP75 are printed
as COCO reads them, in steps of 1/101; their spread over resamples is that of the exact area under the same curves,
which has no steps (`benchmark.analysis.average_precision`). All other metrics are the evaluator's in both places.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from benchmark.analysis.average_precision import interpolated_area
from benchmark.analysis.occlusion import resampled_recall
from benchmark.evaluation.match import MAX_DETECTIONS, Matches
from datasets.errors import InputError

CONFIDENCE = 0.95

RESAMPLES = 1_000
"""For the interval of one metric."""

TEST_RESAMPLES = 10_000
"""For a difference, whose p-value then goes down to 2/10,001."""

DRAWN_AT_ONCE = 1_000
"""Images for which resamples are drawn at a time, to save memory; it changes nothing in what is drawn."""

SEED = 0
"""Seed of the random numbers that draw the resamples."""


class Interval(NamedTuple):
    """A percentile bootstrap interval of `CONFIDENCE`."""

    low: float
    high: float


class Difference(NamedTuple):
    """A metric of side a minus that of side b: on all images, its interval, the two-sided bootstrap p-value.

    value: of the evaluator's metrics. exact: of the areas for AP, AP50 and AP75, else the value again; interval and p
    belong to it. at_floor: whether no resample contradicts the sign, so that p is no more than the smallest that so
    many can show.
    """

    value: float
    exact: float
    interval: Interval
    p_value: float
    at_floor: bool


@dataclass(frozen=True)
class Resamples:
    """Metrics of one run's predictions on the data set itself and on B resamples of its images.

    points: name -> the evaluator's value, NaN where it says None. metrics: name -> (B,) float64, NaN where there is
    nothing to measure; areas for AP, AP50 and AP75. exact: name -> the same of the data set itself. The names and their
    order are the evaluator's.
    recall_points: (bins,) float64 and recall: (bins, B) float64, of `recall_by_occlusion`. ground_truth: stands for the
    annotations; seed: of the resamples. Where both and B agree, entry b of two `Resamples` is of the same images.
    """

    points: dict[str, float]
    exact: dict[str, float]
    metrics: dict[str, np.ndarray]
    recall_points: np.ndarray
    recall: np.ndarray
    ground_truth: str
    seed: int

    @property
    def count(self) -> int:
        return self.recall.shape[1]


def resample(
    matches: Matches, points: dict[str, float | None], resamples: int = RESAMPLES, seed: int = SEED
) -> Resamples:
    """Metrics of `resamples` resamples; deterministic in the seed. points: what the evaluator says of `matches`."""
    multiplicities = draw_multiplicities(len(matches.image_ids), resamples, seed)
    metrics = resampled_metrics(matches, multiplicities)
    whole = np.ones((len(matches.image_ids), 1), np.float32)
    return Resamples(
        points={name: np.nan if (point := points[name]) is None else float(point) for name in metrics},
        exact={name: float(values[0]) for name, values in resampled_metrics(matches, whole).items()},
        metrics=metrics,
        recall_points=resampled_recall(matches, whole)[:, 0],
        recall=resampled_recall(matches, multiplicities),
        ground_truth=_ground_truth_hash(matches),
        seed=seed,
    )


def intervals(resamples: Resamples) -> dict[str, Interval | None]:
    """95 % interval of every metric.

    Resamples without an instance that a metric could look at are left out of its interval; None if all of them are.
    """
    return {name: _interval(values) for name, values in resamples.metrics.items()}


def paired_differences(a: Sequence[Resamples], b: Sequence[Resamples]) -> dict[str, Difference | None]:
    """Side a minus side b, each one or more runs that differ in their seed alone, of every metric that all have.

    The value is the difference of the sides' means. Every resample draws images, the same for both sides, and as many
    of each side's runs as it has, with replacement (hierarchical bootstrap; Davison and Hinkley, Bootstrap Methods and
    their Application, 1997, section 3.8). With one run a side only images vary. None where a metric has no interval.

    p-value: twice the share of resamples whose difference lies on the rarer side of 0, or on 0, at most 1. One
    resample is added to both counts, so that it is never 0 (the same book, chapter 4).

    Raises InputError if the runs do not stem from the same annotations and resamples.
    """
    shared = [name for name in a[0].metrics if all(name in run.metrics for run in (*a, *b))]
    drawn_a, drawn_b = _draw_runs(a, b)
    return {
        name: _difference(
            float(np.mean([run.points[name] for run in a]) - np.mean([run.points[name] for run in b])),
            float(np.mean([run.exact[name] for run in a]) - np.mean([run.exact[name] for run in b])),
            _mean_of_drawn(np.stack([run.metrics[name] for run in a]), drawn_a)
            - _mean_of_drawn(np.stack([run.metrics[name] for run in b]), drawn_b),
        )
        for name in shared
    }


def paired_recall_differences(a: Sequence[Resamples], b: Sequence[Resamples]) -> list[Difference | None]:
    """As `paired_differences`, of the recall in each bin of occlusion rate."""
    drawn_a, drawn_b = _draw_runs(a, b)
    points = np.mean([run.recall_points for run in a], axis=0) - np.mean([run.recall_points for run in b], axis=0)
    values = (
        _mean_of_drawn(np.stack([run.recall[of_bin] for run in a]), drawn_a)
        - _mean_of_drawn(np.stack([run.recall[of_bin] for run in b]), drawn_b)
        for of_bin in range(len(points))
    )
    return [_difference(point, point, of_bin) for point, of_bin in zip(points, values, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for so many tests (Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979).

    The i-th smallest of m is multiplied by m - i + 1; none falls below a smaller one's, none exceeds 1.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(order) - np.arange(len(order))
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(np.minimum(np.asarray(p_values, float)[order] * factors, 1))
    return adjusted.tolist()


@lru_cache(maxsize=2)
def draw_multiplicities(images: int, resamples: int, seed: int) -> np.ndarray:
    """(images, resamples) float32 whole numbers, read-only: how often each image is drawn; a column sums to images."""
    random = np.random.default_rng(seed)
    counts = np.zeros(images * resamples, np.float32)
    for start in range(0, images, DRAWN_AT_ONCE):
        drawn = random.integers(images, size=(min(DRAWN_AT_ONCE, images - start), resamples))
        np.add.at(counts, drawn * resamples + np.arange(resamples), np.float32(1))
    counts.flags.writeable = False
    return counts.reshape(images, resamples)


def resampled_metrics(matches: Matches, multiplicities: np.ndarray) -> dict[str, np.ndarray]:
    """The metrics of B resamples: name -> (B,) float64, NaN where the evaluator says None; areas for AP, AP50, AP75.

    multiplicities: (I, B) float32 whole numbers, how often a resample holds each image. order_accuracy only where the
    predictions carry an order.
    """
    images = len(matches.image_ids)
    thresholds = len(matches.iou_thresholds)
    true_positives = matches.detection_match >= 0
    instances = np.bincount(matches.ground_truth_image, minlength=images)
    area = interpolated_area(matches.scores, matches.detection_image, true_positives, instances, multiplicities)
    metrics = {
        "AP": area.mean(axis=0),
        "AP50": area[np.isclose(matches.iou_thresholds, 0.5)][0],
        "AP75": area[np.isclose(matches.iou_thresholds, 0.75)][0],
    }

    def ratio(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
        counts, totals = (np.stack([counts, totals]).astype(np.float32) @ multiplicities).astype(np.float64)
        return np.divide(counts, totals, out=np.full(len(totals), np.nan), where=totals > 0)

    def per_image(places: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Sums of each image, over all IoU thresholds."""
        return np.bincount(places, counts, minlength=images)

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


def _draw_runs(a: Sequence[Resamples], b: Sequence[Resamples]) -> tuple[np.ndarray, np.ndarray]:
    """Which runs of side a and of side b each resample draws: (B, runs of the side) int each."""
    if len({(run.ground_truth, run.seed, run.count) for run in (*a, *b)}) > 1:
        raise InputError("paired bootstrap: found runs on different annotations or resamples, expected the same")
    random = np.random.default_rng([a[0].seed, 1])
    drawn_a, drawn_b = (random.integers(len(side), size=(side[0].count, len(side))) for side in (a, b))
    return drawn_a, drawn_b


def _mean_of_drawn(values: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(B,) mean over the drawn runs. values: (runs, B). drawn: (B, runs) int, places of runs."""
    return values[drawn, np.arange(values.shape[1])[:, None]].mean(axis=1)


def _interval(values: np.ndarray) -> Interval | None:
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return None
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def _difference(point: float, exact: float, values: np.ndarray) -> Difference | None:
    """point, exact: on the data set itself. values: (B,), of the resamples."""
    interval = _interval(values)
    if np.isnan(point) or interval is None:
        return None
    values = values[~np.isnan(values)]
    rarer = min(np.count_nonzero(values <= 0), np.count_nonzero(values >= 0))
    p_value = float(min(1, 2 * (rarer + 1) / (len(values) + 1)))
    return Difference(float(point), float(exact), interval, p_value, at_floor=bool(rarer == 0))


def _ground_truth_hash(matches: Matches) -> str:
    fields = (matches.image_ids, matches.ground_truth_image, matches.occlusion_rates)
    return hashlib.sha256(b"".join(np.ascontiguousarray(field).tobytes() for field in fields)).hexdigest()
