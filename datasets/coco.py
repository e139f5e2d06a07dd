"""COCO annotations of a scene: amodal masks with COCOA's names for occlusion."""

from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from datasets.render import MaskSample
from datasets.rle import mask_areas
from datasets.scene import CATEGORIES, GRID

CATEGORY_ENTRIES = [{"id": i, "name": name, "supercategory": "shape"} for i, name in enumerate(CATEGORIES, start=1)]


def scene_annotations(sample: MaskSample) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Annotations without ids at full resolution and on the evaluation grid, front to back.

    Both carry the occlusion rate of the evaluation grid, the one that the protocol's strata are defined by.
    """
    numbers = np.arange(1, len(sample.masks) + 1, dtype=np.uint8)[:, None, None]
    visible = sample.instance_map == numbers
    grid_amodal, grid_visible = sample.masks[:, GRID, GRID], visible[:, GRID, GRID]
    amodal_area = np.count_nonzero(grid_amodal, axis=(1, 2))
    occlusion_rates = ((amodal_area - np.count_nonzero(grid_visible, axis=(1, 2))) / amodal_area).tolist()
    return (
        _annotations(sample.masks, visible, sample.categories, occlusion_rates),
        _annotations(grid_amodal, grid_visible, sample.categories, occlusion_rates),
    )


def encode_masks(masks: np.ndarray) -> list[dict[str, Any]]:
    """Compressed RLEs, counts as str, of (N, H, W) masks of 0 and 1 (bool or uint8)."""
    count, height, width = masks.shape
    masks = masks.view(np.uint8) if masks.dtype == bool else masks.astype(np.uint8, copy=False)
    columns = np.empty((count, width, height), np.uint8)
    for mask, turned in zip(masks, columns, strict=True):
        cv2.transpose(mask, turned)  # NumPy turns the whole array more slowly than pycocotools encodes it
    rles = mask_utils.encode(columns.T)  # pycocotools wants the instance axis last and columns contiguous
    return [{"size": rle["size"], "counts": rle["counts"].decode("ascii")} for rle in rles]


def decode_masks(rles: list[dict[str, Any]]) -> np.ndarray:
    """The inverse of `encode_masks` for at least one RLE: (N, H, W) bool."""
    return np.moveaxis(mask_utils.decode(rles), -1, 0).astype(bool)


def encode_png(image: np.ndarray) -> bytes:
    """A (256, 256) uint8 image of 0 and 255 as PNG of one bit per pixel.

    Stored, not compressed: 8 KiB, fast, and the bytes do not depend on the machine's compressor.
    """
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes()


def _annotations(amodal: np.ndarray, visible: np.ndarray, categories: np.ndarray, occlusion_rates: list[float]) -> list:
    segmentations = encode_masks(amodal)
    visible_masks = encode_masks(visible)
    invisible_masks = encode_masks(amodal & ~visible)
    areas = mask_areas(segmentations).tolist()
    boxes = mask_utils.toBbox(segmentations).tolist()
    return [
        {
            "category_id": int(categories[i]),
            "segmentation": segmentations[i],
            "bbox": boxes[i],
            "area": areas[i],
            "iscrowd": 0,
            "visible_mask": visible_masks[i],
            "invisible_mask": invisible_masks[i],
            "occlude_rate": occlusion_rates[i],
            "order": i + 1,
        }
        for i in range(len(segmentations))
    ]
