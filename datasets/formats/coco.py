"""Flat annotation files of any amodal data set: COCO's lists, with masks under the names of many releases.

Read are plain COCO, COCOA-cls (`visible_mask` where something hides an instance), D2SA (`visible_mask`,
`invisible_mask`), UOAIS-Sim and OSD-Amodal (`visible_mask`, `occluded_mask`, `occluded_rate`), AIStron's files
(`amodal_segm`, `visible_segm`), KINS of 2019 (`inmodal_seg`) and 2020 (`a_segm`, `i_segm`, `ico_id`), and the
benchmark's own. Masks are polygons, run lengths or compressed RLEs. What a file does not say follows from what it says.
"""

from collections.abc import Sequence
from typing import Any

from datasets.formats import benchmark
from datasets.formats.instances import Instances, read_categories, read_images
from datasets.formats.masks import read_masks
from datasets.formats.parts import Parts, orders_from_masks, visible_parts
from datasets.keys import AMODAL_KEYS, HIDDEN_KEYS, RATE_KEYS, VISIBLE_KEYS
from datasets.table import Table, is_fraction, is_integer, is_positive

UNOCCLUDED = "instances_without_a_word_on_what_is_hidden_taken_as_not_occluded"

write = benchmark.write


def read(document: Any, name: str) -> Instances:
    """Instances of a flat file. Raises InputError for the first fault.

    Crowd regions and instances without a pixel are left out. Where no entry has an order it follows from the masks, if
    they tell. What was left out or put right is counted in ``info``.
    """
    images = read_images(document, name)
    categories = read_categories(document, name)
    sizes = {image["id"]: [image["height"], image["width"]] for image in images}
    everything = Table(document, "annotations", name, "annotation")
    everything.references("image_id", sizes, "the images")
    everything.column("iscrowd", lambda value: value in (None, 0, 1), "0 or 1")
    places = [place for place, entry in enumerate(everything.entries) if not entry.get("iscrowd")]
    table = everything.rows(places)
    image_ids = [entry["image_id"] for entry in table.entries]
    mask_sizes = [sizes[image_id] for image_id in image_ids]
    amodal: list[dict] = []
    for index, mask in enumerate(masks_where_given(table, AMODAL_KEYS, mask_sizes)):
        if mask is None:
            raise table.fault(index, "segmentation", f"a mask there or as {', '.join(AMODAL_KEYS[:-1])}")
        amodal.append(mask)
    visible = masks_where_given(table, VISIBLE_KEYS, mask_sizes)
    hidden = masks_where_given(table, HIDDEN_KEYS, mask_sizes)
    rate_key = next((key for key in RATE_KEYS if any(key in entry for entry in table.entries)), RATE_KEYS[0])
    rates = table.column(rate_key, lambda rate: rate is None or is_fraction(rate), "a number in [0, 1]")
    parts = visible_parts(table, amodal, visible, hidden, rates, rate_key)
    info = {
        "description": f"Converted from {name.rpartition('/')[2]}",
        **({"crowd_regions_left_out": left} if (left := len(everything.entries) - len(places)) else {}),
        **_notes(parts, visible, hidden),
    }
    instances = Instances(
        info=info,
        images=images,
        categories=categories,
        image_ids=image_ids,
        category_ids=table.references("category_id", [entry["id"] for entry in categories], "the categories"),
        amodal=amodal,
        visible=parts.visible,
        occlusion_rates=parts.occlusion_rates,
        orders=_orders(table),
        stuff=[bool(entry.get("isStuff")) for entry in table.entries],
    ).without_empty()
    return instances if instances.orders else instances.with_orders(_orders_from_masks(instances))


def _notes(parts: Parts, visible: Sequence[dict | None], hidden: Sequence[dict | None]) -> dict[str, int]:
    notes = parts.info()
    if visible and not any(visible) and not any(hidden):
        notes[UNOCCLUDED] = len(visible)
    return notes


def _orders(table: Table) -> list[int] | None:
    orders = table.optional_column("order", is_positive, "an integer of at least 1")
    if orders:
        return orders
    clustered = table.optional_column("ico_id", lambda value: is_integer(value) and value >= 0, "an integer from 0")
    return clustered and [max(order, 1) for order in clustered]


def _orders_from_masks(instances: Instances) -> list[int] | None:
    return orders_from_masks(instances.amodal, instances.visible, list(instances.by_image().values()))


def masks_where_given(table: Table, keys: Sequence[str], sizes: Sequence[list[int]]) -> list[dict | None]:
    """The mask of each entry under the first of `keys` that it has, None where it has none."""
    masks: list[dict | None] = [None] * len(table.entries)
    for key in keys:
        places = [
            place
            for place, entry in enumerate(table.entries)
            if masks[place] is None and entry.get(key) not in (None, [], {})
        ]
        found = read_masks(table.rows(places), key, [sizes[place] for place in places])
        for place, mask in zip(places, found, strict=True):
            masks[place] = mask
    return masks
