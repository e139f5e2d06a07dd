"""KINS's annotation files: flat COCO with a second, visible mask for each instance, under the names of two releases.

Qi et al., Amodal Instance Segmentation with KINS Dataset, CVPR 2019, and its repository. The release of 2019
(`instances_train.json`) has `segmentation`, `bbox` and `area` for the amodal mask, `inmodal_seg` and `inmodal_bbox`
for the visible one. That of 2020 (`update_train_2020.json`) has `a_segm`, `a_bbox`, `a_area` and `i_segm`, `i_bbox`,
`i_area`, and the depth order: `oco_id` numbers the clusters of instances that touch, `ico_id` is the order within the
cluster, 1 = front; 0 stands for an instance that overlaps none.
"""

from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from datasets.errors import InputError
from datasets.formats.instances import Instances, overlaps, read_categories, read_images
from datasets.formats.masks import outline, read_masks
from datasets.formats.parts import visible_parts
from datasets.rle import mask_areas
from datasets.table import Table, is_integer

MASK_NAMES = {"2019": ("segmentation", "inmodal_seg"), "2020": ("a_segm", "i_segm")}
"""Release -> keys of the amodal and of the visible mask."""


def read(document: Any, name: str) -> Instances:
    """Instances of a KINS file of either release; of a file with both names the 2019 ones, which `write` keeps exact.

    Masks may be RLEs or lists of polygons. Raises InputError for the first fault.
    """
    images = read_images(document, name)
    categories = read_categories(document, name)
    sizes = {image["id"]: [image["height"], image["width"]] for image in images}
    annotations = Table(document, "annotations", name, "annotation")
    amodal_key, visible_key, release = _mask_names(annotations)
    image_ids = annotations.references("image_id", sizes, "the images")
    annotations.column("iscrowd", lambda value: value in (None, 0), "0 (a crowd region has no amodal mask)")
    mask_sizes = [sizes[image_id] for image_id in image_ids]
    amodal = read_masks(annotations, amodal_key, mask_sizes)
    visible = read_masks(annotations, visible_key, mask_sizes)
    nothing = [None] * len(amodal)
    parts = visible_parts(annotations, amodal, visible, nothing, nothing, visible_key)
    orders = annotations.optional_column("ico_id", lambda value: is_integer(value) and value >= 0, "an integer from 0")
    return Instances(
        info={"description": f"Converted from KINS, field names of {release}", **parts.info()},
        images=images,
        categories=categories,
        image_ids=image_ids,
        category_ids=annotations.references("category_id", [entry["id"] for entry in categories], "the categories"),
        amodal=amodal,
        visible=parts.visible,
        occlusion_rates=parts.occlusion_rates,
        orders=orders and [max(order, 1) for order in orders],
        stuff=[False] * len(amodal),
    ).without_empty()


def write(instances: Instances) -> dict[str, Any]:
    """A KINS document under the names of both releases, so that readers of either find theirs.

    The 2019 names hold RLEs, which lose nothing; the 2020 names hold polygons, as in that release, in which holes are
    filled. Without a known order there is neither `oco_id` nor `ico_id`.
    """
    orders = _cluster_orders(instances) if instances.orders else [{}] * len(instances.amodal)
    areas, boxes = mask_areas(instances.amodal).tolist(), mask_utils.toBbox(instances.amodal).tolist()
    visible_areas, visible_boxes = mask_areas(instances.visible), mask_utils.toBbox(instances.visible)
    annotations = [
        {
            "id": i + 1,
            "image_id": instances.image_ids[i],
            "category_id": instances.category_ids[i],
            "iscrowd": 0,
            "segmentation": instances.amodal[i],
            "bbox": boxes[i],
            "area": areas[i],
            "inmodal_seg": instances.visible[i],
            "inmodal_bbox": visible_boxes[i].tolist(),
            "a_segm": outline(instances.amodal[i]),
            "a_bbox": boxes[i],
            "a_area": areas[i],
            "i_segm": outline(instances.visible[i]),
            "i_bbox": visible_boxes[i].tolist(),
            "i_area": int(visible_areas[i]),
            **orders[i],
        }
        for i in range(len(instances.amodal))
    ]
    return {
        "info": instances.info,
        "categories": instances.categories,
        "images": instances.images,
        "annotations": annotations,
    }


def _mask_names(annotations: Table) -> tuple[str, str, str]:
    """(key of the amodal mask, key of the visible mask, release), told by the first annotation."""
    first = annotations.entries[0] if annotations.entries else {}
    for release, (amodal, visible) in MASK_NAMES.items():
        if visible in first or not annotations.entries:
            return amodal, visible, release
    raise InputError(f"{annotations.name}: annotation 0: found neither inmodal_seg (2019) nor i_segm (2020), "
                     "expected one of them")  # fmt: skip


def _cluster_orders(instances: Instances) -> list[dict[str, int]]:
    """`oco_id` (from 1 in each image) and `ico_id` of each instance."""
    found: list[dict[str, int]] = [{}] * len(instances.amodal)
    depths = instances.orders or [0] * len(found)
    for places in filter(None, instances.by_image().values()):
        connected = overlaps([instances.amodal[i] for i in places]) | np.eye(len(places), dtype=bool)
        while (wider := connected @ connected).sum() > connected.sum():
            connected = wider
        orders = np.array([depths[i] for i in places])
        _, clusters = np.unique(connected.argmax(axis=1), return_inverse=True)
        for position, place in enumerate(places):
            members = connected[position]
            # rank among the cluster's different orders, so that equal orders stay equal
            rank = 1 + len(set(orders[members & (orders < orders[position])].tolist()))
            found[place] = {"oco_id": int(clusters[position]) + 1, "ico_id": rank if members.sum() > 1 else 0}
    return found
