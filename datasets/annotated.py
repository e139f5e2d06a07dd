"""Data sets of annotated images: a flat annotation file and images of any size, as models see them and as they are."""

import hashlib
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets.coco import decode_masks
from datasets.dataset import Dataset, ResultSize
from datasets.errors import InputError
from datasets.export import ANNOTATIONS, GRID_ANNOTATIONS
from datasets.exported import ExportedDataset, is_inside
from datasets.formats import coco
from datasets.formats.instances import Instances
from datasets.frame import Frame
from datasets.images import check_image, read_image
from datasets.layers import layers_from_masks
from datasets.table import load_json, show_item

NAMES = (ANNOTATIONS, f"{ANNOTATIONS}.gz")
MOST_INSTANCES = 254
"""Instances of an image that are used, front to back: layers number them in eight bits."""


class AnnotatedDataset:
    """Images and their amodal annotations on disk, of any size. Models see each image in a square (`Frame`).

    path: a folder with ``annotations.json`` (or .json.gz), or such a file; images lie in ``images`` beside it, or
    beside it. Opening reads the annotations and the header of every image.

    image_ids: list of int. info: the file's ``info`` and a hash of file and images. categories: dicts with id and name,
    whose place plus one is the category number. annotations_file: what predictions are evaluated against, at each
    image's own size. Raises InputError for the first fault in the annotations and for an image that is missing,
    unreadable, of another size than they say, rotated by EXIF, of more than eight bits or with an alpha channel.
    """

    result_size: ResultSize = "image"

    def __init__(self, path: Path | str):
        self.annotations_file = _annotations_file(Path(path))
        self.folder = self.annotations_file.parent
        self.instances = read_instances(self.annotations_file)
        self.categories: list[dict[str, Any]] = self.instances.categories
        self._images = {image["id"]: image for image in self.instances.images}
        self.image_ids = list(self._images)
        for image_id in self.image_ids:
            check_image(self._path(image_id), self._size(image_id), self._entry(image_id))

    def __len__(self) -> int:
        return len(self.image_ids)

    @cached_property
    def info(self) -> dict[str, Any]:
        """The file's ``info`` with a ``content_hash`` of annotations, and of names and lengths of the image files."""
        content = hashlib.sha256(self.annotations_file.read_bytes())
        for image_id in self.image_ids:
            path = self._path(image_id)
            content.update(f"{path.name} {path.stat().st_size}\n".encode())
        return {**self.instances.info, "content_hash": content.hexdigest()}

    def frame(self, image_id: int) -> Frame:
        """How the image stands in the square that models see."""
        return Frame.fitting(*self._size(image_id))

    def own_image(self, image_id: int) -> np.ndarray:
        """The image as it is: (H, W, 3) uint8, RGB."""
        return read_image(self._path(image_id), self._size(image_id), self._entry(image_id))

    def image(self, image_id: int) -> np.ndarray:
        """The square that models see: (256, 256, 3) uint8, RGB."""
        return self.frame(image_id).image(self.own_image(image_id))

    def annotations(self, image_id: int) -> list[dict[str, Any]]:
        """The image's instances front to back: category_id (the category's number), order (from 1), occlude_rate."""
        return [
            {
                "category_id": self._numbers[self.instances.category_ids[place]],
                "order": order,
                "occlude_rate": self.instances.occlusion_rates[place],
            }
            for order, place in enumerate(self._places[image_id], start=1)
        ]

    def masks(self, image_id: int) -> np.ndarray:
        """Amodal masks of the image's annotations on the grid of the square: (n, 64, 64) bool, front to back."""
        return self.frame(image_id).grid_masks(self.own_masks(image_id, "amodal"))

    def layers(self, image_id: int, layers: int) -> np.ndarray:
        """(layers, 64, 64) uint8, 0 background, else the annotation's place in the list plus 1."""
        return layers_from_masks(self.masks(image_id), layers)

    def own_masks(self, image_id: int, part: str) -> np.ndarray:
        """The "amodal" or "visible" masks at the image's own size: (n, H, W) bool, front to back."""
        masks = getattr(self.instances, part)
        rles = [masks[place] for place in self._places[image_id]]
        return decode_masks(rles) if rles else np.zeros((0, *self._size(image_id)), bool)

    @cached_property
    def _places(self) -> dict[int, list[int]]:
        """Image id -> positions of its instances, front to back, the frontmost MOST_INSTANCES of them."""
        instances = self.instances
        key = instances.orders or instances.occlusion_rates  # without an order, what is hidden less lies in front
        return {
            image_id: sorted(places, key=lambda place: key[place])[:MOST_INSTANCES]
            for image_id, places in instances.by_image().items()
        }

    @cached_property
    def _numbers(self) -> dict[int, int]:
        return {category["id"]: number for number, category in enumerate(self.categories, start=1)}

    def _size(self, image_id: int) -> tuple[int, int]:
        return self._images[image_id]["height"], self._images[image_id]["width"]

    def _path(self, image_id: int) -> Path:
        name = self._images[image_id]["file_name"]
        beside = self.folder / name
        return beside if beside.exists() else self.folder / "images" / name

    def _entry(self, image_id: int) -> str:
        return f"{self.annotations_file.name}, image id {image_id}"


def read_instances(path: Path) -> Instances:
    """The instances of a flat annotation file whose images have file names. Raises InputError for the first fault."""
    document, name = load_json(path, "annotations")
    instances = coco.read(document, name)
    if not instances.images:
        raise InputError(f"{name}: images: found an empty list, expected at least one image")
    for index, image in enumerate(instances.images):
        if not is_inside(image.get("file_name")):
            raise InputError(
                f"{name}: image {index} (id {image['id']}): file_name: found {show_item(image, 'file_name')}, expected "
                "the relative path of a file"
            )
    return instances


@lru_cache(maxsize=4)
def open_annotated(path: Path) -> AnnotatedDataset:
    """The data set at `path`, kept in memory for the next time it is asked for."""
    return AnnotatedDataset(path)


def open_dataset(path: Path | str) -> Dataset:
    """The data set at `path`: scenes from `export`, or images with a flat annotation file. Raises InputError."""
    folder = Path(path)
    return ExportedDataset(folder) if (folder / GRID_ANNOTATIONS).exists() else AnnotatedDataset(folder)


def _annotations_file(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.exists():
        raise InputError(f"{path}: no such folder, expected one from `export`, or images and {ANNOTATIONS}")
    for name in NAMES:
        if (path / name).is_file():
            return path / name
    raise InputError(f"{path}: found no {GRID_ANNOTATIONS} and no {ANNOTATIONS}, expected a folder from `export`, or "
                     f"images and {ANNOTATIONS}")  # fmt: skip
