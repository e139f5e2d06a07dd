"""Annotation and result files: lists of dicts, read column by column and checked once.

Every fault is an `InputError` of one line that names the file and the entry, what was found and what was expected.
"""

import gzip
import io
import json
import reprlib
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from datasets.errors import InputError
from datasets.rle import find_fault

MAX_PIXELS = 2**29 - 1
"""The largest image in pixels; masks of more cannot be coded (`datasets.rle.MAX_GROUPS`)."""

SMALL_FILE, MAX_UNPACKED_RATIO = 2**26, 100
"""A gzipped file may unpack to so many bytes, or so many times its size. Files of masks reach 20 times."""

Source = str | Path | dict | list
"""A .json or .json.gz file, or what such a file holds."""


def load_json(source: Source, what: str) -> tuple[Any, str]:
    """(content, name for messages) of a file, plain or gzipped, or of data in memory."""
    if not isinstance(source, str | Path):
        return source, what
    name = str(source)
    with reading_json(name, what):
        content = Path(source).read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = _unpacked(content)
        document = json.loads(content)
    return document, name


@contextmanager
def reading_json(name: str, what: str) -> Iterator[None]:
    """Turn what goes wrong while the file `name` is read into an InputError. what: the file should hold."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{name}: found no such file, expected a .json or .json.gz file of {what}") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: line {error.lineno} column {error.colno}: found malformed JSON ({error.msg}), expected {what}"
        ) from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: found an unreadable file ({reason}), expected JSON with {what}") from None


def unpacked_limit(packed: int) -> int:
    """Bytes to which a gzipped file of `packed` bytes may unpack."""
    return max(SMALL_FILE, MAX_UNPACKED_RATIO * packed)


def _unpacked(content: bytes) -> bytes:
    """Gunzip, up to a size that no file of masks has. Raises ValueError beyond."""
    limit = unpacked_limit(len(content))
    with gzip.open(io.BytesIO(content)) as file:
        unpacked = file.read(limit + 1)
    if len(unpacked) > limit:
        raise ValueError(f"it unpacks to more than {MAX_UNPACKED_RATIO} times its size")
    return unpacked


def image_sizes(images: "Table") -> dict[int, list[int]]:
    """Image id -> [height, width], each such that its masks can be coded."""
    heights, widths = (images.column(key, is_positive, "a positive integer") for key in ("height", "width"))
    for index, (height, width) in enumerate(zip(heights, widths, strict=True)):
        if height * width > MAX_PIXELS:
            raise images.fault(index, "width", f"at most {MAX_PIXELS:,} pixels in all", f"{width} x height {height}")
    return {i: [h, w] for i, h, w in zip(images.unique_ids(), heights, widths, strict=True)}


class Table:
    """A list of dicts from a file, read column by column; each method raises InputError for the first bad entry."""

    def __init__(self, data: Any, key: str, name: str, label: str, places: Sequence[str] | None = None, start: int = 0):
        """name: the file. label: what an entry is called in messages, together with its position, which counts from
        `start`; or places: what each of them is called, for entries that are not a list of their own in the file."""
        self.entries, self.name, self.label, self.places, self.start = data.get(key), name, label, places, start
        if not isinstance(self.entries, list):
            raise InputError(f"{name}: {key}: found {show_item(data, key)}, expected a list")
        for index, entry in enumerate(self.entries):
            if not isinstance(entry, dict):
                place = places[index] if places else f"{label} {start + index}"
                raise InputError(f"{name}: {place}: found {show_kind(entry)}, expected a dict")

    def fault(self, index: int, key: str, expected: str, found: str | None = None) -> InputError:
        entry = self.entries[index]
        identity = next((f" ({name} {show_item(entry, name)})" for name in ("id", "image_id") if name in entry), "")
        place = self.places[index] if self.places else f"{self.label} {self.start + index}{identity}"
        found = found or show_item(entry, key)
        return InputError(f"{self.name}: {place}: {key}: found {found}, expected {expected}")

    def rows(self, places: Sequence[int]) -> "Table":
        """The entries at `places`, called as in the whole table."""
        entries = [self.entries[place] for place in places]
        names = [
            self.places[place] if self.places else f"{self.label} {self.start + place} (id {show_item(entry, 'id')})"
            for place, entry in zip(places, entries, strict=True)
        ]
        return Table({"rows": entries}, "rows", self.name, self.label, names)

    def column(self, key: str, accepts: Callable[[Any], bool], expected: str) -> list:
        values = [entry.get(key) for entry in self.entries]
        for index, value in enumerate(values):
            if not accepts(value):
                raise self.fault(index, key, expected)
        return values

    def optional_column(
        self, key: str, accepts: Callable[[Any], bool], expected: str, present: bool | None = None
    ) -> list | None:
        """The column, or None where no entry has the key; all of them must have it or none.

        present: whether entries of the same list that stand elsewhere have it, None where there are none.
        """
        having = [index for index, entry in enumerate(self.entries) if key in entry]
        if present is None:
            present = bool(having) or not self.entries
        if present:
            return self.column(key, accepts, f"{expected} in every entry or in none")
        if having:
            raise self.fault(having[0], key, "none, as in the entries before it")
        return None

    def unique_ids(self) -> list[int]:
        ids = self.column("id", is_integer, "an integer")
        seen: set[int] = set()
        for index, value in enumerate(ids):
            if value in seen:
                raise self.fault(index, "id", "one that no earlier entry has")
            seen.add(value)
        return ids

    def references(self, key: str, known: Collection, whose: str) -> list[int]:
        """A column of ids that occur in `known`."""
        existing = known if isinstance(known, Mapping) else frozenset(known)
        return self.column(key, lambda value: is_integer(value) and value in existing, f"the id of one of {whose}")

    def masks(self, sizes: Sequence[list[int]], key: str = "segmentation") -> list[dict]:
        """The mask `key` of every entry as compressed RLE with str counts. sizes: [height, width] of each entry."""
        segmentations = [entry.get(key) for entry in self.entries]
        counts = []
        for index, (segmentation, size) in enumerate(zip(segmentations, sizes, strict=True)):
            if not isinstance(segmentation, dict):
                raise self.fault(index, key, "an RLE: a dict with size and counts")
            found_size = segmentation.get("size")
            if found_size != size and not (isinstance(found_size, tuple) and list(found_size) == size):
                raise self.fault(index, key, f"{size}", f"size {show_item(segmentation, 'size')}")
            runs = segmentation.get("counts")
            if isinstance(runs, list):
                if not all(is_integer(run) and run >= 0 for run in runs) or sum(runs) != size[0] * size[1]:
                    expected = f"run lengths of {size[0] * size[1]} pixels in all"
                    raise self.fault(index, key, expected, f"counts {show(runs)}")
                runs = coco_mask.frPyObjects({"size": size, "counts": runs}, *size)["counts"]
            if isinstance(runs, bytes):
                runs = runs.decode("latin-1")
            if not isinstance(runs, str):
                found = f"counts {show_item(segmentation, 'counts')}"
                raise self.fault(index, key, "a compressed string or a list of run lengths", found)
            counts.append(runs)
        areas = [height * width for height, width in sizes]
        fault = find_fault(counts, areas)
        if fault:
            index, found = fault
            raise self.fault(index, key, f"an RLE of {areas[index]} pixels", found)
        return [{"size": size, "counts": string} for size, string in zip(sizes, counts, strict=True)]


def is_integer(value: Any) -> bool:
    return (type(value) is int or isinstance(value, np.integer)) and -(2**63) <= int(value) < 2**63


def is_positive(value: Any) -> bool:
    return is_integer(value) and value > 0


def is_fraction(value: Any) -> bool:
    return (type(value) in (float, int) or isinstance(value, np.floating)) and 0 <= value <= 1


def show_item(entry: dict, key: str) -> str:
    """`entry[key]` as text for a message."""
    return show(entry[key]) if key in entry else "nothing"


def show(value: Any) -> str:
    """`value` as text of one short line."""
    return " ".join(reprlib.repr(value).split())


def show_kind(value: Any) -> str:
    """What `value` is where only its type matters."""
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else show(value)
