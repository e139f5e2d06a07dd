"""COCOA's annotation files: one annotation for each image and annotator, with its objects as `regions`.

Zhu et al., Semantic Amodal Segmentation, CVPR 2017; fields as its API (amodalAPI) reads them. A region has
`segmentation` (one flat polygon x, y, x, y, ... or an RLE), `name`, `area`, `isStuff`, `occlude_rate`, `order`
(1 = front) and, where something hides it, `visible_mask` and `invisible_mask` (RLEs). The annotation's
`depth_constraint` is a text such as "1-2,1-3": region 1 of the list lies in front of the regions 2 and 3.
"""

from graphlib import CycleError
from typing import Any

import numpy as np

from datasets.formats.coco import masks_where_given
from datasets.formats.instances import Instances, overlaps, read_categories, read_images
from datasets.formats.masks import invisible_masks, read_masks
from datasets.formats.parts import chain_orders, visible_parts
from datasets.keys import HIDDEN_KEYS, VISIBLE_KEYS
from datasets.rle import mask_areas
from datasets.table import Table, is_fraction, is_positive


def read(document: Any, name: str) -> Instances:
    """Instances of a COCOA file. Raises InputError for the first fault.

    Names become categories, those of the file's `categories` if it has them, else in alphabetical order. Of an image's
    annotations the first counts, as in COCOA's own evaluation. A region with neither `visible_mask` nor
    `invisible_mask` is not occluded; what contradicts itself is refused, or put right and counted (`visible_parts`).
    Where regions have no `order` it follows from the depth constraints.
    """
    images = read_images(document, name)
    sizes = {image["id"]: [image["height"], image["width"]] for image in images}
    annotations = Table(document, "annotations", name, "annotation")
    image_ids = annotations.references("image_id", sizes, "the images")
    first = {image_id: place for place, image_id in reversed(list(enumerate(image_ids)))}
    used = sorted(first.values())
    regions = _regions(annotations, used)
    owners = [place for place in used for _ in annotations.entries[place]["regions"]]
    region_images = [image_ids[place] for place in owners]
    mask_sizes = [sizes[image_id] for image_id in region_images]
    amodal = read_masks(regions, "segmentation", mask_sizes)
    visible = masks_where_given(regions, VISIBLE_KEYS, mask_sizes)
    hidden = masks_where_given(regions, HIDDEN_KEYS, mask_sizes)
    rates = regions.column("occlude_rate", lambda rate: rate is None or is_fraction(rate), "a number in [0, 1]")
    parts = visible_parts(regions, amodal, visible, hidden, rates, "occlude_rate")
    categories, category_ids = _categories(document, name, regions)
    info = {"description": "Converted from COCOA", **parts.info()}
    if len(used) < len(image_ids):
        info["further_annotations_of_an_image_left_out"] = len(image_ids) - len(used)
    return Instances(
        info=info,
        images=images,
        categories=categories,
        image_ids=region_images,
        category_ids=category_ids,
        amodal=amodal,
        visible=parts.visible,
        occlusion_rates=parts.occlusion_rates,
        orders=_orders(annotations, used, regions),
        stuff=[bool(region.get("isStuff")) for region in regions.entries],
    ).without_empty()


def write(instances: Instances) -> dict[str, Any]:
    """A COCOA document: regions front to back, one annotation for each image.

    Masks stay RLEs, which the format allows and which lose nothing. Categories are kept beside the format's own keys.
    A depth constraint stands for each pair of amodal masks that share a pixel. Where no order is known, regions have
    none and there are no constraints.
    """
    names = {category["id"]: category["name"] for category in instances.categories}
    invisible = invisible_masks(instances.amodal, instances.visible)
    areas = mask_areas(instances.amodal).tolist()
    annotations = []
    for number, (image, places) in enumerate(zip(instances.images, instances.by_image().values(), strict=True), 1):
        if instances.orders:
            places = sorted(places, key=instances.orders.__getitem__)
        regions = [
            {
                "segmentation": instances.amodal[i],
                "name": names[instances.category_ids[i]],
                "area": areas[i],
                "isStuff": int(instances.stuff[i]),
                "occlude_rate": instances.occlusion_rates[i],
                **({"order": instances.orders[i]} if instances.orders else {}),
                "visible_mask": instances.visible[i],
                "invisible_mask": invisible[i],
            }
            for i in places
        ]
        annotations.append(
            {
                "id": number,
                "image_id": image["id"],
                "author": "",
                "url": image.get("file_name", ""),
                "size": len(regions),
                "depth_constraint": _depth_constraint(instances, places),
                "regions": regions,
            }
        )
    return {
        "info": instances.info,
        "categories": instances.categories,
        "images": instances.images,
        "annotations": annotations,
    }


def _regions(annotations: Table, used: list[int]) -> Table:
    """The regions of the annotations at `used`, one after the other."""
    annotations.column("regions", lambda value: isinstance(value, list), "a list of regions")
    regions, places = [], []
    for place in used:
        annotation = annotations.entries[place]
        for number, region in enumerate(annotation["regions"], 1):
            regions.append(region)
            places.append(f"annotation {place} (image_id {annotation['image_id']}) region {number}")
    return Table({"regions": regions}, "regions", annotations.name, "region", places)


def _categories(document: dict, name: str, regions: Table) -> tuple[list[dict], list[int]]:
    """(categories, category id of each region)."""
    names = regions.column("name", lambda value: isinstance(value, str), "a string")
    if "categories" in document:
        categories = read_categories(document, name)
    else:
        categories = [{"id": number, "name": text} for number, text in enumerate(sorted(set(names)), 1)]
    ids = {category["name"]: category["id"] for category in categories}
    regions.column("name", ids.__contains__, f"the name of one of the categories of {name}")
    return categories, [ids[text] for text in names]


def _orders(annotations: Table, used: list[int], regions: Table) -> list[int] | None:
    orders = regions.optional_column("order", is_positive, "an integer of at least 1")
    if orders or not any(annotations.entries[place].get("depth_constraint") for place in used):
        return orders
    return [order for place in used for order in _orders_from_constraint(annotations, place)]


def _orders_from_constraint(annotations: Table, place: int) -> list[int]:
    """One more than the longest chain of regions in front, for each region of an annotation."""
    annotation = annotations.entries[place]
    count = len(annotation["regions"])
    in_front: dict[int, set[int]] = {number: set() for number in range(1, count + 1)}
    try:
        for pair in filter(None, annotation.get("depth_constraint", "").split(",")):
            front, back = (int(number) for number in pair.split("-"))
            if not 1 <= front <= count:
                raise ValueError(front)
            in_front[back].add(front)
        orders = chain_orders(in_front)
    except CycleError as error:
        circle = "-".join(str(number) for number in error.args[1])
        raise annotations.fault(place, "depth_constraint", "no circle", f"the circle {circle}") from None
    except (AttributeError, KeyError, ValueError):
        expected = f"pairs such as '1-2' of numbers up to {count}, with commas between them"
        raise annotations.fault(place, "depth_constraint", expected) from None
    return [orders[number] for number in range(1, count + 1)]


def _depth_constraint(instances: Instances, places: list[int]) -> str:
    if not instances.orders:
        return ""
    orders = np.array([instances.orders[i] for i in places])
    in_front = overlaps([instances.amodal[i] for i in places]) & (orders[:, None] < orders)
    return ",".join(f"{front + 1}-{back + 1}" for front, back in np.argwhere(in_front))
