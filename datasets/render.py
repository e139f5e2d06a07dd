"""From a scene to arrays: image, layers and masks, with the shapes that nobody can see removed.

A shape with no visible pixel at 256x256 is removed before layers are counted. One that is visible there but not on
the evaluation grid takes its place in the layers, is dropped from the ground truth, and its layer pixels become
background (docs/protocol.md "Scenes and images").
"""

from dataclasses import dataclass

import numpy as np

from datasets.drawing import draw_grid_masks, draw_image, draw_instance_map, draw_masks
from datasets.layers import layers_from_masks
from datasets.scene import GRID, Scene


@dataclass(frozen=True)
class LayeredSample:
    """image: (256, 256) or (256, 256, 3) uint8. layers: (L, 64, 64) uint8, 0 background, else instance number, 1 in
    front. categories: (n,) uint8, category number of instance 1, 2, ..., n."""

    image: np.ndarray
    layers: np.ndarray
    categories: np.ndarray

    @property
    def category_layers(self) -> np.ndarray:
        """(L, 64, 64) uint8: 0 background, else category id."""
        return np.concatenate([[0], self.categories]).astype(np.uint8)[self.layers]


@dataclass(frozen=True)
class MaskSample:
    """image: (256, 256) or (256, 256, 3) uint8. masks: (n, 256, 256) bool, amodal, front to back, n at most 254.
    instance_map: (256, 256) uint8, the instance number seen at each pixel, 1 in front, 0 for background and for shapes
    that are not ground truth.
    categories: (n,) uint8, category number of instance 1, 2, ..., n."""

    image: np.ndarray
    masks: np.ndarray
    instance_map: np.ndarray
    categories: np.ndarray


Drawable = Scene | MaskSample
"""What a source of training images gives: a scene that is drawn here, or an image that exists already."""


def render_layers(scene: Drawable, layers: int) -> LayeredSample:
    """Image and ground truth of the layered model: what one training image of it needs."""
    if isinstance(scene, MaskSample):
        return _layers_of_masks(scene, layers)
    seen = draw_instance_map(scene)
    front_to_back = _front_to_back(seen, scene)
    stacked = layers_from_masks(draw_grid_masks(scene)[front_to_back], layers)
    kept = _numbers_in(stacked[0], len(front_to_back))
    return LayeredSample(draw_image(scene), _consecutive(kept)[stacked], scene.categories[front_to_back[kept]])


def render_masks(scene: Drawable) -> MaskSample:
    """Image and amodal masks at full resolution of all instances that are ground truth."""
    if isinstance(scene, MaskSample):
        return scene
    seen = draw_instance_map(scene)
    on_grid = np.ascontiguousarray(seen[GRID, GRID])
    front_to_back = _front_to_back(on_grid, scene)
    # draw order plus one -> instance number; a shape seen between grid points only becomes background
    numbers = np.zeros(len(scene.categories) + 1, np.uint8)
    numbers[front_to_back + 1] = np.arange(1, len(front_to_back) + 1)
    masks = draw_masks(scene)[front_to_back].view(bool)
    return MaskSample(draw_image(scene), masks, numbers[seen], scene.categories[front_to_back])


def as_rgb(image: np.ndarray) -> np.ndarray:
    """image: (H, W) or (H, W, 3). Returns it as (H, W, 3), a grey one without copying it."""
    return image if image.ndim == 3 else np.broadcast_to(image[..., None], (*image.shape, 3))


def _layers_of_masks(sample: MaskSample, layers: int) -> LayeredSample:
    """Layers on the grid of an image's masks; as for scenes, what nobody can see on the grid is no ground truth."""
    stacked = layers_from_masks(sample.masks[:, GRID, GRID], layers)
    kept = _numbers_in(sample.instance_map[GRID, GRID], len(sample.masks))
    return LayeredSample(sample.image, _consecutive(kept)[stacked], sample.categories[kept])


def _front_to_back(instance_map: np.ndarray, scene: Scene) -> np.ndarray:
    """Positions in draw order of the shapes that `instance_map` shows, front to back."""
    return np.flatnonzero(_numbers_in(instance_map, len(scene.categories)))[::-1]


def _numbers_in(instance_map: np.ndarray, count: int) -> np.ndarray:
    """(count,) bool: whether 1, 2, ..., count occurs in a map of numbers with 0 for background."""
    return np.bincount(instance_map.ravel(), minlength=count + 1)[1:] > 0


def _consecutive(kept: np.ndarray) -> np.ndarray:
    """Table from old instance numbers to new ones without gaps; background and dropped instances become 0."""
    return np.concatenate([[0], np.where(kept, np.cumsum(kept), 0)]).astype(np.uint8)
