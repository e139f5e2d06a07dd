"""The door of the evaluator: annotation and result files, checked once, returned as columns.

Every fault is an `InputError` of one line that names the file and the entry, what was found and what was expected.
Nothing behind this door checks again.
"""

import gc
import gzip
import json
import reprlib
import zlib
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.evaluation.rle import find_fault
from datasets.errors import InputError

Source = str | Path | dict | list
"""A .json or .json.gz file, or what such a file holds."""


@dataclass(frozen=True)
class GroundTruth:
    """COCO annotations with occlusion rates, as columns of one value per annotation (G), in the file's order.

    name: the file, for messages. image_sizes: image id -> [height, width]. category_ids: those the file defines.
    segmentations: amodal masks, compressed RLE with str counts. occlusion_rates: in [0, 1]. orders: 1 = front, or
    None where the annotations have none.
    """

    name: str
    image_sizes: dict[int, list[int]]
    category_ids: list[int]
    annotation_ids: list[int]
    annotation_images: list[int]
    annotation_categories: list[int]
    segmentations: list[dict]
    occlusion_rates: list[float]
    orders: list[int] | None


@dataclass(frozen=True)
class Predictions:
    """COCO results as columns of one value per detection (P), in the file's order.

    image_ids and category_ids exist in the ground truth. segmentations: amodal masks of their image's size, compressed
    RLE with str counts. scores: in [0, 1]. orders: 1 = front, or None from a model that predicts no depth order.
    """

    name: str
    image_ids: list[int]
    category_ids: list[int]
    segmentations: list[dict]
    scores: list[float]
    orders: list[int] | None


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """For code that only allocates: the collector would walk a million new objects for nothing, a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@garbage_collection_paused()
def read_annotations(source: Source) -> GroundTruth:
    """Read and check COCO annotations whose `segmentation` is the amodal mask (RLE) and that carry `occlude_rate`.

    Raises InputError for the first fault.
    """
    data, name = _load(source, "annotations")
    if not isinstance(data, dict):
        raise InputError(f"{name}: found {_kind(data)}, expected a dict with images, annotations and categories")
    images, categories, annotations = (
        _Table(data, key, name, label)
        for key, label in (("images", "image"), ("categories", "category"), ("annotations", "annotation"))
    )
    if not images.entries:
        raise InputError(f"{name}: images: found an empty list, expected at least one image")

    heights, widths = (images.column(key, _is_positive, "a positive integer") for key in ("height", "width"))
    image_sizes = {i: [h, w] for i, h, w in zip(images.unique_ids(), heights, widths, strict=True)}
    category_ids = categories.unique_ids()
    annotation_images = annotations.references("image_id", image_sizes, "the images")
    annotations.column("iscrowd", lambda value: value in (None, 0), "0 (a crowd region has no amodal mask)")
    return GroundTruth(
        name=name,
        image_sizes=image_sizes,
        category_ids=category_ids,
        annotation_ids=annotations.unique_ids(),
        annotation_images=annotation_images,
        annotation_categories=annotations.references("category_id", category_ids, "the categories"),
        segmentations=annotations.masks([image_sizes[image_id] for image_id in annotation_images]),
        occlusion_rates=annotations.column("occlude_rate", _is_fraction, "a number in [0, 1]"),
        orders=annotations.optional_column("order", _is_positive, "an integer of at least 1"),
    )


@garbage_collection_paused()
def read_predictions(source: Source, ground_truth: GroundTruth) -> Predictions:
    """Read and check COCO results that belong to `ground_truth`; an empty list is a model that finds nothing.

    Raises InputError for the first fault.
    """
    data, name = _load(source, "predictions")
    if not isinstance(data, list):
        raise InputError(f"{name}: found {_kind(data)}, expected a list of detections")
    detections = _Table({"": data}, "", name, "detection")
    image_ids = detections.references("image_id", ground_truth.image_sizes, f"the images of {ground_truth.name}")
    orders = detections.optional_column("order", _is_positive, "an integer of at least 1")
    if orders and ground_truth.orders is None:
        raise InputError(f"{ground_truth.name}: annotations: found none with an order, which {name} predicts")
    return Predictions(
        name=name,
        image_ids=image_ids,
        category_ids=detections.references(
            "category_id", ground_truth.category_ids, f"the categories of {ground_truth.name}"
        ),
        segmentations=detections.masks([ground_truth.image_sizes[image_id] for image_id in image_ids]),
        scores=detections.column("score", _is_fraction, "a number in [0, 1]"),
        orders=orders,
    )


def _load(source: Source, what: str) -> tuple[Any, str]:
    """(content, name for messages) of a file, plain or gzipped, or of data in memory."""
    if not isinstance(source, str | Path):
        return source, what
    name = str(source)
    try:
        content = Path(source).read_bytes()
        if content.startswith(b"\x1f\x8b"):
            content = gzip.decompress(content)
        return json.loads(content), name
    except FileNotFoundError:
        raise InputError(f"{name}: found no such file, expected a .json or .json.gz file of {what}") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: line {error.lineno} column {error.colno}: found malformed JSON ({error.msg}), expected {what}"
        ) from None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{name}: found an unreadable file ({reason}), expected JSON with {what}") from None


class _Table:
    """A list of dicts from a file, read column by column; each method raises InputError for the first bad entry."""

    def __init__(self, data: dict, key: str, name: str, label: str):
        self.entries, self.name, self.label = data.get(key), name, label
        if not isinstance(self.entries, list):
            raise InputError(f"{name}: {key}: found {_found(data, key)}, expected a list")
        for index, entry in enumerate(self.entries):
            if not isinstance(entry, dict):
                raise InputError(f"{name}: {label} {index}: found {_kind(entry)}, expected a dict")

    def fault(self, index: int, key: str, expected: str, found: str | None = None) -> InputError:
        entry = self.entries[index]
        identity = next((f" ({name} {_found(entry, name)})" for name in ("id", "image_id") if name in entry), "")
        found = found or _found(entry, key)
        return InputError(f"{self.name}: {self.label} {index}{identity}: {key}: found {found}, expected {expected}")

    def column(self, key: str, accepts: Callable[[Any], bool], expected: str) -> list:
        values = [entry.get(key) for entry in self.entries]
        for index, value in enumerate(values):
            if not accepts(value):
                raise self.fault(index, key, expected)
        return values

    def optional_column(self, key: str, accepts: Callable[[Any], bool], expected: str) -> list | None:
        """The column, or None where no entry has the key; all of them must have it or none."""
        if self.entries and not any(key in entry for entry in self.entries):
            return None
        return self.column(key, accepts, f"{expected} in every entry or in none")

    def unique_ids(self) -> list[int]:
        ids = self.column("id", _is_integer, "an integer")
        if len(set(ids)) < len(ids):
            seen = set()
            index = next(index for index, value in enumerate(ids) if value in seen or seen.add(value))
            raise self.fault(index, "id", "one that no earlier entry has")
        return ids

    def references(self, key: str, known: Container, whose: str) -> list[int]:
        """A column of ids that occur in `known`."""
        known = set(known)
        return self.column(key, lambda value: _is_integer(value) and value in known, f"the id of one of {whose}")

    def masks(self, sizes: Sequence[list[int]]) -> list[dict]:
        """`segmentation` of every entry as compressed RLE with str counts. sizes: [height, width] of each entry."""
        segmentations = [entry.get("segmentation") for entry in self.entries]
        counts = []
        for index, (segmentation, size) in enumerate(zip(segmentations, sizes, strict=True)):
            if not isinstance(segmentation, dict):
                raise self.fault(index, "segmentation", "an RLE: a dict with size and counts")
            found_size = segmentation.get("size")
            if found_size != size and not (isinstance(found_size, tuple) and list(found_size) == size):
                raise self.fault(index, "segmentation", f"{size}", f"size {_found(segmentation, 'size')}")
            runs = segmentation.get("counts")
            if isinstance(runs, list):
                if not all(_is_integer(run) and run >= 0 for run in runs) or sum(runs) != size[0] * size[1]:
                    expected = f"run lengths of {size[0] * size[1]} pixels in all"
                    raise self.fault(index, "segmentation", expected, f"counts {_shown(runs)}")
                runs = coco_mask.frPyObjects({"size": size, "counts": runs}, *size)["counts"]
            if isinstance(runs, bytes):
                runs = runs.decode("latin-1")
            if not isinstance(runs, str):
                found = f"counts {_found(segmentation, 'counts')}"
                raise self.fault(index, "segmentation", "a compressed string or a list of run lengths", found)
            counts.append(runs)
        areas = [height * width for height, width in sizes]
        fault = find_fault(counts, areas)
        if fault:
            index, found = fault
            raise self.fault(index, "segmentation", f"an RLE of {areas[index]} pixels", found)
        return [{"size": size, "counts": string} for size, string in zip(sizes, counts, strict=True)]


def _is_integer(value: Any) -> bool:
    return (type(value) is int or isinstance(value, np.integer)) and -(2**63) <= value < 2**63


def _is_positive(value: Any) -> bool:
    return _is_integer(value) and value > 0


def _is_fraction(value: Any) -> bool:
    return (type(value) in (float, int) or isinstance(value, np.floating)) and 0 <= value <= 1


def _found(entry: dict, key: str) -> str:
    return _shown(entry[key]) if key in entry else "nothing"


def _shown(value: Any) -> str:
    return " ".join(reprlib.repr(value).split())


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}" if isinstance(value, list | dict) else _shown(value)
