"""Reading a dataset that `datasets.export` wrote."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.export import GRID_ANNOTATIONS
from datasets.layers import layers_from_masks
from datasets.render import render_layers
from datasets.scene import GRID_SIZE, SceneParameters, sample_scene


class ExportedDataset:
    """An exported dataset on disk. Raises InputError if `folder` holds none.

    image_ids: list of int. info: the ``info`` of the COCO files: seed, parameters, content hash.
    annotations_file: the 64x64 annotations, which predictions are evaluated against.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.annotations_file = self.folder / GRID_ANNOTATIONS
        try:
            document = json.loads(self.annotations_file.read_text())
            self.info: dict[str, Any] = document["info"]
            self._file_names = {entry["id"]: entry["file_name"] for entry in document["images"]}
            self._annotations = document["annotations"]
        except FileNotFoundError:
            raise InputError(
                f"--dataset {folder}: found no {GRID_ANNOTATIONS}, expected a folder from `export`"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.annotations_file}: not a COCO file from `export` ({error})") from None
        self.image_ids = list(self._file_names)

    def __len__(self) -> int:
        return len(self.image_ids)

    def image(self, image_id: int) -> np.ndarray:
        """(256, 256, 3) uint8, RGB."""
        path = self.folder / "images" / self._file_names[image_id]
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise InputError(f"{path}: missing or not an image, expected a PNG from `export`")
        return image

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
        still have pushed others a layer down. Otherwise they are stacked from the annotated masks.
        """
        if "parameters" in self.info:
            parameters = SceneParameters(tuple(self.info["parameters"]["counts"]))
            return render_layers(sample_scene(parameters, self.info["seed"], image_id - 1), layers).layers
        return layers_from_masks(self.masks(image_id), layers)

    @cached_property
    def _annotations_by_image(self) -> dict[int, list[dict[str, Any]]]:
        grouped: dict[int, list] = {}
        for annotation in self._annotations:
            grouped.setdefault(annotation["image_id"], []).append(annotation)
        return grouped
