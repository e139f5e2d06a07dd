"""Annotated images as a training stream: any image, scaled, cropped and mirrored at random, with its layers."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from datasets.annotated import AnnotatedDataset, open_annotated
from datasets.errors import InputError
from datasets.frame import Frame
from datasets.render import MaskSample
from datasets.scene import IMAGE_SIZE

SCALES = (0.75, 1.5)
"""Bounds of the random scale: 1 lets the long side fill the square, as when predicting."""

MOST_CATEGORIES = 254
"""Samples number them in eight bits."""

SHUFFLE = 2**62
"""Second word of the random generator's key where a pass through the images is shuffled; images use their index."""


@dataclass(frozen=True)
class AnnotatedImages:
    """A data set of annotated images as a source of training images (`datasets.source.Source`).

    folder: as `AnnotatedDataset` takes it; it is opened when the first image is asked for. categories: names.
    content_hash: of the data set, so that a run is not resumed on another one.
    """

    folder: Path
    categories: tuple[str, ...]
    content_hash: str

    @classmethod
    def of(cls, dataset: AnnotatedDataset) -> "AnnotatedImages":
        """The source that draws from `dataset`. Raises InputError for too many categories, and for two of one name."""
        names = tuple(category["name"] for category in dataset.categories)
        if not 0 < len(set(names)) == len(names) <= MOST_CATEGORIES:
            raise InputError(
                f"{dataset.annotations_file}: categories: found {len(names)}, {len(set(names))} of them with different "
                f"names, expected 1 to {MOST_CATEGORIES} with a name of its own each"
            )
        return cls(dataset.annotations_file, names, dataset.info["content_hash"])

    @property
    def channels(self) -> int:
        """Of an image: a grey one gets three equal channels."""
        return 3

    @property
    def label(self) -> str:
        """The folder's name."""
        return self.folder.resolve().parent.name

    def sample(self, seed: int, index: int) -> MaskSample:
        """The `index`-th training image: each pass through the data set is shuffled, each image framed at random."""
        dataset = open_annotated(self.folder)
        epoch, place = divmod(index, len(dataset))
        image_id = dataset.image_ids[_shuffled(seed, epoch, len(dataset))[place]]
        fitting = dataset.frame(image_id)
        frame = random_frame(fitting.height, fitting.width, _generator(seed, index))
        visible = frame.masks(dataset.own_masks(image_id, "visible"))
        seen = np.flatnonzero(visible.any(axis=(1, 2)))
        amodal = frame.masks(dataset.own_masks(image_id, "amodal")[seen])
        instance_map = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
        for number in range(len(seen), 0, -1):
            instance_map[visible[seen[number - 1]]] = number
        numbers = [annotation["category_id"] for annotation in dataset.annotations(image_id)]
        image = frame.image(dataset.own_image(image_id))
        return MaskSample(image, amodal, instance_map, np.array(numbers, np.uint8)[seen])

    def describe(self) -> dict[str, Any]:
        """What a manifest says about the data set."""
        return {
            "label": self.label,
            "folder": str(self.folder),
            "categories": list(self.categories),
            "content_hash": self.content_hash,
        }


def random_frame(height: int, width: int, generator: np.random.Generator) -> Frame:
    """Scale, place and mirroring of one training image."""
    scale, vertical, horizontal, mirror = generator.random(4)
    low, high = np.log(SCALES)
    frame = Frame(height, width, float(np.exp(low + scale * (high - low))) * IMAGE_SIZE / max(height, width))
    top, left = (
        # from one end to the other, whether the image is larger than the square or smaller
        round(share * (IMAGE_SIZE - length))
        for share, length in zip((vertical, horizontal), frame.scaled_size, strict=True)
    )
    return Frame(height, width, frame.scale, top, left, bool(mirror < 0.5))


def _generator(seed: int, index: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))


@lru_cache(maxsize=8)
def _shuffled(seed: int, epoch: int, images: int) -> np.ndarray:
    return np.argsort(_generator(seed, SHUFFLE + epoch).random(images), kind="stable")
