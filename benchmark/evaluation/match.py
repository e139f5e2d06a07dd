"""Matching of detections and ground truth by a COCO engine (docs/protocol.md "Evaluation").

The engine is ultrafast-pycocotools: bit-identical to pycocotools (whose numbers are COCO's) in per-image matches, and
the only fast one that hands them over at little cost. No image's matches depend on other images, so that it gets some
images at a time and memory holds no more than their masks as it wants them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from ultrafast_pycocotools import COCO, COCOeval

from benchmark.evaluation.validate import GroundTruth, Predictions, garbage_collection_paused
from datasets.progress import progress
from datasets.rle import EncodedMasks

OCCLUSION_RANGES = {"all": (0.0, 1e10), "none": (0.0, 1e-5), "partial": (1e-5, 0.25), "heavy": (0.25, 1.0)}
"""Occlusion rates of each range, borders included. "all" is as wide as COCO's own, so that unmatched detections,
whatever their area, count as false positives in it."""

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""COCO's .50:.05:.95."""

MAX_DETECTIONS = (1, 10, 100, 1000)
"""Detections per image that the recalls AR1 ... AR1000 look at; everything else looks at the last."""

IMAGES_AT_ONCE = 1_000
"""Images that the engine gets at a time."""

SHORT = 10
"""So many times that are over before anybody asks for progress."""


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
    detection_match: (T, D) int32, place of the matched ground truth, -1 for a false positive; range "all".
    ground_truth_image: (G,) int64, place in image_ids. occlusion_rates: (G,) float64.
    in_range: (R, G) bool, instances that a range counts.
    ground_truth_match: (R, T, G) int32, place in the predictions of the matched detection, -1 for a missed instance
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


@garbage_collection_paused()
def match(ground_truth: GroundTruth, predictions: Predictions) -> Matches:
    """Match every image's detections to its instances, of whatever category, in each occlusion range.

    The occlusion rate stands in for the ground truth's area, so that occlusion ranges are area ranges. Detections take
    the area 0: an area decides only whether an unmatched one counts, which recall ignores and which "all" always says.
    """
    image_ids = np.sort(np.array(list(ground_truth.image_sizes), dtype=np.int64))
    truth_image = np.searchsorted(image_ids, ground_truth.annotation_images)
    truth_order, truth_starts = _by_image(truth_image, len(image_ids))
    found_order, found_starts = _by_image(np.searchsorted(image_ids, predictions.image_ids), len(image_ids))
    shape = len(IOU_THRESHOLDS), len(truth_image)
    in_range = np.zeros((len(OCCLUSION_RANGES), len(truth_image)), dtype=bool)
    ground_truth_match = np.full((len(OCCLUSION_RANGES), *shape), -1, dtype=np.int32)
    detections: list[_Detections] = []
    starts = range(0, len(image_ids), IMAGES_AT_ONCE)
    if len(starts) > SHORT:
        starts = progress(starts, total=len(starts), description="match", unit=f"{IMAGES_AT_ONCE:,} image")
    for start in starts:
        end = min(start + IMAGES_AT_ONCE, len(image_ids))
        truth = truth_order[truth_starts[start] : truth_starts[end]]
        found = found_order[found_starts[start] : found_starts[end]]
        blocks = _run_engine(image_ids[start:end], ground_truth, truth, predictions, found)
        for r, block in enumerate(blocks):
            places = truth[_beside(block, "gtIds") - 1]
            counted = ~_beside(block, "gtIgnore").astype(bool)
            in_range[r, places] = counted
            matched = np.where(counted, _beside(block, "gtMatches", len(IOU_THRESHOLDS)) - 1, -1)
            ground_truth_match[r][:, places] = _elsewhere(found, matched)
        detections.append(_detections(blocks[0], image_ids, truth, found))
    columns = [np.concatenate(column, axis=-1) for column in zip(*detections, strict=True)]
    of_all = _Detections(*columns)
    return Matches(
        image_ids=image_ids,
        iou_thresholds=IOU_THRESHOLDS,
        ranges=tuple(OCCLUSION_RANGES),
        detection_index=of_all.place,
        detection_image=of_all.image,
        detection_rank=of_all.rank,
        scores=of_all.scores,
        detection_match=of_all.match,
        ground_truth_image=truth_image,
        occlusion_rates=ground_truth.occlusion_rates,
        in_range=in_range,
        ground_truth_match=ground_truth_match,
    )


