"""Masks of annotation files: polygons to RLE and back, hidden parts, occlusion rates."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from datasets.coco import decode_masks, encode_masks
from datasets.rle import mask_areas
from datasets.table import Table, show

MAX_COORDINATE = 1e5
"""Pixels; a polygon beyond is a fault (and would take COCO's coder memory in proportion to its length)."""


def read_masks(table: Table, key: str, sizes: Sequence[list[int]]) -> list[dict]:
    """The masks `key` of all entries as compressed RLEs, whether the file has them as RLEs or polygons.

    Polygons are one flat list of x, y, x, y, ... (COCOA) or a list of such lists (COCO, KINS), rasterised by COCO's
    mask API; those with fewer than three corners enclose nothing. sizes: [height, width] for each entry. Raises
    InputError for the first fault.
    """
    encoded = copy.copy(table)
    encoded.entries = [
        {**entry, key: _rasterize(table, index, key, sizes[index])} if isinstance(entry.get(key), list) else entry
        for index, entry in enumerate(table.entries)
    ]
    return encoded.masks(sizes, key)


def occlusion_rates(amodal: Sequence[dict], visible: Sequence[dict]) -> list[float]:
    """Hidden share of each amodal mask, (amodal - visible) / amodal; only visible pixels inside the amodal mask count.

    0 for a mask without pixels.
    """
    inside = [mask_utils.merge(pair, intersect=True) for pair in zip(amodal, visible, strict=True)]
    total = mask_areas(amodal)
    return ((total - mask_areas(inside)) / np.maximum(total, 1)).tolist()


def invisible_masks(amodal: Sequence[dict], visible: Sequence[dict]) -> list[dict]:
    """Each amodal mask without the visible one, RLEs in and out."""
    # one at a time: images of other data sets differ in size, and all at once would not fit into memory
    pairs = zip(amodal, visible, strict=True)
    return [encode_masks(decode_masks([whole]) & ~decode_masks([part]))[0] for whole, part in pairs]


def outline(rle: dict) -> list[list[float]]:
    """Polygons along the pixel edges of a mask, x, y, x, y, ...: one for each part.

    COCO's mask API gives the same mask back, except that holes are filled: a list of polygons is their union.
    """
    # Contours of the mask itself run through pixel centres and lose a border. In the mask enlarged twice they run a
    # quarter of a pixel inside the edges, which is close enough for the API to include all pixels and no more.
    left, top, width, height = mask_utils.toBbox(rle).astype(int)
    if not width:
        return []
    cropped = mask_utils.decode(rle)[top : top + height, left : left + width]
    enlarged = cv2.resize(cropped, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(enlarged, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [((contour.reshape(-1, 2) + 0.5) / 2 + (left, top)).reshape(-1).tolist() for contour in contours]


def _rasterize(table: Table, index: int, key: str, size: list[int]) -> dict[str, Any]:
    value = table.entries[index][key]
    polygons = [value] if value and not isinstance(value[0], list) else value
    for polygon in polygons:
        if not _is_polygon(polygon):
            raise table.fault(index, key, "an even number of pixel coordinates x, y, ...", f"polygon {show(polygon)}")
    corners = [polygon for polygon in polygons if len(polygon) >= 6]
    if not corners:
        return {"size": size, "counts": [size[0] * size[1]]}
    rle = mask_utils.merge(mask_utils.frPyObjects(corners, *size))
    return {"size": size, "counts": rle["counts"]}


def _is_polygon(value: Any) -> bool:
    return isinstance(value, list) and len(value) % 2 == 0 and _are_coordinates(value)


def _are_coordinates(values: Iterable[Any]) -> bool:
    return all(type(value) in (int, float) and abs(value) <= MAX_COORDINATE for value in values)
