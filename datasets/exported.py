"""Reading a dataset that `datasets.export` wrote, or another one of the same form, checked once at this door."""

import hashlib
import json
import warnings
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from datasets.coco import decode_masks
from datasets.dataset import ResultSize
from datasets.errors import InputError
from datasets.export import ANNOTATIONS, GRID_ANNOTATIONS, check_images_and_seed, description_of, missing_files
from datasets.formats.instances import read_categories
from datasets.frame import Frame
from datasets.layers import layers_from_masks
from datasets.render import render_layers
from datasets.scene import GRID_SIZE, IMAGE_SIZE, SceneParameters, sample_scene
from datasets.table import Table, is_positive, load_json, show, show_item, show_kind


class ExportedDataset:
    """An exported dataset on disk. Raises InputError if `folder` holds none, or a broken one.

    image_ids: list of int. info: the ``info`` of the COCO files: seed, parameters, content hash. parameters: of the
    scenes, None for a dataset that the generator did not make. categories: dicts with id and name, ids counting from 1.
    annotations_file: the 64x64 annotations, which predictions are evaluated against.
    """

    result_size: ResultSize = "grid"

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.annotations_file = self.folder / GRID_ANNOTATIONS
        if not self.folder.is_dir():
            raise InputError(f"--dataset {folder}: no such folder, expected one from `export`")
        if not self.annotations_file.is_file():
            raise InputError(f"--dataset {folder}: found no {GRID_ANNOTATIONS}, expected a folder from `export`")
        document, name = load_json(self.annotations_file, "annotations")
        if not isinstance(document, dict):
            raise InputError(f"{name}: found {show_kind(document)}, expected a dict with images and annotations")
        info = document.get("info")
        if not isinstance(info, dict):
            raise InputError(f"{name}: info: found {show_item(document, 'info')}, expected a dict")
        self.info: dict[str, Any] = info
        self.parameters = read_parameters(info, name)
        images = Table(document, "images", name, "image")
        file_names = images.column("file_name", is_inside, "the relative path of a file below images/")
        self._file_names = dict(zip(images.unique_ids(), file_names, strict=True))
        self.categories: list[dict[str, Any]] = read_categories(document, name)
        self._annotations = _read_annotations(document, name, self._file_names)
        if self.parameters:
            images.column("id", is_positive, "an integer of at least 1, the place of the scene in its sequence")
        self.image_ids = list(self._file_names)
        missing = missing_files(self.folder, file_names)
        if missing:
            raise InputError(
                f"{folder}/images: lacks {len(missing)} of the {len(file_names)} images that {GRID_ANNOTATIONS} names, "
                f"the first of them {missing[0]}"
            )

    def __len__(self) -> int:
        return len(self.image_ids)

    def image(self, image_id: int) -> np.ndarray:
        """(256, 256, 3) uint8, RGB. Raises InputError if the file is no image of that size."""
        path = self.folder / "images" / self._file_names[image_id]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the size is checked before anything is unpacked
                with Image.open(path) as image:
                    if image.size != (IMAGE_SIZE, IMAGE_SIZE):
                        raise InputError(
                            f"{path}: found an image of {image.width}x{image.height} pixels, expected "
                            f"{IMAGE_SIZE}x{IMAGE_SIZE}"
                        )
                    return np.array(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: not a readable image ({reason}), expected a PNG from `export`") from None

    def frame(self, image_id: int) -> Frame:
        """Every scene fills the square that models see."""
        return Frame.fitting(IMAGE_SIZE, IMAGE_SIZE)

    def annotations(self, image_id: int) -> list[dict[str, Any]]:
        """The image's 64x64 annotations, front to back."""
        return self._annotations_by_image.get(image_id, [])

    def masks(self, image_id: int) -> np.ndarray:
        """Amodal masks of the image's annotations on the evaluation grid: (n, 64, 64) bool, front to back."""
        rles = [annotation["segmentation"] for annotation in self.annotations(image_id)]
        return decode_masks(rles) if rles else np.zeros((0, GRID_SIZE, GRID_SIZE), bool)

    def layers(self, image_id: int, layers: int) -> np.ndarray:
        """Ground-truth layers: (layers, 64, 64) uint8, 0 background, else the annotation's place in the list plus 1.

        They come from the generator where the dataset says how it was made: a shape that no annotation mentions may
        still have pushed others a layer down. Otherwise they are stacked from the annotated masks. Raises InputError
        if the generator's scene has other instances than the annotations.
        """
        if not self.parameters:
            return layers_from_masks(self.masks(image_id), layers)
        sample = render_layers(sample_scene(self.parameters, self.info["seed"], image_id - 1), layers)
        if len(sample.categories) != len(self.annotations(image_id)):
            raise InputError(
                f"{self.annotations_file}: image {image_id}: found {len(self.annotations(image_id))} annotations, "
                f"expected the {len(sample.categories)} instances of the scene that the file's info describes"
            )
        return sample.layers

    def check_content(self) -> None:
        """Raise InputError unless images and annotations have the content hash that the files state."""
        full = _by_image(load_json(self.folder / ANNOTATIONS, "annotations")[0]["annotations"])
        description = description_of(self.info)
        content_hash = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
        for image_id in self.image_ids:
            both = [
                [{key: value for key, value in entry.items() if key not in ("id", "image_id")} for entry in entries]
                for entries in (full.get(image_id, []), self.annotations(image_id))
            ]
            pixels = np.ascontiguousarray(self.image(image_id)[..., 0])
            content_hash.update(hashlib.sha256(pixels.tobytes() + json.dumps(both, sort_keys=True).encode()).digest())
        if content_hash.hexdigest() != self.info.get("content_hash"):
            raise InputError(
                f"{self.folder}: the content has the hash {content_hash.hexdigest()}, expected "
                f"{self.info.get('content_hash')} as {GRID_ANNOTATIONS} says; delete the folder to make it again"
            )

    @cached_property
    def _annotations_by_image(self) -> dict[int, list[dict[str, Any]]]:
        return _by_image(self._annotations)


def read_parameters(info: dict[str, Any], name: str) -> SceneParameters | None:
    """The parameters of the scenes that the ``info`` of the file `name` states, None where it states none.

    Raises InputError unless they, the seed and the number of images beside them are such that scenes can be drawn.
    """
    if "parameters" not in info:
        return None
    parameters = info["parameters"]
    counts = parameters.get("counts") if isinstance(parameters, dict) else None
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise InputError(f"{name}: info: parameters: found {show(parameters)}, expected a dict with counts, integers")
    if type(info.get("seed")) is not int:
        raise InputError(f"{name}: info: seed: found {show_item(info, 'seed')}, expected an integer")
    try:
        check_images_and_seed(1, info["seed"])
        return SceneParameters(tuple(counts))
    except InputError as error:
        raise InputError(f"{name}: info: {error}") from None


def _read_annotations(document: dict[str, Any], name: str, known_images: dict[int, str]) -> list[dict[str, Any]]:
    """The annotations, each with an amodal mask on the evaluation grid of a known image and category."""
    categories = Table(document, "categories", name, "category").unique_ids()
    table = Table(document, "annotations", name, "annotation")
    table.references("image_id", known_images, "the images")
    table.references("category_id", categories, "the categories")
    masks = table.masks([[GRID_SIZE, GRID_SIZE]] * len(table.entries))
    return [{**entry, "segmentation": mask} for entry, mask in zip(table.entries, masks, strict=True)]


def _by_image(annotations: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    grouped: dict[int, list] = {}
    for annotation in annotations:
        grouped.setdefault(annotation["image_id"], []).append(annotation)
    return grouped


def is_inside(value: Any) -> bool:
    """Whether `value` is a file name that stays below the folder that it is relative to, on any system."""
    if not isinstance(value, str) or not value or not value.isprintable() or "\\" in value or ":" in value:
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and path.name != ""
