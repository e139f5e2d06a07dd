"""Layers: the n-th shape from the top of each pixel (paper section 3; docs/protocol.md "Scenes and images")."""

import numpy as np


def layers_from_masks(masks: np.ndarray, layers: int) -> np.ndarray:
    """Stack amodal masks into layers.

    masks: (N, H, W) bool or uint8 of 0 and 1, front to back, N at most 254. Returns (layers, H, W) uint8: 0 for
    background, else the position of the layer's shape among `masks` plus one.
    """
    count = len(masks)
    # shapes that cover the pixel, among the first, the first two, ... of the masks
    depth = masks.astype(np.uint8)
    for front, behind in zip(depth, depth[1:], strict=False):
        behind += front  # thirty times faster than np.cumsum along the first axis
    stacked = np.empty((layers, *masks.shape[1:]), np.uint8)
    for layer in range(layers):
        # the shapes up to the one that reaches this depth number as many as the position of that one
        position = (depth <= layer).view(np.uint8).sum(axis=0, dtype=np.uint8)
        stacked[layer] = np.where(position < count, position + 1, 0)
    return stacked


def masks_from_layers(layers: np.ndarray, count: int) -> np.ndarray:
    """The amodal masks that `layers` can tell: (count, H, W) bool, instance n the union of its pixels in all layers."""
    return (layers[None] == np.arange(1, count + 1, dtype=layers.dtype)[:, None, None, None]).any(axis=1)
