"""The benchmark's own annotation files: flat COCO with COCOA's names for occlusion, as `datasets.coco` makes them."""

from typing import Any

from pycocotools import mask as mask_utils

from datasets.errors import InputError
from datasets.formats.instances import Instances, read_categories, read_images
from datasets.formats.masks import invisible_masks
from datasets.rle import mask_areas
from datasets.table import Table, is_fraction, is_positive, show


def read(document: Any, name: str) -> Instances:
    """Instances of a file from `export` or `write`. Raises InputError for the first fault."""
    images = read_images(document, name)
    categories = read_categories(document, name)
    sizes = {image["id"]: [image["height"], image["width"]] for image in images}
    annotations = Table(document, "annotations", name, "annotation")
    image_ids = annotations.references("image_id", sizes, "the images")
    mask_sizes = [sizes[image_id] for image_id in image_ids]
    return Instances(
        info=_info(document, name),
        images=images,
        categories=categories,
        image_ids=image_ids,
        category_ids=annotations.references("category_id", [entry["id"] for entry in categories], "the categories"),
        amodal=annotations.masks(mask_sizes),
        visible=annotations.masks(mask_sizes, "visible_mask"),
        occlusion_rates=annotations.column("occlude_rate", is_fraction, "a number in [0, 1]"),
        orders=annotations.optional_column("order", is_positive, "an integer of at least 1"),
        stuff=[bool(entry.get("isStuff")) for entry in annotations.entries],
    ).without_empty()


def write(instances: Instances) -> dict[str, Any]:
    """What the evaluator reads; annotations numbered from 1. `isStuff` only where it is true."""
    invisible = invisible_masks(instances.amodal, instances.visible)
    areas = mask_areas(instances.amodal).tolist()
    boxes = mask_utils.toBbox(instances.amodal).tolist()
    annotations = [
        {
            "id": i + 1,
            "image_id": instances.image_ids[i],
            "category_id": instances.category_ids[i],
            "segmentation": instances.amodal[i],
            "bbox": boxes[i],
            "area": areas[i],
            "iscrowd": 0,
            "visible_mask": instances.visible[i],
            "invisible_mask": invisible[i],
            "occlude_rate": instances.occlusion_rates[i],
            **({"order": instances.orders[i]} if instances.orders else {}),
            **({"isStuff": True} if instances.stuff[i] else {}),
        }
        for i in range(len(instances.amodal))
    ]
    return {
        "info": instances.info,
        "licenses": [],
        "categories": instances.categories,
        "images": instances.images,
        "annotations": annotations,
    }


def _info(document: dict[str, Any], name: str) -> dict[str, Any]:
    info = document.get("info") or {}
    if not isinstance(info, dict):
        raise InputError(f"{name}: info: found {show(info)}, expected a dict")
    return info
