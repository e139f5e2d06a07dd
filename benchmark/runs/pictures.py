"""What a run keeps of its model's way from one image to instances, so that a report paints it without the network."""

import json
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

from benchmark.adapter import Adapter, Picture, PictureKind, Run
from benchmark.runs.folder import PICTURES
from datasets.dataset import Dataset
from datasets.errors import InputError, one_line
from datasets.files import write_atomically
from datasets.scene import GRID_SIZE

_CAPTIONS = "pictures"
"""The array of JSON text that says for each picture its row, caption and kind; its values are an array of their own."""


def keep_pictures(adapter: Adapter, dataset: Dataset, run: Run) -> int:
    """Write what the adapter shows of the first image of `dataset` into the run's folder; returns how many pictures.

    A model that shows nothing leaves no file.
    """
    image_id = dataset.image_ids[0]
    pictures = adapter.pictures(dataset, run, image_id)
    if pictures:
        write_pictures(run.folder, image_id, pictures)
    return len(pictures)


def write_pictures(folder: Path, image_id: int, pictures: Sequence[Picture]) -> None:
    """Write the pictures of one image, compressed: some 10 kB each."""
    captions = [{"row": picture.row, "caption": picture.caption, "kind": picture.kind} for picture in pictures]
    arrays: dict[str, Any] = {_values(place): _small(picture.values) for place, picture in enumerate(pictures)}
    arrays[_CAPTIONS] = np.array(json.dumps({"image_id": image_id, "pictures": captions}))

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # numpy would add an ending to a path
            np.savez_compressed(file, **arrays)

    write_atomically(folder / PICTURES, write)


def read_pictures(folder: Path) -> tuple[int, list[Picture]] | None:
    """The id of the image and its pictures, None where the run kept none. Raises InputError for a damaged file."""
    path = folder / PICTURES
    if not path.exists():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            document = json.loads(str(arrays[_CAPTIONS]))
            pictures = [
                Picture(entry["row"], entry["caption"], entry["kind"], arrays[_values(place)])
                for place, entry in enumerate(document["pictures"])
            ]
            image_id = int(document["image_id"])
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: no pictures that a run kept ({one_line(error)})") from None
    for picture in pictures:
        depth = (4,) if picture.kind == "colors" else ()
        if picture.kind not in get_args(PictureKind) or picture.values.shape != (GRID_SIZE, GRID_SIZE, *depth):
            raise InputError(f"{path}: found {picture.kind!r} {picture.values.shape}, expected a 64x64 picture")
    return image_id, pictures


def _values(place: int) -> str:
    return f"values_{place}"


def _small(values: np.ndarray) -> np.ndarray:
    """The same numbers in the smallest type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