class _Detections(NamedTuple):
    """The columns of `Matches` that speak of detections, of some images."""

    place: np.ndarray
    image: np.ndarray
    rank: np.ndarray
    scores: np.ndarray
    match: np.ndarray


def _by_image(images: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of entries image by image, in the file's order within one, and where each of `count` images begins."""
    order = np.argsort(images, kind="stable")
    return order, np.searchsorted(images[order], np.arange(count + 1))


def _run_engine(
    image_ids: np.ndarray, ground_truth: GroundTruth, truth: np.ndarray, predictions: Predictions, found: np.ndarray
) -> list[list[dict]]:
    """The engine's records of some images, range by range; none of an image with neither instances nor detections.

    truth, found: places of the annotations and detections of these images. Ids in the records are places in these
    arrays, plus 1.
    """
    engine = COCOeval(
        _coco(
            ground_truth,
            image_ids,
            ground_truth.annotation_images[truth],
            ground_truth.annotation_categories[truth],
            ground_truth.segmentations.take(truth),
            area=ground_truth.occlusion_rates[truth],
        ),
        _coco(
            ground_truth,
            image_ids,
            predictions.image_ids[found],
            predictions.category_ids[found],
            predictions.segmentations.take(found),
            area=np.zeros(len(found)),
            score=predictions.scores[found],
        ),
        "segm",
        store_eval_imgs=True,
        print_function=lambda message: None,
    )
    set_up(engine)
    engine.evaluate()
    return [
        [record for record in engine.evalImgs[start : start + len(image_ids)] if record is not None]
        for start in range(0, len(engine.evalImgs), len(image_ids))
    ]


def set_up(engine: Any) -> None:
    """Give a COCO engine, of whatever library, the benchmark's thresholds, and occlusion rates in place of areas."""
    engine.params.useCats = 0
    engine.params.iouThrs = IOU_THRESHOLDS
    engine.params.maxDets = list(MAX_DETECTIONS)
    engine.params.areaRng = [list(bounds) for bounds in OCCLUSION_RANGES.values()]
    engine.params.areaRngLbl = list(OCCLUSION_RANGES)


def _coco(
    ground_truth: GroundTruth,
    of_images: np.ndarray,
    image_ids: np.ndarray,
    category_ids: np.ndarray,
    masks: EncodedMasks,
    **columns: np.ndarray,
) -> COCO:
    """An engine's data set. Ids count from 1, because COCO's match tables write 0 for "no match"."""
    names = ("id", "image_id", "category_id", "segmentation", "iscrowd", *columns)
    count = len(image_ids)
    values = (image_ids.tolist(), category_ids.tolist(), masks[:], [0] * count)
    rows = zip(range(1, count + 1), *values, *(column.tolist() for column in columns.values()), strict=True)
    sizes = ((image_id, ground_truth.image_sizes[image_id]) for image_id in of_images.tolist())
    coco = COCO(verbose=False)
    coco.dataset = {
        "images": [{"id": i, "height": h, "width": w} for i, (h, w) in sizes],
        "categories": [{"id": category_id} for category_id in ground_truth.category_ids],
        "annotations": [dict(zip(names, row, strict=True)) for row in rows],
    }
    coco.createIndex()
    return coco


def _detections(block: list[dict], image_ids: np.ndarray, truth: np.ndarray, found: np.ndarray) -> _Detections:
    """Columns of the detections in the records of range "all" of some images."""
    counts = np.array([len(record["dtIds"]) for record in block], dtype=np.int64)
    images = np.array([record["image_id"] for record in block], dtype=np.int64)
    return _Detections(
        place=found[_beside(block, "dtIds") - 1],
        image=np.repeat(np.searchsorted(image_ids, images), counts),
        rank=np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts),
        scores=_beside(block, "dtScores", dtype=np.float64),
        match=_elsewhere(truth, _beside(block, "dtMatches", len(IOU_THRESHOLDS)) - 1),
    )


def _elsewhere(places: np.ndarray, within: np.ndarray) -> np.ndarray:
    """int32: what `within` counts in `places`, as what `places` says; -1 stays."""
    return np.append(places, -1).astype(np.int32)[within]


def _beside(records: list[dict], key: str, rows: int | None = None, dtype: type = np.int64) -> np.ndarray:
    """The arrays of all records side by side: (N,), or (rows, N)."""
    empty = np.zeros(0 if rows is None else (rows, 0))
    return np.concatenate([empty, *(record[key] for record in records)], axis=-1).astype(dtype)
