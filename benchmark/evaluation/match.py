"""Matching of detections and ground truth: one run of a COCO engine (docs/protocol.md "Evaluation").

The engine is ultrafast-pycocotools: bit-identical to pycocotools (whose numbers are COCO's) in curves and in per-image
matches, and the only fast one that hands the matches over at little cost.
"""

from dataclasses import dataclass

import numpy as np
from ultrafast_pycocotools import COCO, COCOeval

from benchmark.evaluation.validate import GroundTruth, Predictions, garbage_collection_paused

OCCLUSION_RANGES = {"all": (0.0, 1e10), "none": (0.0, 1e-5), "partial": (1e-5, 0.25), "heavy": (0.25, 1.0)}
"""Occlusion rates of each range, borders included. "all" is as wide as COCO's own, so that unmatched detections,
whatever their area, count as false positives in it."""

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's .50:.05:.95."""

MAX_DETECTIONS = (1, 10, 100, 1000)
"""Detections per image that the recalls AR1 ... AR1000 look at; everything else looks at the last."""


@dataclass(frozen=True)
class Matches:
    """Who matched whom: T IoU thresholds, R occlusion ranges, I images, G ground-truth instances, D detections.

    Ground truth stands in the order of the annotation file. Detections stand image by image, by falling score within
    one (ties in the engine's order); those beyond the 1,000 best of an image are left out. A prefix of an image's
    detections is matched as if the others did not exist, hence recall with fewer detections counts the matches of
    rank below that number.

    image_ids: (I,) int64, ascending. iou_thresholds: (T,) float64. ranges: R names.
    detection_index: (D,) int64, place in the predictions. detection_image: (D,) int64, place in image_ids.
    detection_rank: (D,) int64, 0 for the best of an image. scores: (D,) float64.
    detection_match: (T, D) int64, place of the matched ground truth, -1 for a false positive; range "all".
    ground_truth_image: (G,) int64, place in image_ids. occlusion_rates: (G,) float64.
    in_range: (R, G) bool, instances that a range counts.
    ground_truth_match: (R, T, G) int64, place in the predictions of the matched detection, -1 for a missed instance
    and for one outside the range. Each range is matched on its own, as in COCO's area ranges.
    order_pairs: (2, I) int64, see `count_order_pairs`; None where the predictions carry no order.
    """

    image_ids: np.ndarray
    iou_thresholds: np.ndarray
    ranges: tuple[str, ...]
    detection_index: np.ndarray
    detection_image: np.ndarray
    detection_rank: np.ndarray
    scores: np.ndarray
    detection_match: np.ndarray
    ground_truth_image: np.ndarray
    occlusion_rates: np.ndarray
    in_range: np.ndarray
    ground_truth_match: np.ndarray
    order_pairs: np.ndarray | None = None


@dataclass(frozen=True)
class Curves:
    """What the engine accumulates over all images, NaN where a range holds no instance.

    precision: (T, 101, R, M) at the recalls 0, .01, ... 1. recall: (T, R, M). M counts `MAX_DETECTIONS`.
    """

    precision: np.ndarray
    recall: np.ndarray


@garbage_collection_paused()
def match(ground_truth: GroundTruth, predictions: Predictions) -> tuple[Curves, Matches]:
    """Match every image's detections to its instances, of whatever category, in each occlusion range.

    The occlusion rate stands in for the ground truth's area, so that occlusion ranges are area ranges. Detections take
    the area 0: an area decides only whether an unmatched one counts, which recall ignores and which "all" always says.
    """
    engine = COCOeval(
        _coco(
            ground_truth,
            ground_truth.annotation_images,
            ground_truth.annotation_categories,
            ground_truth.segmentations,
            area=ground_truth.occlusion_rates,
        ),
        _coco(
            ground_truth,
            predictions.image_ids,
            predictions.category_ids,
            predictions.segmentations,
            area=[0.0] * len(predictions.scores),
            score=predictions.scores,
        ),
        "segm",
        store_eval_imgs=True,
        print_function=lambda message: None,
    )
    engine.params.useCats = 0
    engine.params.iouThrs = IOU_THRESHOLDS
    engine.params.maxDets = list(MAX_DETECTIONS)
    engine.params.areaRng = [list(bounds) for bounds in OCCLUSION_RANGES.values()]
    engine.params.areaRngLbl = list(OCCLUSION_RANGES)
    engine.evaluate()
    engine.accumulate()
    precision, recall = engine.eval["precision"][:, :, 0], engine.eval["recall"][:, 0]
    curves = Curves(np.where(precision < 0, np.nan, precision), np.where(recall < 0, np.nan, recall))
    return curves, _matches(engine.evalImgs, ground_truth)


