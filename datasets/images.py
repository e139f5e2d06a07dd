"""Reading image files of any kind as upright RGB of eight bits, or saying in one line why not."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from datasets.errors import InputError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
"""Endings of the files that a folder of images is searched for."""

READABLE_MODES = frozenset({"1", "L", "P", "RGB", "CMYK", "YCbCr"})
"""Pillow's names of what converts to RGB of eight bits without a decision; grey images get three equal channels."""

ALPHA_MODES = frozenset({"LA", "PA", "La", "RGBA", "RGBa"})
UPRIGHT, ORIENTATION_TAG = 1, 0x0112


def check_image(path: Path, size: tuple[int, int] | None, entry: str = "") -> None:
    """Raise InputError unless `path` holds an upright image of eight bits without alpha, of `size` (height, width).

    Only the header is read. entry: where the file is spoken of, for the message.
    """
    with _opened(path, entry) as image:
        if fault := _fault(image, size):
            raise InputError(f"{path}{_where(entry)}: found {fault}")


def read_image(path: Path, size: tuple[int, int] | None = None, entry: str = "") -> np.ndarray:
    """An annotated image as (H, W, 3) uint8, RGB. Raises InputError as `check_image` does, and for damaged pixels."""
    with _opened(path, entry) as image:
        if fault := _fault(image, size):
            raise InputError(f"{path}{_where(entry)}: found {fault}")
        return np.asarray(image.convert("RGB"))


def read_picture(path: Path) -> np.ndarray:
    """An image that nobody annotated as (H, W, 3) uint8, RGB: turned upright, transparent parts white.

    Raises InputError for what is no image or has more than eight bits.
    """
    with _opened(path, "") as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ALPHA_MODES or "transparency" in upright.info:
            colors = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", colors.size, "white"), colors)
        elif fault := _fault(upright, None):
            raise InputError(f"{path}: found {fault}")
        return np.asarray(upright.convert("RGB"))


@contextlib.contextmanager
def _opened(path: Path, entry: str) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path}{_where(entry)}: found no such file, expected an image") from None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        reason = " ".join(str(error).replace(repr(str(path)), "it").split())
        raise InputError(f"{path}{_where(entry)}: found an unreadable file ({reason}), expected an image") from None


def _fault(image: Image.Image, size: tuple[int, int] | None) -> str:
    """What is wrong with an image and what was expected, "" for nothing."""
    found = (image.height, image.width)
    if image.getexif().get(ORIENTATION_TAG, UPRIGHT) != UPRIGHT:
        return "an EXIF entry that rotates or mirrors the image, expected one that is stored upright"
    if image.mode in ALPHA_MODES or "transparency" in image.info:
        return f"an alpha channel ({image.mode}), expected RGB or grey"
    if image.mode not in READABLE_MODES:
        return f"more than 8 bits a channel ({image.mode}), expected 8"
    if size is not None and found != size:
        return f"{found[1]}x{found[0]} pixels, expected {size[1]}x{size[0]} as its annotations say"
    return ""


def _where(entry: str) -> str:
    return f" ({entry})" if entry else ""
