"""What models predict on: images in the square that they see, with the annotations there."""

from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from datasets.frame import Frame

ResultSize = Literal["grid", "image"]
"""Size of the masks in a results file: the evaluation grid of the square, or each image's own pixels."""


class Dataset(Protocol):
    """Images for models: exported scenes, annotated images of any size, or pictures without annotations.

    image_ids: int. info: seed, parameters and content hash, as far as there are any. categories: dicts with id and
    name; a category's number, as models know it, is its place plus one. annotations_file: what predictions are
    evaluated against. result_size: at which size, unless another is asked for.
    """

    image_ids: list[int]
    categories: list[dict[str, Any]]
    result_size: ResultSize

    @property
    def info(self) -> dict[str, Any]: ...

    @property
    def annotations_file(self) -> Path: ...

    def __len__(self) -> int: ...

    def image(self, image_id: int) -> np.ndarray:
        """The square that models see: (256, 256, 3) uint8, RGB."""
        ...

    def frame(self, image_id: int) -> Frame:
        """How the image stands in the square."""
        ...

    def annotations(self, image_id: int) -> list[dict[str, Any]]:
        """The image's instances front to back: category_id (the category's number), order and occlude_rate."""
        ...

    def masks(self, image_id: int) -> np.ndarray:
        """Amodal masks of the image's annotations on the evaluation grid: (n, 64, 64) bool, front to back."""
        ...

    def layers(self, image_id: int, layers: int) -> np.ndarray:
        """(layers, 64, 64) uint8, 0 background, else the annotation's place in the list plus 1."""
        ...
