"""A COCOA file of one image, as its API describes them, drawn by hand."""

import numpy as np
import pytest

from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.formats import cocoa
from tests.datasets.formats.drawings import AMODAL, CAR, HOUSE, IMAGES, RATES, SKY, TREE, VISIBLE, change, without

REGIONS = [
    {"segmentation": [0, 0, 4, 0, 4, 3, 0, 3], "name": "car", "area": 12, "isStuff": 0, "occlude_rate": 0, "order": 1},
    {"segmentation": [3, 0, 5, 0, 5, 3, 3, 3], "name": "tree", "area": 6, "isStuff": 0, "occlude_rate": 0.5,
     "order": 2, "visible_mask": VISIBLE[1], "invisible_mask": AMODAL[0]},
    {"segmentation": AMODAL[2], "name": "sky", "area": 6, "isStuff": 1, "occlude_rate": 0.8, "order": 3,
     "visible_mask": VISIBLE[2], "invisible_mask": AMODAL[0]},
    {"segmentation": [6, 0, 8, 0, 8, 3, 6, 3], "name": "car", "area": 6, "isStuff": 0, "occlude_rate": 0, "order": 4},
]  # fmt: skip
FILE = {
    "images": IMAGES,
    "annotations": [
        {"id": 1, "image_id": 7, "author": "A", "url": "", "size": 4, "depth_constraint": "1-2,1-3,2-3",
         "regions": REGIONS},
        {"id": 2, "image_id": 7, "author": "B", "url": "", "size": 0, "depth_constraint": "", "regions": []},
    ],
}  # fmt: skip


def test_read():
    instances = cocoa.read(FILE, "cocoa.json")
    np.testing.assert_array_equal(decode_masks(instances.amodal), [CAR, TREE, SKY, HOUSE])
    np.testing.assert_array_equal(decode_masks(instances.visible), decode_masks(VISIBLE))
    assert instances.images == IMAGES and instances.image_ids == [7] * 4
    assert instances.categories == [{"id": 1, "name": "car"}, {"id": 2, "name": "sky"}, {"id": 3, "name": "tree"}]
    assert instances.category_ids == [1, 3, 2, 1]
    assert instances.occlusion_rates == RATES
    assert instances.orders == [1, 2, 3, 4]
    assert instances.stuff == [False, False, True, False]
    assert instances.info["further_annotations_of_an_image_left_out"] == 1


def test_order_from_depth_constraints():
    """Without `order` in the regions: one more than the longest chain in front."""
    annotation = {**FILE["annotations"][0], "regions": [without(region, ["order"]) for region in REGIONS]}
    assert cocoa.read({**FILE, "annotations": [annotation]}, "cocoa.json").orders == [1, 2, 3, 1]
    reverse = {**annotation, "depth_constraint": "4-3,3-2,4-2"}
    assert cocoa.read({**FILE, "annotations": [reverse]}, "cocoa.json").orders == [1, 3, 2, 1]
    unknown = {**annotation, "depth_constraint": ""}
    assert cocoa.read({**FILE, "annotations": [unknown]}, "cocoa.json").orders is None


def test_region_without_pixels_is_left_out():
    document = change(FILE, ["annotations", 0, "regions", 3, "segmentation"], [1, 1, 2, 2])
    instances = cocoa.read(document, "cocoa.json")
    assert instances.orders == [1, 2, 3] and len(instances.stuff) == len(instances.amodal) == 3
    assert instances.info["instances_without_pixels_left_out"] == 1


def test_invisible_mask_alone_tells_the_visible_one():
    document = change(FILE, ["annotations", 0, "regions", 1], without(REGIONS[1], ["visible_mask"]))
    instances = cocoa.read(document, "cocoa.json")
    assert instances.visible[1] == VISIBLE[1] and instances.occlusion_rates == RATES
    bare = change(
        FILE, ["annotations", 0, "regions", 1], without(without(REGIONS[1], ["visible_mask"]), ["invisible_mask"])
    )
    with pytest.raises(InputError, match="region 2: occlude_rate: found 0.5, expected a visible or an invisible mask"):
        cocoa.read(bare, "cocoa.json")


def test_write_then_read():
    instances = cocoa.read(FILE, "cocoa.json")
    document = cocoa.write(instances)
    first, second = document["annotations"]
    assert first["depth_constraint"] == "1-2,1-3,2-3" and first["size"] == 4
    assert (second["image_id"], second["depth_constraint"], second["regions"]) == (3, "", [])
    again = cocoa.read(document, "again.json")
    assert {**vars(again), "info": None} == {**vars(instances), "info": None}


def test_write_sorts_front_to_back():
    document = change(FILE, ["annotations", 0, "regions"], REGIONS[::-1])
    annotation = cocoa.write(cocoa.read(document, "cocoa.json"))["annotations"][0]
    assert [region["order"] for region in annotation["regions"]] == [1, 2, 3, 4]
    assert annotation["depth_constraint"] == "1-2,1-3,2-3"


def test_no_annotation_at_all():
    instances = cocoa.read({"images": IMAGES, "annotations": []}, "cocoa.json")
    assert instances.amodal == [] and len(cocoa.write(instances)["annotations"]) == 2


REGION = "annotation 0 (image_id 7) region 2"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["images"], None, "images: found None, expected a list"),
        (["images", 0, "height"], 0, "image 0 (id 7): height: found 0, expected a positive integer"),
        (["annotations", 0], 5, "annotation 0: found 5, expected a dict"),
        (["annotations", 0, "image_id"], 8, "image_id: found 8, expected the id of one of the images"),
        (["annotations", 0, "regions"], {}, "annotation 0 (id 1): regions: found {}, expected a list of regions"),
        (["annotations", 0, "regions", 1], 5, f"{REGION}: found 5, expected a dict"),
        (["annotations", 0, "regions", 1, "name"], 5, f"{REGION}: name: found 5, expected a string"),
        (["annotations", 0, "regions", 1, "order"], None, f"{REGION}: order: found None, expected an integer of"),
        (["annotations", 0, "regions", 1, "segmentation"], "?", f"{REGION}: segmentation: found '?', expected an RLE"),
        (["annotations", 0, "regions", 1, "segmentation"], [1, 2, 3], f"{REGION}: segmentation: found polygon"),
        (["annotations", 0, "regions", 1, "visible_mask", "size"], [8, 3], f"{REGION}: visible_mask: found size [8"),
        (["annotations", 0, "regions", 1, "visible_mask", "counts"], "0", f"{REGION}: visible_mask: found an RLE of 0"),
        (["categories"], [{"id": 1, "name": "car"}], f"{REGION}: name: found 'tree', expected the name of one of"),
    ],
)  # fmt: skip
def test_faults(path, value, expected):
    with pytest.raises(InputError) as error:
        cocoa.read(change(FILE, path, value), "cocoa.json")
    assert str(error.value).startswith("cocoa.json: ") and expected in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ("1-5", "found '1-5', expected pairs such as '1-2' of numbers up to 4"),
        ("0-1", "found '0-1', expected pairs"),
        ("1>2", "found '1>2', expected pairs"),
        (5, "found 5, expected pairs"),
        ("1-2,2-1", "found the circle"),
    ],
)
def test_faults_of_depth_constraints(constraint, expected):
    annotation = {**FILE["annotations"][0], "regions": [without(region, ["order"]) for region in REGIONS]}
    document = {**FILE, "annotations": [{**annotation, "depth_constraint": constraint}]}
    with pytest.raises(InputError) as error:
        cocoa.read(document, "cocoa.json")
    assert f"annotation 0 (id 1): depth_constraint: {expected}" in str(error.value)
