"""Image files of one's own, without annotations, as models see them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.dataset import ResultSize
from datasets.errors import InputError
from datasets.frame import Frame
from datasets.images import SUFFIXES, read_picture
from datasets.scene import GRID_SIZE


class Pictures:
    """A `Dataset` of image files of any size.

    paths: files, or folders whose image files count, by name. categories: names of what the model knows. Each file is
    read once here, so that one that is no image is told before the work begins. Raises InputError for it, for a path
    that does not exist and for a folder without images.

    image_ids: 1, 2, ... in the order of `paths`. names: image id -> a name for files about it, unique.
    """

    result_size: ResultSize = "image"

    def __init__(self, paths: Sequence[Path], categories: Sequence[str]):
        self.files = [file for path in paths for file in _files(path)]
        self.image_ids = list(range(1, len(self.files) + 1))
        self.categories: list[dict[str, Any]] = [{"id": k, "name": name} for k, name in enumerate(categories, start=1)]
        self.info: dict[str, Any] = {"description": "Pictures", "files": [str(file) for file in self.files]}
        self._frames = [Frame.fitting(*read_picture(file).shape[:2]) for file in self.files]
        stems = [file.stem for file in self.files]
        self.names = {
            image_id: stem if stems.count(stem) == 1 else f"{stem}-{image_id}"
            for image_id, stem in zip(self.image_ids, stems, strict=True)
        }

    @property
    def annotations_file(self) -> Path:
        """There is none: the first picture stands for it in messages."""
        return self.files[0]

    def __len__(self) -> int:
        return len(self.files)

    def own_image(self, image_id: int) -> np.ndarray:
        """The picture as it is, upright: (H, W, 3) uint8, RGB."""
        return read_picture(self.files[image_id - 1])

    def frame(self, image_id: int) -> Frame:
        """How the picture stands in the square that models see."""
        return self._frames[image_id - 1]

    def image(self, image_id: int) -> np.ndarray:
        """The square that models see: (256, 256, 3) uint8, RGB."""
        return self.frame(image_id).image(self.own_image(image_id))

    def annotations(self, image_id: int) -> list[dict[str, Any]]:
        """None: nobody annotated the picture."""
        return []

    def masks(self, image_id: int) -> np.ndarray:
        """(0, 64, 64) bool."""
        return np.zeros((0, GRID_SIZE, GRID_SIZE), bool)

    def layers(self, image_id: int, layers: int) -> np.ndarray:
        """(layers, 64, 64) uint8, all background."""
        return np.zeros((layers, GRID_SIZE, GRID_SIZE), np.uint8)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.exists():
            raise InputError(f"{path}: found no such file, expected an image or a folder of images")
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    if not files:
        raise InputError(f"{path}: found no image in the folder, expected files such as *.png or *.jpg")
    return files
