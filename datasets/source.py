"""What models are trained on: scenes, or any other endless and seeded sequence of images with amodal masks."""

from pathlib import Path
from typing import Any, Protocol

from datasets.errors import InputError
from datasets.photographs import AnnotatedImages
from datasets.render import Drawable
from datasets.scene import SceneParameters


class Source(Protocol):
    """A source of training images. It is immutable, compares by value and travels to other processes.

    categories: names; category number k, as samples and detections carry it, is the k-th of them, from 1. channels:
    of its images, 1 where all are grey, else 3. label: a short name for folders and tables.
    """

    @property
    def categories(self) -> tuple[str, ...]: ...

    @property
    def channels(self) -> int: ...

    @property
    def label(self) -> str: ...

    def sample(self, seed: int, index: int) -> Drawable:
        """The `index`-th training image of the sequence that `seed` names, for `render_layers` or `render_masks`."""
        ...

    def describe(self) -> dict[str, Any]:
        """What a manifest says about the source; `read_source` reads it back. It has a "label"."""
        ...


def read_source(description: dict[str, Any]) -> Source:
    """The source that `Source.describe` described. Raises InputError for what it does not write."""
    if "counts" in description:
        return SceneParameters(tuple(description["counts"]))
    missing = [key for key in ("folder", "categories", "content_hash") if key not in description]
    if missing:
        raise InputError(f"scenes: found no counts and no {missing[0]}, expected those of scenes or of a data set")
    categories = tuple(description["categories"])
    return AnnotatedImages(Path(description["folder"]), categories, description["content_hash"])
