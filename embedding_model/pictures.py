"""What the model sees in one image (the paper's Fig. 4): embeddings as colours, classes and instances of each layer."""

import numpy as np

from benchmark.adapter import Picture

COLOR_LEVELS = 32
"""Shades of each primary colour: as many as the eye can use here, and few enough for small files."""

RANGE_PERCENTILES = (1, 99)
"""Percentiles of the foreground's values that get the weakest and strongest shade, like all beyond them."""


def layer_pictures(embeddings: np.ndarray, classes: np.ndarray, found: np.ndarray, truth: np.ndarray) -> list[Picture]:
    """A row of five pictures for each layer.

    embeddings: (L, C, 64, 64) float. classes: (L, 64, 64) int, predicted, 0 background. found, truth: (L, 64, 64) int,
    numbers of predicted and true instances as `Picture` describes them.
    """
    colors = embedding_colors(embeddings, classes > 0)
    pictures = []
    for layer, row in enumerate(_layer_names(len(embeddings))):
        masked = colors[layer] * (classes[layer] > 0)[..., None]
        pictures += [
            Picture(row, "Embedding", "colors", colors[layer]),
            Picture(row, "Predicted classes", "classes", classes[layer]),
            Picture(row, "Embedding in the classes", "colors", masked),
            Picture(row, "Instances found", "instances", found[layer]),
            Picture(row, "True instances", "truth", truth[layer]),
        ]
    return pictures


def embedding_colors(embeddings: np.ndarray, foreground: np.ndarray) -> np.ndarray:
    """The three principal components of the foreground's embeddings as red, green and blue, the same for all layers.

    embeddings: (L, C, 64, 64) float. foreground: (L, 64, 64) bool. Returns (L, 64, 64, 4) uint8, opaque. Components
    that do not exist, because C is small or the foreground empty, are black. The sign of a component is the one that
    makes its largest weight positive.
    """
    pixels = np.moveaxis(embeddings, 1, -1).astype(np.float64)
    colors = np.zeros((*foreground.shape, 4), np.uint8)
    colors[..., 3] = 255
    inside = pixels[foreground]
    if not len(inside):
        return colors
    mean = inside.mean(axis=0)
    _, vectors = np.linalg.eigh((inside - mean).T @ (inside - mean))
    components = vectors[:, ::-1][:, :3]  # eigh sorts from small to large
    largest = np.abs(components).argmax(axis=0)
    components = components * np.sign(components[largest, np.arange(components.shape[1])])
    values = (pixels - mean) @ components
    low, high = np.percentile(values[foreground], RANGE_PERCENTILES, axis=0)
    shares = np.clip((values - low) / np.maximum(high - low, 1e-12), 0, 1)
    colors[..., : components.shape[1]] = np.rint(np.rint(shares * (COLOR_LEVELS - 1)) * (255 / (COLOR_LEVELS - 1)))
    return colors


def _layer_names(layers: int) -> list[str]:
    """The paper's two names, or numbers."""
    return ["Foreground", "Occlusion"] if layers == 2 else [f"Layer {layer}" for layer in range(1, layers + 1)]
