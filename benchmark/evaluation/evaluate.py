"""The evaluator: annotations and a results file in, the protocol's metrics out (docs/protocol.md "Evaluation")."""

from dataclasses import replace

import numpy as np

from benchmark.evaluation.curves import precision_at_recalls, recall_of_range, recall_within
from benchmark.evaluation.depth_order import count_order_pairs, depth_order_accuracy
from benchmark.evaluation.match import IOU_THRESHOLDS, MAX_DETECTIONS, Matches, match
from benchmark.evaluation.validate import GroundTruth, Masks, Predictions, read_annotations, read_predictions
from datasets.table import Source

Metrics = dict[str, float | None]
"""Metric name -> value in [0, 1], None where there is nothing to measure; always in the same order."""


def evaluate(annotations: Source | GroundTruth, predictions: Source, masks: Masks = "amodal") -> Metrics:
    """Score COCO results against COCO annotations with occlusion rates, whatever the categories.

    Both are a .json or .json.gz file or its content; annotations may also be what `read_annotations` returned, to
    score many results against them (`masks` is then theirs). `masks` "visible" compares the `visible_mask` of
    annotations and predictions instead of `segmentation`. The metrics, in this order:

    AP, AP50, AP75: average precision at IoU .50:.05:.95, .50 and .75, up to 1,000 detections per image.
    AR1, AR10, AR100, AR1000: average recall at IoU .50:.05:.95 with so many detections per image.
    AR_none, AR_partial, AR_heavy: the same, up to 1,000 detections, of the instances with an occlusion rate in
    [0, 1e-5], [1e-5, .25] and [.25, 1].
    order_accuracy: see `depth_order_accuracy`; only of amodal masks, and where the predictions carry `order`.

    Raises InputError for the first fault in either file.
    """
    return evaluate_with_matches(annotations, predictions, masks)[0]


def evaluate_with_matches(
    annotations: Source | GroundTruth, predictions: Source | Predictions, masks: Masks = "amodal"
) -> tuple[Metrics, Matches]:
    """`evaluate`, also of what `read_predictions` returned, and the per-image matches that its numbers stem from."""
    ground_truth = annotations if isinstance(annotations, GroundTruth) else read_annotations(annotations, masks)
    detections = predictions if isinstance(predictions, Predictions) else read_predictions(predictions, ground_truth)
    matches = match(ground_truth, detections)
    metrics = _summarize(matches)
    if detections.orders is not None and len(detections.orders) and ground_truth.masks == "amodal":
        # visible masks hardly overlap
        order_pairs = _order_pairs(ground_truth, detections, matches)
        matches = replace(matches, order_pairs=order_pairs)
        metrics["order_accuracy"] = depth_order_accuracy(order_pairs)
    return metrics, matches


def _summarize(matches: Matches) -> Metrics:
    precision = precision_at_recalls(
        matches.scores,
        matches.detection_image,
        matches.detection_match >= 0,
        len(matches.ground_truth_image),
    )
    metrics = {
        "AP": precision,
        "AP50": precision[np.isclose(IOU_THRESHOLDS, 0.5)],
        "AP75": precision[np.isclose(IOU_THRESHOLDS, 0.75)],
    }
    metrics |= {f"AR{limit}": recall_within(matches, limit) for limit in MAX_DETECTIONS}
    metrics |= {f"AR_{name}": recall_of_range(matches, name) for name in ("none", "partial", "heavy")}
    return {name: None if np.isnan(values).any() else float(values.mean()) for name, values in metrics.items()}


def _order_pairs(ground_truth: GroundTruth, predictions: Predictions, matches: Matches) -> np.ndarray:
    assert ground_truth.orders is not None and predictions.orders is not None
    detection = matches.ground_truth_match[matches.ranges.index("all"), np.isclose(matches.iou_thresholds, 0.5)][0]
    (matched,) = np.nonzero(detection >= 0)
    return count_order_pairs(
        image_count=len(matches.image_ids),
        images=matches.ground_truth_image[matched],
        masks=ground_truth.segmentations.take(matched),
        orders=ground_truth.orders[matched],
        predicted_orders=predictions.orders[detection[matched]],
    )
