"""Scenes: which shapes stand where, and which lies on top (paper section 3; docs/protocol.md "Scenes and images")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from datasets.errors import InputError

CATEGORIES = ("circle", "triangle", "rectangle")
"""Class names; the COCO category id is the position plus one."""

IMAGE_SIZE = 256
"""Side of an image in pixels."""

GRID_SIZE = 64
"""Side of the evaluation grid: pixel (i, j) of it is pixel (4i+2, 4j+2) of the image."""

MAX_SHAPES = 250
"""In an image; instance numbers are bytes."""

GRID_STRIDE = IMAGE_SIZE // GRID_SIZE
GRID = slice(GRID_STRIDE // 2, None, GRID_STRIDE)
"""Index along each image axis that samples the evaluation grid: ``mask[..., GRID, GRID]``."""


@dataclass(frozen=True)
class SceneParameters:
    """How many shapes of each category an image holds, in the order of `CATEGORIES`."""

    counts: tuple[int, ...] = (6, 6, 6)

    def __post_init__(self):
        if len(self.counts) != len(CATEGORIES) or min(self.counts) < 0 or not 0 < sum(self.counts) <= MAX_SHAPES:
            raise InputError(
                f"scene counts: found {self.counts}, expected {len(CATEGORIES)} numbers of at least 0, in all 1 to "
                f"{MAX_SHAPES}"
            )

    @classmethod
    def uniform(cls, instances_per_class: int, classes: Sequence[str] = CATEGORIES) -> "SceneParameters":
        """`instances_per_class` shapes of each of `classes`, none of the others (the paper's N)."""
        unknown = [name for name in classes if name not in CATEGORIES]
        if unknown:
            raise InputError(f"classes: found {', '.join(unknown)}, expected some of {', '.join(CATEGORIES)}")
        return cls(tuple(instances_per_class if name in classes else 0 for name in CATEGORIES))

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in the order of their numbers from 1."""
        return CATEGORIES

    @property
    def channels(self) -> int:
        """Of an image: scenes are grey."""
        return 1

    def sample(self, seed: int, index: int) -> "Scene":
        """The `index`-th training scene of the sequence that `seed` names."""
        return sample_scene(self, seed, index)

    def describe(self) -> dict[str, Any]:
        """What a manifest says about these scenes."""
        return {"counts": list(self.counts), "label": self.label}

    @property
    def label(self) -> str:
        """Short name for folders and tables: "6", or "circle0-triangle0-rectangle30" where counts differ."""
        if len(set(self.counts)) == 1:
            return str(self.counts[0])
        return "-".join(f"{name}{count}" for name, count in zip(CATEGORIES, self.counts, strict=True))


@dataclass(frozen=True)
class Scene:
    """Shapes in draw order: a later one lies on top of all earlier ones.

    categories: (N,) uint8, category ids. corners: (N, 2) int32, x and y in pixels of the polygon's first corner or of
    the top-left corner of the circle's bounding box. angles: (N,) int32, degrees about the first corner.
    """

    categories: np.ndarray
    corners: np.ndarray
    angles: np.ndarray


def sample_scene(parameters: SceneParameters, seed: int, index: int) -> Scene:
    """The `index`-th scene of the endless sequence that `seed` names; any index can be had at once.

    Philox is a counter-based generator whose bits NumPy guarantees, and only its uniform doubles are used, so that a
    scene is the same on every machine and release.
    """
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, index], dtype=np.uint64)))
    ids = np.repeat(np.arange(1, len(CATEGORIES) + 1, dtype=np.uint8), parameters.counts)
    order_keys, x, y, angle = generator.random((4, len(ids)))
    corners = np.rint((0.1 + 0.8 * np.stack([x, y], axis=1)) * IMAGE_SIZE).astype(np.int32)
    return Scene(ids[np.argsort(order_keys, kind="stable")], corners, (angle * 360).astype(np.int32))
