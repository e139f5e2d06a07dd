"""Small data sets for the evaluator's tests, and pycocotools' opinion of them."""

import contextlib
import io

import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIDE = 8

RANGES = {"all": [0, 1e10], "none": [0, 1e-5], "partial": [1e-5, 0.25], "heavy": [0.25, 1]}


def encode(mask):
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": rle["counts"].decode()}


def box(row, column, height, width):
    """RLE of a rectangle on the small grid; clipped at its edge, possibly empty."""
    mask = np.zeros((SIDE, SIDE), dtype=np.uint8)
    mask[row : row + height, column : column + width] = 1
    return encode(mask)


def annotation(image_id, segmentation, occlude_rate=0.0, order=1, category_id=1):
    return {
        "image_id": image_id,
        "category_id": category_id,
        "segmentation": segmentation,
        "occlude_rate": occlude_rate,
        "order": order,
    }


def detection(image_id, segmentation, score=0.5, category_id=1, **order):
    return {"image_id": image_id, "category_id": category_id, "segmentation": segmentation, "score": score, **order}


def dataset(image_ids, annotations):
    return {
        "images": [{"id": image_id, "height": SIDE, "width": SIDE} for image_id in image_ids],
        "categories": [{"id": category_id, "name": f"class {category_id}"} for category_id in (1, 2, 3)],
        "annotations": [{"id": 100 + index, **annotation} for index, annotation in enumerate(annotations)],
    }


def run_pycocotools(annotations, predictions):
    """pycocotools' COCOeval, evaluated and accumulated, with the occlusion rate as the ground truth's area."""

    def coco(entries):
        handle = COCO()
        handle.dataset = {**annotations, "annotations": entries}
        handle.createIndex()
        return handle

    ground_truth = [{**entry, "area": entry["occlude_rate"], "iscrowd": 0} for entry in annotations["annotations"]]
    detections = [
        {**entry, "id": index + 1, "area": float(coco_mask.area(entry["segmentation"])), "iscrowd": 0}
        for index, entry in enumerate(predictions)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        engine = COCOeval(coco(ground_truth), coco(detections), "segm")
        engine.params.useCats = 0
        engine.params.maxDets = [1, 10, 100, 1000]
        engine.params.areaRng = list(RANGES.values())
        engine.params.areaRngLbl = list(RANGES)
        engine.evaluate()
        engine.accumulate()
    return engine


def reference_metrics(engine):
    def mean(values):
        return None if (values < 0).any() else values.mean()

    precision, recall = engine.eval["precision"], engine.eval["recall"]
    return {
        "AP": mean(precision[:, :, 0, 0, 3]),
        "AP50": mean(precision[0, :, 0, 0, 3]),
        "AP75": mean(precision[5, :, 0, 0, 3]),
        "AR1": mean(recall[:, 0, 0, 0]),
        "AR10": mean(recall[:, 0, 0, 1]),
        "AR100": mean(recall[:, 0, 0, 2]),
        "AR1000": mean(recall[:, 0, 0, 3]),
        "AR_none": mean(recall[:, 0, 1, 3]),
        "AR_partial": mean(recall[:, 0, 2, 3]),
        "AR_heavy": mean(recall[:, 0, 3, 3]),
    }
