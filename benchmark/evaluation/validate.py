"""The door of the evaluator: annotation and result files, checked once, returned as columns.

Every fault is an `InputError` of one line that names the file and the entry, what was found and what was expected.
Nothing behind this door checks again.
"""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import Literal

from datasets.errors import InputError
from datasets.keys import is_own_form
from datasets.rle import mask_areas
from datasets.table import Source, Table, image_sizes, is_fraction, is_positive, load_json, show_kind

Masks = Literal["amodal", "visible"]
"""Which masks of annotations and predictions are compared."""

MASK_KEYS: dict[Masks, str] = {"amodal": "segmentation", "visible": "visible_mask"}


@dataclass(frozen=True)
class GroundTruth:
    """COCO annotations with occlusion rates, as columns of one value per annotation (G), in the file's order.

    name: the file, for messages. masks: which masks these are. image_sizes: image id -> [height, width]. category_ids:
    those the file defines. segmentations: the masks, compressed RLE with str counts. occlusion_rates: in [0, 1].
    orders: 1 = front, or None where the annotations have none. notes: what reading left out or put right, in words.
    category_names: by id, as far as the file gives names.
    """

    name: str
    masks: Masks
    image_sizes: dict[int, list[int]]
    category_ids: list[int]
    annotation_ids: list[int]
    annotation_images: list[int]
    annotation_categories: list[int]
    segmentations: list[dict]
    occlusion_rates: list[float]
    orders: list[int] | None
    notes: Sequence[str] = ()
    category_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Predictions:
    """COCO results as columns of one value per detection (P), in the file's order.

    image_ids and category_ids exist in the ground truth. segmentations: masks of their image's size, compressed RLE
    with str counts. scores: in [0, 1]. orders: 1 = front, or None from a model that predicts no depth order.
    visible_masks: beside amodal ones, or None where not every detection carries one.
    """

    name: str
    image_ids: list[int]
    category_ids: list[int]
    segmentations: list[dict]
    scores: list[float]
    orders: list[int] | None
    visible_masks: list[dict] | None = None


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
    Raises InputError for the first fault.
    """
    data, name = load_json(source, "annotations")
    notes = []
    if not is_own_form(data):
        from datasets.formats import coco  # brings OpenCV, which our own form does not need

        instances = coco.read(data, name)
        data, notes = coco.write(instances), instances.notes
    if not isinstance(data, dict):
        raise InputError(f"{name}: found {show_kind(data)}, expected a dict with images, annotations and categories")
    images, categories, annotations = (
        Table(data, key, name, label)
        for key, label in (("images", "image"), ("categories", "category"), ("annotations", "annotation"))
    )
    if not images.entries:
        raise InputError(f"{name}: images: found an empty list, expected at least one image")

    sizes = image_sizes(images)
    category_ids = categories.unique_ids()
    annotation_images = annotations.references("image_id", sizes, "the images")
    annotations.column("iscrowd", lambda value: value in (None, 0), "0 (a crowd region has no amodal mask)")
    ground_truth = GroundTruth(
        name=name,
        masks=masks,
        image_sizes=sizes,
        category_ids=category_ids,
        annotation_ids=annotations.unique_ids(),
        annotation_images=annotation_images,
        annotation_categories=annotations.references("category_id", category_ids, "the categories"),
        segmentations=annotations.masks([sizes[image_id] for image_id in annotation_images], MASK_KEYS[masks]),
        occlusion_rates=annotations.column("occlude_rate", is_fraction, "a number in [0, 1]"),
        orders=annotations.optional_column("order", is_positive, "an integer of at least 1"),
        notes=notes,
        category_names={entry["id"]: entry["name"] for entry in categories.entries if "name" in entry},
    )
    return _without_empty_masks(ground_truth)


@garbage_collection_paused()
def read_predictions(source: Source, ground_truth: GroundTruth) -> Predictions:
    """Read and check COCO results that belong to `ground_truth`; an empty list is a model that finds nothing.

    Raises InputError for the first fault.
    """
    data, name = load_json(source, "predictions")
    if not isinstance(data, list):
        raise InputError(f"{name}: found {show_kind(data)}, expected a list of detections")
    detections = Table({"": data}, "", name, "detection")
    image_ids = detections.references("image_id", ground_truth.image_sizes, f"the images of {ground_truth.name}")
    orders = detections.optional_column("order", is_positive, "an integer of at least 1")
    if orders and ground_truth.orders is None:
        raise InputError(f"{ground_truth.name}: annotations: found none with an order, which {name} predicts")
    sizes = [ground_truth.image_sizes[image_id] for image_id in image_ids]
    seen = MASK_KEYS["visible"]
    carry_visible = detections.entries and all(seen in entry for entry in detections.entries)
    return Predictions(
        name=name,
        image_ids=image_ids,
        category_ids=detections.references(
            "category_id", ground_truth.category_ids, f"the categories of {ground_truth.name}"
        ),
        segmentations=detections.masks(sizes, MASK_KEYS[ground_truth.masks]),
        scores=detections.column("score", is_fraction, "a number in [0, 1]"),
        orders=orders,
        visible_masks=detections.masks(sizes, seen) if carry_visible and ground_truth.masks == "amodal" else None,
    )


def _without_empty_masks(ground_truth: GroundTruth) -> GroundTruth:
    kept = mask_areas(ground_truth.segmentations) > 0
    if kept.all():
        return ground_truth
    masks = "instances" if ground_truth.masks == "amodal" else "instances that nobody sees"
    notes = [*ground_truth.notes, f"{len(kept) - kept.sum()} {masks} without pixels left out"]
    per_annotation = ("annotation_ids", "annotation_images", "annotation_categories", "segmentations",
                      "occlusion_rates", "orders")  # fmt: skip
    columns = {name: getattr(ground_truth, name) for name in per_annotation}
    columns = {name: column and list(compress(column, kept)) for name, column in columns.items()}
    return replace(ground_truth, **columns, notes=notes)
