"""The door of the evaluator: annotation and result files, checked once, returned as columns.

Every fault is an `InputError` of one line that names the file and the entry, what was found and what was expected.
Nothing behind this door checks again.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from datasets.documents import Document
from datasets.errors import InputError
from datasets.keys import RATE_TOLERANCE, is_own_form
from datasets.rle import EncodedMasks, mask_areas
from datasets.table import Source, Table, image_sizes, is_fraction, is_positive, load_json, show_kind

Masks = Literal["amodal", "visible"]
"""Which masks of annotations and predictions are compared."""

MASK_KEYS: dict[Masks, str] = {"amodal": "segmentation", "visible": "visible_mask"}


@dataclass(frozen=True)
class GroundTruth:
    """COCO annotations with occlusion rates, as columns of one value per annotation (G), in the file's order.

    name: the file, for messages. masks: which masks these are. image_sizes: image id -> [height, width]. category_ids:
    those the file defines. annotation_ids, annotation_images, annotation_categories: (G,) int64 ids. segmentations: the
    G masks. occlusion_rates: (G,) float64 in [0, 1]. orders: (G,) int64, 1 = front, or None where the annotations have
    none. notes: what reading left out or put right, in words. category_names: by id, as far as the file gives names.
    """

    name: str
    masks: Masks
    image_sizes: dict[int, list[int]]
    category_ids: list[int]
    annotation_ids: np.ndarray
    annotation_images: np.ndarray
    annotation_categories: np.ndarray
    segmentations: EncodedMasks
    occlusion_rates: np.ndarray
    orders: np.ndarray | None
    notes: Sequence[str] = ()
    category_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Predictions:
    """COCO results as columns of one value per detection (P), in the file's order.

    image_ids, category_ids: (P,) int64, which exist in the ground truth. segmentations: P masks of their image's size.
    scores: (P,) float64 in [0, 1]. orders: (P,) int64, 1 = front, or None from a model that predicts no depth order.
    visible_masks: P masks beside amodal ones, or None where not every detection carries one.
    """

    name: str
    image_ids: np.ndarray
    category_ids: np.ndarray
    segmentations: EncodedMasks
    scores: np.ndarray
    orders: np.ndarray | None
    visible_masks: EncodedMasks | None = None


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
def read_annotations(source: Source, masks: Masks = "amodal") -> GroundTruth:
    """Read and check COCO annotations whose `segmentation` is the amodal mask (RLE) and that carry `occlude_rate`.

    Files of other data sets, with polygons or masks under other names, are read as `datasets.formats.coco` says.
    Visible masks are read from `visible_mask`. Instances whose mask has no pixel are left out: nobody can find them.
    Rates that the masks deny are kept and counted, except in files from `export`, whose rates are those of the grid.
    Raises InputError for the first fault.
    """
    document = Document(source, "annotations", "annotations")
    name = document.name
    notes: Sequence[str] = ()
    if not is_own_form(document.blocks()):
        from datasets.formats import coco  # brings OpenCV, which our own form does not need

        instances = coco.read(load_json(source, "annotations")[0], name)
        document, notes = Document(coco.write(instances), "annotations", "annotations"), instances.notes
        document.name = name
    if not isinstance(document.outline, dict):
        found = show_kind(document.outline)
        raise InputError(f"{name}: found {found}, expected a dict with images, annotations and categories")
    images, categories, _ = (
        Table(document.outline, key, name, label)
        for key, label in (("images", "image"), ("categories", "category"), ("annotations", "annotation"))
    )
    if not images.entries:
        raise InputError(f"{name}: images: found an empty list, expected at least one image")
    sizes = image_sizes(images)
    category_ids = categories.unique_ids()

    denied = 0
    info = document.outline.get("info")
    exported = isinstance(info, dict) and "content_hash" in info

    def read(annotations: Table, ordered: bool | None) -> dict[str, list | EncodedMasks | None]:
        nonlocal denied
        image_ids = annotations.references("image_id", sizes, "the images")
        annotations.column("iscrowd", lambda value: value in (None, 0), "0 (a crowd region has no amodal mask)")
        columns: dict[str, list | EncodedMasks | None] = {
            "annotation_ids": annotations.unique_ids(),
            "annotation_images": image_ids,
            "annotation_categories": annotations.references("category_id", category_ids, "the categories"),
            "segmentations": _masks(annotations, sizes, image_ids, MASK_KEYS[masks]),
            "occlusion_rates": annotations.column("occlude_rate", is_fraction, "a number in [0, 1]"),
            "orders": annotations.optional_column("order", is_positive, "an integer of at least 1", ordered),
        }
        if not exported:
            denied += _count_denied_rates(annotations, sizes, image_ids)
        return columns

    columns = _read_columns(document, "annotation", read)
    _check_unique(columns["annotation_ids"], name, "annotation")
    if denied:
        notes = [*notes, f"{denied} stated occlusion rates that their masks deny kept"]
    ground_truth = GroundTruth(
        name=name,
        masks=masks,
        image_sizes=sizes,
        category_ids=category_ids,
        notes=notes,
        category_names={entry["id"]: entry["name"] for entry in categories.entries if "name" in entry},
        **columns,
    )
    return _without_empty_masks(ground_truth)


@garbage_collection_paused()
def read_predictions(source: Source, ground_truth: GroundTruth) -> Predictions:
    """Read and check COCO results that belong to `ground_truth`; an empty list is a model that finds nothing.

    Raises InputError for the first fault.
    """
    document = Document(source, "predictions", None)
    name, sizes, truth = document.name, ground_truth.image_sizes, ground_truth.name
    seen = MASK_KEYS["visible"]

    def read(detections: Table, ordered: bool | None) -> dict[str, list | EncodedMasks | None]:
        image_ids = detections.references("image_id", sizes, f"the images of {truth}")
        orders = detections.optional_column("order", is_positive, "an integer of at least 1", ordered)
        if orders and ground_truth.orders is None:
            raise InputError(f"{truth}: annotations: found none with an order, which {name} predicts")
        carry_visible = detections.entries and all(seen in entry for entry in detections.entries)
        return {
            "image_ids": image_ids,
            "category_ids": detections.references(
                "category_id", ground_truth.category_ids, f"the categories of {truth}"
            ),
            "segmentations": _masks(detections, sizes, image_ids, MASK_KEYS[ground_truth.masks]),
            "scores": detections.column("score", is_fraction, "a number in [0, 1]"),
            "orders": orders,
            "visible_masks": _masks(detections, sizes, image_ids, seen)
            if carry_visible and ground_truth.masks == "amodal"
            else None,
        }

    columns = _read_columns(document, "detection", read)
    if not isinstance(document.outline, list):
        raise InputError(f"{name}: found {show_kind(document.outline)}, expected a list of detections")
    return Predictions(name=name, **columns)


def _read_columns(
    document: Document, label: str, read: Callable[[Table, bool | None], dict[str, list | EncodedMasks | None]]
) -> dict[str, Any]:
    """The columns that `read` makes of a table, of all blocks of the document: arrays, masks, and None as it is.

    read: is also told whether the entries of earlier blocks have an order, None for the first block.
    """
    parts: list[dict[str, Any]] = []
    start, ordered = 0, None
    for block in document.blocks():
        columns = read(Table({"": block}, "", document.name, label, start=start), ordered)
        parts.append(_as_arrays(columns))
        start, ordered = start + len(block), columns["orders"] is not None
    parts = parts or [_as_arrays(read(Table({"": []}, "", document.name, label), None))]
    joined: dict[str, Any] = {}
    for name, first in parts[0].items():
        column = [part.pop(name) for part in parts[1:]]
        if first is None or any(part is None for part in column):
            joined[name] = None
        else:
            join = EncodedMasks.joined if isinstance(first, EncodedMasks) else np.concatenate
            joined[name] = join([first, *column])
    return joined


def _masks(table: Table, sizes: Mapping[int, list[int]], image_ids: Sequence[int], key: str) -> EncodedMasks:
    """The masks of a table, each of the size of its image."""
    of_entries = [sizes[image_id] for image_id in image_ids]
    return EncodedMasks.of_rles(table.masks(of_entries, key))


def _count_denied_rates(annotations: Table, sizes: Mapping[int, list[int]], image_ids: Sequence[int]) -> int:
    """How many entries with an amodal and a visible mask state another hidden share than the two have."""
    places = [place for place, entry in enumerate(annotations.entries) if MASK_KEYS["visible"] in entry]
    both, images = annotations.rows(places), [image_ids[place] for place in places]
    amodal, visible = (mask_areas(_masks(both, sizes, images, key)) for key in MASK_KEYS.values())
    stated = np.array(both.column("occlude_rate", is_fraction, "a number in [0, 1]"), float)
    denied = np.abs(1 - visible / np.maximum(amodal, 1) - stated) > RATE_TOLERANCE
    return int(denied[amodal > 0].sum())


def _as_arrays(columns: dict[str, list | EncodedMasks | None]) -> dict[str, Any]:
    floats = ("occlusion_rates", "scores")
    return {
        name: np.array(column, np.float64 if name in floats else np.int64) if isinstance(column, list) else column
        for name, column in columns.items()
    }


def _check_unique(ids: np.ndarray, name: str, label: str) -> None:
    """Raise InputError for the first entry whose id an earlier one has."""
    order = np.argsort(ids, kind="stable")
    repeated = order[1:][ids[order[1:]] == ids[order[:-1]]]
    if len(repeated):
        index = int(repeated.min())
        table = Table({"": [{"id": int(ids[index])}]}, "", name, label, start=index)
        raise table.fault(0, "id", "one that no earlier entry has")


def _without_empty_masks(ground_truth: GroundTruth) -> GroundTruth:
    kept = mask_areas(ground_truth.segmentations) > 0
    if kept.all():
        return ground_truth
    masks = "instances" if ground_truth.masks == "amodal" else "instances that nobody sees"
    notes = [*ground_truth.notes, f"{len(kept) - kept.sum()} {masks} without pixels left out"]
    per_annotation = ("annotation_ids", "annotation_images", "annotation_categories", "occlusion_rates", "orders")
    columns = {name: getattr(ground_truth, name) for name in per_annotation}
    columns = {name: None if column is None else column[kept] for name, column in columns.items()}
    return replace(ground_truth, **columns, segmentations=ground_truth.segmentations.take(kept), notes=notes)
