"""What the model sees in one image: classes, quality, what one pixel draws, and the instances that come of it."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from baselines.dynamic_masks.network import DynamicMaskNetwork, Maps
from benchmark.adapter import Detections, Picture
from datasets.layers import layers_from_masks
from datasets.scene import GRID_SIZE

LAYERS = 3
"""How many of the instances that overlap at a pixel are shown."""

SHADES = 32
"""Of each colour: as many as the eye can use here, and few enough for small files."""

DRAWN = (0, 114, 178)
SEEN = (213, 94, 0)
"""Blue for an amodal mask, vermilion for its visible part, from the colour-blind safe palette of Okabe and Ito."""


def steps(network: DynamicMaskNetwork, maps: Maps, found: Detections, truth: np.ndarray) -> list[Picture]:
    """Rows of pictures of one image. maps: of a batch of one. truth: (L, 64, 64) int, numbers of true instances."""
    classes = maps.class_logits[0].argmax(dim=0).cpu().numpy()
    quality = maps.quality_logits[0].sigmoid().cpu().numpy() * (classes > 0)
    row = "Visible pixels"
    pictures = [
        Picture(row, "Classes of what is seen", "classes", classes),
        Picture(row, "Quality of what a pixel draws", "colors", shaded(quality, DRAWN)),
    ]
    pixel = hidden_pixel(network, maps)
    if pixel is not None:
        pictures.append(Picture(row, "One pixel and its mask", "colors", pixel_picture(network, maps, pixel)))
    order = np.argsort(np.asarray(found.order))
    layers = layers_from_masks(found.masks[order], LAYERS)
    for layer, (of_layer, of_truth) in enumerate(zip(layers, truth, strict=False), start=1):
        pictures += [
            Picture(f"Layer {layer}", "Instances found", "instances", of_layer.astype(np.int64)),
            Picture(f"Layer {layer}", "True instances", "truth", of_truth.astype(np.int64)),
        ]
    return pictures


@torch.inference_mode()
def hidden_pixel(network: DynamicMaskNetwork, maps: Maps) -> int | None:
    """The foreground pixel that draws most beyond what is visible, weighted by its quality; None without foreground."""
    foreground = (maps.class_logits[0].argmax(dim=0) > 0).flatten().nonzero()[:, 0]
    if not len(foreground):
        return None
    kernels = network.kernels(maps, foreground, foreground)
    masks, visible = network.draw(maps, kernels, foreground).sigmoid().unbind(1)
    hidden = (masks - visible).clamp(min=0).sum(dim=1)
    return int(foreground[(hidden * kernels.quality_logits.sigmoid() ** 4).argmax()])


@torch.inference_mode()
def pixel_picture(network: DynamicMaskNetwork, maps: Maps, pixel: int) -> np.ndarray:
    """What a pixel draws, (64, 64, 4) uint8: amodal mask, its visible part in another colour, the pixel in black."""
    kernels = network.kernels(maps, torch.tensor([pixel], device=maps.features.device))
    masks = network.draw(maps, kernels).sigmoid()[0]
    amodal, visible = masks.unflatten(1, (GRID_SIZE, GRID_SIZE)).cpu().numpy()
    picture = shaded(amodal, DRAWN)
    seen = (amodal > 0.5) & (visible > 0.5)
    picture[seen] = shaded(visible, SEEN)[seen]
    y, x = divmod(pixel, GRID_SIZE)
    picture[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = (0, 0, 0, 255)
    return picture


def shaded(values: Tensor | np.ndarray, color: Sequence[int]) -> np.ndarray:
    """(64, 64) values from 0 to 1 as (64, 64, 4) uint8 from white to `color`."""
    share = np.rint(np.asarray(values, dtype=np.float64) * (SHADES - 1))[..., None] / (SHADES - 1)
    picture = np.full((*share.shape[:2], 4), 255, np.uint8)
    picture[..., :3] = np.rint(255 + share * (np.array(color) - 255))
    return picture
