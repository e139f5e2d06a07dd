"""A small data set of annotated images that is made here: textured, shaded objects on textured backgrounds.

It has what shapes on white lack (colour, texture, light, several image sizes, polygons) and stands in for a data set
that nobody may redistribute.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as mask_utils

from datasets.coco import encode_masks
from datasets.errors import InputError
from datasets.export import ANNOTATIONS
from datasets.files import atomic_folder, write_compact_json
from datasets.formats.masks import outline
from datasets.metadata import write_metadata
from datasets.progress import progress
from datasets.table import load_json

CATEGORIES = ("ball", "brick", "ring", "star", "drop")
SIZES = ((375, 1242), (480, 640), (640, 480), (512, 512), (360, 480))
"""(height, width) of the images in turn; the first is KITTI's, and so KINS's."""

OBJECTS = (5, 12)
VERSION = "1"
HUES = (5, 30, 65, 105, 140)
"""Of each category on OpenCV's circle of 180; an object's own is drawn around it, so that colour helps but misleads."""


def make_dataset(images: int, seed: int, folder: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write ``images/*.png`` and ``annotations.json`` (polygons, visible ones too, and order) to `folder`.

    Returns the ``info`` of the file. A folder that holds exactly this data set is left as it is. Raises InputError if
    it holds anything else, unless `overwrite`.
    """
    if images < 1:
        raise InputError(f"images: found {images}, expected at least 1")
    info = {"description": "Textured objects", "version": VERSION, "seed": seed, "images": images}
    if folder.exists() and not overwrite and (not folder.is_dir() or any(folder.iterdir())):
        if (folder / ANNOTATIONS).exists() and load_json(folder / ANNOTATIONS, "annotations")[0].get("info") == info:
            return info
        raise InputError(f"{folder}: already holds other files; expected a new folder, or to be told to replace them")
    with atomic_folder(folder, overwrite=overwrite) as partial:
        (partial / "images").mkdir()
        entries: list[dict] = []
        annotations: list[dict] = []
        for image_id in progress(range(1, images + 1), total=images, description=f"make {folder.name}", unit="image"):
            image, found = make_image(seed, image_id - 1)
            name = f"{image_id:06d}.png"
            cv2.imwrite(str(partial / "images" / name), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
            height, width = image.shape[:2]
            entries.append({"id": image_id, "file_name": name, "height": height, "width": width})
            annotations += [{"id": len(annotations) + i, "image_id": image_id, **one} for i, one in enumerate(found, 1)]
        categories = [{"id": number, "name": name} for number, name in enumerate(CATEGORIES, 1)]
        document = {"info": info, "categories": categories, "images": entries, "annotations": annotations}
        write_compact_json(partial / ANNOTATIONS, document)
        write_metadata(partial / "images", entries, annotations)
    return info


def make_image(seed: int, index: int) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """The `index`-th image (H, W, 3) uint8, RGB, and its annotations front to back, as polygons."""
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))
    height, width = SIZES[index % len(SIZES)]
    image = _texture(generator, height, width, (int(generator.integers(180)), 60, 150))
    drawn = []
    for _ in range(int(generator.integers(*OBJECTS, endpoint=True))):
        category = int(generator.integers(len(CATEGORIES)))
        mask = _shape(generator, category, height, width)
        hue = (HUES[category] + int(generator.integers(-14, 15))) % 180
        surface = _shaded(_texture(generator, height, width, (hue, 170, 190)), mask)
        image = np.where(mask[..., None], surface, image)
        drawn.append((category + 1, mask))
    return image, list(_annotations(drawn[::-1]))


def _annotations(front_to_back: list[tuple[int, np.ndarray]]) -> Iterator[dict[str, Any]]:
    """Polygons of the amodal and the visible mask of every object with enough visible pixels."""
    covered = np.zeros_like(front_to_back[0][1])
    order = 0
    for category, mask in front_to_back:
        visible = mask & ~covered
        covered |= mask
        if visible.sum() < 30:
            continue
        order += 1
        amodal, seen = encode_masks(np.stack([mask, visible]))
        boxes = mask_utils.toBbox([amodal]).tolist()
        yield {
            "category_id": category,
            "iscrowd": 0,
            "segmentation": outline(amodal),
            "visible_segm": outline(seen),
            "bbox": boxes[0],
            "area": int(mask.sum()),
            "occlude_rate": float(1 - visible.sum() / mask.sum()),
            "order": order,
        }


def _shape(generator: np.random.Generator, category: int, height: int, width: int) -> np.ndarray:
    """(H, W) bool: an object somewhere in the image, as large as a sixth to a third of its shorter side in radius."""
    radius = generator.uniform(1 / 6, 1 / 3) * min(height, width)
    centre = generator.uniform(0.1, 0.9, 2) * (width, height)
    turn = generator.uniform(0, 2 * math.pi)
    angles = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    name = CATEGORIES[category]
    if name == "brick":
        corners = np.array([(-1, -0.5), (1, -0.5), (1, 0.5), (-1, 0.5)])
    else:
        reach = {
            "ball": np.ones_like(angles),
            "ring": np.ones_like(angles),
            "star": np.where(np.arange(60) % 12 < 6, 1.0 - np.arange(60) % 12 / 10, np.arange(60) % 12 / 10 - 0.2),
            "drop": 0.55 + 0.45 * np.abs(np.cos(angles / 2)) ** 3,
        }[name]
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    turned = corners @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(turned * radius + centre).astype(np.int32)], 1)
    if name == "ring":  # its opening reaches the edge: a polygon has no holes
        inner = np.rint(turned * 0.5 * radius + centre + turned[0] * 0.2 * radius).astype(np.int32)
        cv2.fillPoly(mask, [inner], 0)
        cv2.line(mask, inner[0].tolist(), np.rint(turned[0] * 1.1 * radius + centre).astype(int).tolist(), 0, 6)
    return mask.astype(bool)


def _texture(generator: np.random.Generator, height: int, width: int, color: tuple[int, int, int]) -> np.ndarray:
    """(H, W, 3) uint8: noise of two grain sizes around a colour (hue, saturation, value)."""
    values = np.zeros((height, width), np.float32)
    for cells, weight in ((6, 35.0), (40, 25.0)):
        noise = generator.uniform(-1, 1, (cells, cells)).astype(np.float32)
        values += weight * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    hsv = np.empty((height, width, 3), np.uint8)
    hsv[..., 0], hsv[..., 1] = color[0], color[1]
    hsv[..., 2] = np.clip(color[2] + values, 0, 255)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _shaded(surface: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Light from the top left, and darker towards the object's edge."""
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    depth /= max(float(depth.max()), 1.0)
    rows, columns = np.nonzero(mask)
    light = np.ones(mask.shape, np.float32)
    if len(rows):
        y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
        span = max(np.ptp(rows), np.ptp(columns), 1)
        light = 1.15 - 0.35 * ((x - columns.min()) + (y - rows.min())) / span / 2
    return np.clip(surface * (light * (0.55 + 0.45 * np.sqrt(depth)))[..., None], 0, 255).astype(np.uint8)
