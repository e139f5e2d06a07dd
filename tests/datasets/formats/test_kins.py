"""KINS files of one image under the field names of both releases, drawn by hand."""

import numpy as np
import pytest

from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.formats import kins
from tests.datasets.formats.drawings import AMODAL, CAR, HOUSE, IMAGES, RATES, SKY, TREE, VISIBLE, change, without

CATEGORIES = [{"supercategory": "Vehicle", "id": 4, "name": "car"}, {"supercategory": "None", "id": 8, "name": "misc"}]


def file(*annotations):
    return {
        "images": IMAGES,
        "categories": CATEGORIES,
        "annotations": [
            {"id": 10 + i, "image_id": 7, "category_id": 8 if i == 1 else 4, **annotation}
            for i, annotation in enumerate(annotations)
        ],
    }


POLYGONS = [[[0, 0, 4, 0, 4, 3, 0, 3]], [[3, 0, 5, 0, 5, 3, 3, 3]], [[0, 0, 6, 0, 6, 1, 0, 1]],
            [[6, 0, 7, 0, 7, 3, 6, 3], [7, 0, 8, 0, 8, 3, 7, 3]]]  # fmt: skip
VISIBLE_POLYGONS = [POLYGONS[0], [[4, 0, 5, 0, 5, 3, 4, 3]], [[5, 0, 6, 0, 6, 1, 5, 1]], POLYGONS[3]]
OF_2019 = file(
    *(
        {"segmentation": polygons, "bbox": [0, 0, 1, 1], "area": 1, "iscrowd": 0,
         "inmodal_seg": visible, "inmodal_bbox": [0, 0, 1, 1]}
        for polygons, visible in zip(POLYGONS, VISIBLE, strict=True)
    )
)  # fmt: skip
OF_2020 = file(
    *(
        {"a_segm": polygons, "a_bbox": [0, 0, 1, 1], "a_area": 1, "i_segm": visible, "i_bbox": [0, 0, 1, 1],
         "i_area": 1, "oco_id": cluster, "ico_id": order}
        for polygons, visible, cluster, order in zip(
            POLYGONS, VISIBLE_POLYGONS, [1, 1, 1, 2], [1, 2, 3, 0], strict=True)
    )
)  # fmt: skip


@pytest.mark.parametrize(("document", "orders"), [(OF_2019, None), (OF_2020, [1, 2, 3, 1])])
def test_read(document, orders):
    instances = kins.read(document, "kins.json")
    np.testing.assert_array_equal(decode_masks(instances.amodal), [CAR, TREE, SKY, HOUSE])
    np.testing.assert_array_equal(decode_masks(instances.visible), decode_masks(VISIBLE))
    assert instances.images == IMAGES and instances.image_ids == [7] * 4
    assert instances.categories == CATEGORIES and instances.category_ids == [4, 8, 4, 4]
    assert instances.occlusion_rates == RATES
    assert instances.orders == orders


def test_visible_pixels_outside_the_amodal_mask_do_not_count():
    document = change(OF_2019, ["annotations", 1, "inmodal_seg"], AMODAL[2])
    assert kins.read(document, "kins.json").occlusion_rates[1] == 4 / 6  # of the tree's pixels only the top two


def test_hidden_instance_and_one_without_pixels():
    document = change(change(OF_2020, ["annotations", 1, "i_segm"], []), ["annotations", 2, "a_segm"], [])
    instances = kins.read(document, "kins.json")
    assert instances.occlusion_rates == [0, 1, 0] and instances.orders == [1, 2, 1]
    assert instances.info["instances_without_pixels_left_out"] == 1


def test_write_has_the_names_of_both_releases():
    annotations = kins.write(kins.read(OF_2020, "kins.json"))["annotations"]
    assert [(entry["oco_id"], entry["ico_id"]) for entry in annotations] == [(1, 1), (1, 2), (1, 3), (2, 0)]
    assert {key for entry in OF_2019["annotations"] + OF_2020["annotations"] for key in entry} == set(annotations[0])
    tree = annotations[1]
    assert tree["bbox"] == tree["a_bbox"] == [3, 0, 2, 3] and tree["area"] == tree["a_area"] == 6
    assert tree["inmodal_bbox"] == tree["i_bbox"] == [4, 0, 1, 3] and tree["i_area"] == 3


@pytest.mark.parametrize("names", [("segmentation", "inmodal_seg"), ("a_segm", "i_segm")])
def test_write_then_read(names):
    instances = kins.read(OF_2020, "kins.json")
    document = kins.write(instances)
    for key in names:
        document = {**document, "annotations": [without(entry, [key]) for entry in document["annotations"]]}
    again = kins.read(document, "again.json")
    assert {**vars(again), "info": None} == {**vars(instances), "info": None}


def test_order_is_ranked_within_the_cluster():
    """Orders that count through the whole image become those of KINS; equal ones stay equal."""
    instances = kins.read(OF_2020, "kins.json")
    for orders, expected in (([5, 9, 7, 1], [1, 3, 2, 0]), ([2, 2, 8, 1], [1, 1, 2, 0])):
        moved = type(instances)(**{**vars(instances), "orders": orders})
        assert [entry["ico_id"] for entry in kins.write(moved)["annotations"]] == expected


def test_without_an_order():
    document = kins.write(kins.read(OF_2019, "kins.json"))
    assert not any("ico_id" in entry or "oco_id" in entry for entry in document["annotations"])


def test_no_annotation_at_all():
    for document in (file(), kins.write(kins.read(file(), "kins.json"))):
        assert kins.read(document, "kins.json").amodal == []


@pytest.mark.parametrize(
    ("document", "path", "value", "expected"),
    [
        (OF_2019, ["categories"], None, "categories: found None, expected a list"),
        (OF_2019, ["annotations", 2, "segmentation"], 5, "annotation 2 (id 12): segmentation: found 5, expected an"),
        (OF_2019, ["annotations", 2, "inmodal_seg"], {"size": [3, 8]}, "(id 12): inmodal_seg: found counts nothing"),
        (OF_2019, ["annotations", 2, "iscrowd"], 1, "(id 12): iscrowd: found 1, expected 0"),
        (OF_2020, ["annotations", 2, "a_segm"], [["x"] * 6], "annotation 2 (id 12): a_segm: found polygon ['x', 'x'"),
        (OF_2020, ["annotations", 2, "i_segm"], None, "annotation 2 (id 12): i_segm: found None, expected an RLE"),
        (OF_2020, ["annotations", 2, "ico_id"], -1, "annotation 2 (id 12): ico_id: found -1, expected an integer"),
        (OF_2020, ["annotations", 2, "category_id"], 5, "category_id: found 5, expected the id of one of the"),
        (OF_2020, ["annotations", 0], {"id": 1}, "annotation 0: found neither inmodal_seg (2019) nor i_segm (2020)"),
    ],
)  # fmt: skip
def test_faults(document, path, value, expected):
    with pytest.raises(InputError) as error:
        kins.read(change(document, path, value), "kins.json")
    assert str(error.value).startswith("kins.json: ") and expected in str(error.value)
    assert "\n" not in str(error.value)