def _coco(ground_truth: GroundTruth, image_ids, category_ids, segmentations, **columns) -> COCO:
    """An engine's data set. Ids count from 1, because COCO's match tables write 0 for "no match"."""
    names = ("id", "image_id", "category_id", "segmentation", "iscrowd", *columns)
    count = len(image_ids)
    rows = zip(range(1, count + 1), image_ids, category_ids, segmentations, [0] * count, *columns.values(), strict=True)
    coco = COCO(verbose=False)
    coco.dataset = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in ground_truth.image_sizes.items()],
        "categories": [{"id": category_id} for category_id in ground_truth.category_ids],
        "annotations": [dict(zip(names, row, strict=True)) for row in rows],
    }
    coco.createIndex()
    return coco


def _matches(records: list[dict | None], ground_truth: GroundTruth) -> Matches:
    """Flat arrays from per-image records: R blocks of I, None for an image with neither instances nor detections."""
    image_ids = np.sort(np.array(list(ground_truth.image_sizes), dtype=np.int64))
    ranges, thresholds, instances = len(OCCLUSION_RANGES), len(IOU_THRESHOLDS), len(ground_truth.annotation_ids)
    blocks = [
        [record for record in records[start : start + len(image_ids)] if record is not None]
        for start in range(0, len(records), len(image_ids))
    ]

    in_range = np.zeros((ranges, instances), dtype=bool)
    ground_truth_match = np.full((ranges, thresholds, instances), -1, dtype=np.int64)
    for r, block in enumerate(blocks):
        places = _beside(block, "gtIds") - 1
        counted = ~_beside(block, "gtIgnore").astype(bool)
        in_range[r, places] = counted
        ground_truth_match[r][:, places] = np.where(counted, _beside(block, "gtMatches", thresholds) - 1, -1)

    detections = np.array([len(record["dtIds"]) for record in blocks[0]], dtype=np.int64)
    images = np.array([record["image_id"] for record in blocks[0]], dtype=np.int64)
    return Matches(
        image_ids=image_ids,
        iou_thresholds=IOU_THRESHOLDS,
        ranges=tuple(OCCLUSION_RANGES),
        detection_index=_beside(blocks[0], "dtIds") - 1,
        detection_image=np.repeat(np.searchsorted(image_ids, images), detections),
        detection_rank=np.arange(detections.sum()) - np.repeat(np.cumsum(detections) - detections, detections),
        scores=_beside(blocks[0], "dtScores", dtype=np.float64),
        detection_match=_beside(blocks[0], "dtMatches", thresholds) - 1,
        ground_truth_image=np.searchsorted(image_ids, np.array(ground_truth.annotation_images, dtype=np.int64)),
        occlusion_rates=np.array(ground_truth.occlusion_rates, dtype=np.float64),
        in_range=in_range,
        ground_truth_match=ground_truth_match,
    )


def _beside(records: list[dict], key: str, rows: int | None = None, dtype: type = np.int64) -> np.ndarray:
    """The arrays of all records side by side: (N,), or (rows, N)."""
    empty = np.zeros(0 if rows is None else (rows, 0))
    return np.concatenate([empty, *(record[key] for record in records)], axis=-1).astype(dtype)
