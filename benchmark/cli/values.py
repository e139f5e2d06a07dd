"""What the values of options may be, checked while the command line is read: before any work."""

import argparse
import math
import os
from collections.abc import Callable
from pathlib import Path

from datasets.scene import MAX_SHAPES
from datasets.table import show

LONGEST_NAME = 200
"""Bytes of the name of a file or folder; systems take 255, and temporary files need some."""


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """The type of an option whose value is an integer from `low` to `high`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            found = text if text.isprintable() and len(text) < 40 else show(text)
            raise argparse.ArgumentTypeError(f"found {found}, expected a whole number from {low} to {high}")
        return value

    return parse


count = whole_number(1, 10**9)
"""A number of images, runs and the like."""

count_or_none = whole_number(0, 10**12)
"""A number of images, where 0 stands for one that is not known."""

seed = whole_number(0, 2**63 - 1)

layers = whole_number(1, MAX_SHAPES)
"""A number of layers of masks; no image has more shapes than the largest."""


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"found {show(text)}, expected a number from 0 to 1")
    return value


def minutes(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"found {show(text)}, expected a number of minutes of at least 0")
    return value


def text(value: str) -> str:
    """Something to read: not empty, without line breaks and other control characters."""
    if not value.strip() or not value.isprintable():
        raise argparse.ArgumentTypeError(f"found {show(value)}, expected printable text")
    return value


def existing(value: str) -> Path:
    """A path to read from; whether it is there is said by who reads it."""
    return Path(text(value))


def output_file(value: str) -> Path:
    """A file to write: its name is given, it is no folder, and its folder is there or can be made."""
    path = _output(value)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"found {show(value)}, a folder, expected a file to write")
    return path


def output_folder(value: str) -> Path:
    """A folder to write: its name is given, it is no file, and the folder around it is there or can be made."""
    path = _output(value)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"found {show(value)}, which is a file, expected a folder")
    return path


def _output(value: str) -> Path:
    path = Path(text(value))
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"found {show(value)}, expected a name of at most {LONGEST_NAME} bytes")
    if path.name in ("", ".."):
        raise argparse.ArgumentTypeError(f"found {show(value)}, expected a path that ends in a name")
    try:
        parent = next(folder for folder in path.absolute().parents if folder.exists())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"found {show(value)}: {error.strerror}") from None
    if not parent.is_dir():
        raise argparse.ArgumentTypeError(f"found {show(value)}, expected a path in a folder; {parent} is a file")
    if not os.access(parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"found {show(value)}, expected a folder where one may write; not {parent}")
    return path
