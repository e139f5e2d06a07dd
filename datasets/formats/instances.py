"""Amodal instances as columns: what all annotation formats have in common."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from datasets.errors import InputError
from datasets.rle import mask_areas
from datasets.table import Table, image_sizes, show_kind


@dataclass(frozen=True)
class Instances:
    """Images, categories, and one value per instance (N) in each of the columns.

    info: dict for the file's ``info``. images: dicts with id, width, height and, where known, file_name. categories:
    dicts with id and name. image_ids, category_ids: (N,) int. amodal, visible: (N,) compressed RLEs of the image's
    size. occlusion_rates: (N,) float in [0, 1]. orders: (N,) int, 1 = front, or None where unknown; only those of
    instances that overlap are compared. stuff: (N,) bool, whether the instance is stuff rather than a thing.
    """

    info: dict[str, Any]
    images: list[dict]
    categories: list[dict]
    image_ids: list[int]
    category_ids: list[int]
    amodal: list[dict]
    visible: list[dict]
    occlusion_rates: list[float]
    orders: list[int] | None
    stuff: list[bool]

    @property
    def sizes(self) -> dict[int, list[int]]:
        """Image id -> [height, width]."""
        return {image["id"]: [image["height"], image["width"]] for image in self.images}

    def by_image(self) -> dict[int, list[int]]:
        """Image id -> positions of its instances; images without any included."""
        positions: dict[int, list[int]] = {image["id"]: [] for image in self.images}
        for position, image_id in enumerate(self.image_ids):
            positions[image_id].append(position)
        return positions

    def without_empty(self) -> "Instances":
        """Without instances whose amodal mask has no pixel: there is nothing to find and no occlusion rate."""
        kept = np.flatnonzero(mask_areas(self.amodal))
        if len(kept) == len(self.amodal):
            return self
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in DOCUMENT}
        columns = {name: [column[i] for i in kept] for name, column in columns.items() if column is not None}
        info = {**self.info, "instances_without_pixels_left_out": len(self.amodal) - len(kept)}
        return replace(self, info=info, **columns)

    def with_orders(self, orders: list[int] | None) -> "Instances":
        """The same instances with other depth orders."""
        return replace(self, orders=orders)

    @property
    def notes(self) -> list[str]:
        """What reading left out or put right, each with how often: "2 crowd regions left out"."""
        return [f"{count} {key.replace('_', ' ')}" for key, count in self.info.items() if key.endswith(NOTE_ENDINGS)]


NOTE_ENDINGS = ("left_out", "cut_off", "replaced", "ignored", "not_occluded")
"""How keys of ``info`` end that count what reading did."""

DOCUMENT = ("info", "images", "categories")
"""The fields of `Instances` that are no columns."""


def read_images(document: Any, name: str) -> list[dict]:
    """The images of a COCO-like document, their standard keys only. Raises InputError for the first fault."""
    if not isinstance(document, dict):
        raise InputError(f"{name}: found {show_kind(document)}, expected a dict with images and annotations")
    images = Table(document, "images", name, "image")
    image_sizes(images)
    images.column("file_name", lambda value: value is None or isinstance(value, str), "a string or nothing")
    return [{key: entry[key] for key in ("id", "file_name", "width", "height") if key in entry}
            for entry in images.entries]  # fmt: skip


def read_categories(document: dict, name: str) -> list[dict]:
    """The categories of a COCO-like document. Raises InputError for the first fault."""
    categories = Table(document, "categories", name, "category")
    categories.unique_ids()
    categories.column("name", lambda value: isinstance(value, str), "a string")
    return categories.entries


def overlaps(amodal: Sequence[dict]) -> np.ndarray:
    """Which of n masks of one image share a pixel: (n, n) bool, nobody with itself."""
    if not amodal:
        return np.zeros((0, 0), bool)
    shared = np.asarray(mask_utils.iou(amodal, amodal, [0] * len(amodal))) > 0
    np.fill_diagonal(shared, False)
    return shared
