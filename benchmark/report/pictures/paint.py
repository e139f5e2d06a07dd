"""Pictures of scenes, layers and instances as RGBA arrays (paper Figs. 1 and 4), made to be told apart by everyone."""

import base64
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmark.report.pictures.colors import to_rgb
from datasets.scene import IMAGE_SIZE

INSTANCE_COLORS = (
    "#CC6677", "#332288", "#DDCC77", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499", "#E69F00",
)  # fmt: skip
"""Paul Tol's colour-blind safe "muted" scheme and one more; neighbours never share a colour if ten suffice."""

UNMATCHED_COLOR = "#8A8A8A"
"""Predictions that are no ground-truth instance."""

BORDER = (20, 20, 20, 255)


@dataclass(frozen=True)
class Panel:
    """image: (H, W) or (H, W, 3) uint8, or (H, W, 4) with transparency. text: what a reader who cannot see it reads.
    details: a second line of the caption."""

    caption: str
    image: np.ndarray
    text: str = ""
    details: str = ""

    @property
    def data_uri(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(encode_png(self.image)).decode()}"


def instance_colors(masks: np.ndarray) -> np.ndarray:
    """A colour for each of (n, H, W) bool masks such that masks that touch or overlap differ: (n, 3) uint8.

    Greedy graph colouring; where more than the palette's ten meet, the colour that fewest neighbours have is taken.
    """
    palette = to_rgb(INSTANCE_COLORS)
    if not len(masks):
        return np.zeros((0, 3), np.uint8)
    kernel = np.ones((3, 3), np.uint8)
    grown = np.stack([cv2.dilate(mask.astype(np.uint8), kernel).ravel() for mask in masks]).astype(np.float32)
    neighbours = grown @ grown.T > 0
    chosen = np.full(len(masks), -1)
    for i in range(len(masks)):
        near = np.bincount(chosen[:i][neighbours[i, :i]], minlength=len(palette))
        everywhere = np.bincount(chosen[:i], minlength=len(palette))
        chosen[i] = np.lexsort((everywhere, near))[0]
    return palette[chosen]


def paint_labels(labels: np.ndarray, colors: np.ndarray, background: Sequence[int] = (0, 0, 0, 0)) -> np.ndarray:
    """(H, W) labels, 0 for background, as (256, 256, 4) uint8 without smoothing, dark lines between labels.

    colors: (n, 3), of labels 1 to n.
    """
    table = np.concatenate([[background], np.insert(colors, 3, 255, axis=1)]).astype(np.uint8)
    large = enlarge(labels)
    painted = table[large]
    border = np.zeros(large.shape, bool)
    border[1:] |= large[1:] != large[:-1]
    border[:, 1:] |= large[:, 1:] != large[:, :-1]
    painted[border] = BORDER
    return painted


def paint_instances(masks: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Amodal masks as if one could see through: what lies in front is filled, every outline is drawn whole.

    masks: (n, 64, 64) bool, front to back. colors: (n, 3). Returns (256, 256, 4) uint8.
    """
    painted = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 4), np.uint8)
    large = enlarge(masks)
    tints = colors // 3 + 170  # pale, so that outlines of hidden parts stand out on the fill
    kernel = np.ones((5, 5), np.uint8)
    for mask, tint in zip(large[::-1], tints[::-1], strict=True):
        painted[mask] = (*tint, 255)
    for mask, color in zip(large[::-1], colors[::-1], strict=True):
        inner = cv2.erode(mask.astype(np.uint8), kernel, borderValue=0).astype(bool)
        painted[mask & ~inner] = (*color, 255)
    return painted


def enlarge(grid: np.ndarray) -> np.ndarray:
    """(..., 64, 64) to (..., 256, 256) by repeating pixels."""
    factor = IMAGE_SIZE // grid.shape[-1]
    return grid.repeat(factor, axis=-2).repeat(factor, axis=-1)


def encode_png(image: np.ndarray) -> bytes:
    """PNG bytes of a grey, RGB or RGBA image; with a palette, a third of the size, if 256 colours suffice."""
    to_rgba = {2: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_RGB2RGBA}
    channels = image.shape[2] if image.ndim == 3 else 2
    rgba = np.ascontiguousarray(image if channels == 4 else cv2.cvtColor(image, to_rgba[channels]))
    colors, indices = np.unique(rgba.view(np.uint32)[..., 0], return_inverse=True)
    if len(colors) > 256:
        ordered = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
        return cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
    return _palette_png(colors.view(np.uint8).reshape(-1, 4), indices.reshape(rgba.shape[:2]).astype(np.uint8))


def _palette_png(palette: np.ndarray, indices: np.ndarray) -> bytes:
    """palette: (n, 4) uint8, RGBA. indices: (H, W) uint8. OpenCV writes no palettes; PNG, third edition, section 11."""
    height, width = indices.shape
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 1 << bits)
    per_byte = 8 // bits
    padded = np.pad(indices, ((0, 0), (0, -width % per_byte))).reshape(height, -1, per_byte)
    packed = (padded << np.arange(8 - bits, -1, -bits, dtype=np.uint8)).sum(axis=2, dtype=np.uint8)
    rows = np.pad(packed, ((0, 0), (1, 0)))  # each row begins with its filter, none
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0)),
        (b"PLTE", palette[:, :3].tobytes()),
        (b"tRNS", palette[:, 3].tobytes()),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
