"""Flat files in the forms that the public loaders read, of one image drawn by hand."""

import json

import numpy as np
import pytest

from benchmark.cli import main
from datasets.coco import decode_masks, encode_masks
from datasets.errors import InputError
from datasets.formats import coco
from datasets.formats.masks import outline
from tests.datasets.formats.drawings import AMODAL, CAR, HOUSE, IMAGES, RATES, SKY, TREE, VISIBLE, change

HIDDEN = encode_masks(np.stack([CAR & ~CAR, TREE & CAR, SKY & (TREE | CAR), HOUSE & ~HOUSE]))
CATEGORIES = [{"id": 26, "name": "thing"}, {"id": 90, "name": "stuff"}]
POLYGONS = [outline(mask) for mask in AMODAL]


def run_lengths(rle):
    """The uncompressed form of a mask: runs of background and foreground, column by column."""
    pixels = decode_masks([rle])[0].T.ravel()
    ends = np.flatnonzero(np.diff(pixels.astype(int)) != 0) + 1
    runs = np.diff([0, *ends, len(pixels)]).tolist()
    return {"size": rle["size"], "counts": [0, *runs] if pixels[0] else runs}


def document(*columns):
    """A flat file of one annotation for each of the hand-drawn masks."""
    entries = [
        {"id": 10 + i, "image_id": 7, "category_id": 26, "iscrowd": 0}
        | {key: value for column in columns for key, value in column[i].items()}
        for i in range(4)
    ]
    return {"images": IMAGES, "categories": CATEGORIES, "annotations": entries}


def column(key, values):
    return [{} if value is None else {key: value} for value in values]


def only_hidden(values):
    return [value if rate else None for value, rate in zip(values, RATES, strict=True)]


FORMS = {
    "COCOA-cls": (column("segmentation", POLYGONS), column("visible_mask", only_hidden(VISIBLE)),
                  column("invisible_mask", only_hidden(HIDDEN)), column("occlude_rate", RATES)),
    "D2SA": (column("segmentation", AMODAL), column("visible_mask", VISIBLE), column("invisible_mask", HIDDEN)),
    "UOAIS": (column("segmentation", AMODAL), column("visible_mask", VISIBLE), column("occluded_mask", HIDDEN),
              column("occluded_rate", RATES)),
    "occluded parts alone": (column("segmentation", POLYGONS), column("occluded_mask", only_hidden(HIDDEN))),
    "AIStron": (column("amodal_segm", POLYGONS), column("visible_segm", [outline(mask) for mask in VISIBLE]),
                column("segmentation", [outline(mask) for mask in VISIBLE])),
    "KINS 2019": (column("segmentation", POLYGONS), column("inmodal_seg", VISIBLE)),
    "KINS 2020": (column("a_segm", POLYGONS), column("i_segm", [outline(mask) for mask in VISIBLE])),
    "run lengths": (column("segmentation", [run_lengths(mask) for mask in AMODAL]),
                    column("visible_mask", [run_lengths(mask) for mask in VISIBLE])),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_forms(form):
    instances = coco.read(document(*FORMS[form]), "file.json")
    np.testing.assert_array_equal(decode_masks(instances.amodal), decode_masks(AMODAL))
    np.testing.assert_array_equal(decode_masks(instances.visible), decode_masks(VISIBLE))
    assert instances.occlusion_rates == RATES and instances.category_ids == [26] * 4
    assert instances.orders == [1, 2, 3, 1]  # told by what is visible where another is hidden
    assert instances.notes == [] and instances.categories == CATEGORIES


def test_plain_coco_with_a_crowd_says_what_it_lacks():
    crowd = {"id": 1, "image_id": 3, "category_id": 90, "iscrowd": 1, "segmentation": run_lengths(AMODAL[0])}
    plain = document(column("segmentation", POLYGONS))
    instances = coco.read({**plain, "annotations": [crowd, *plain["annotations"]]}, "file.json")
    assert instances.visible == instances.amodal and instances.orders is None
    assert instances.notes == [
        "1 crowd regions left out",
        "4 instances without a word on what is hidden taken as not occluded",
    ]


def test_order_of_the_file_counts_before_what_masks_tell():
    entries = (*FORMS["D2SA"], column("order", [4, 3, 2, 1]))
    assert coco.read(document(*entries), "file.json").orders == [4, 3, 2, 1]


def test_contradictions_are_counted():
    wide = encode_masks(np.stack([TREE | HOUSE]))[0]  # reaches out of the tree
    rates = column("occlude_rate", [0.0, 0.1, 0.9, 0.0])
    hidden = column("invisible_mask", [HIDDEN[0], HIDDEN[1], AMODAL[0], HIDDEN[3]])
    form = document(
        column("segmentation", AMODAL), column("visible_mask", [VISIBLE[0], wide, *VISIBLE[2:]]), rates, hidden
    )
    instances = coco.read(form, "file.json")
    assert instances.occlusion_rates == [0, 0, 5 / 6, 0]
    assert instances.notes == [
        "1 parts of masks outside their amodal mask cut off",
        "2 stated occlusion rates that their masks deny replaced",
        "1 hidden masks that contradict their visible mask ignored",
    ]


def test_masks_in_front_of_each_other_tell_no_order():
    """A pixel of each is visible where the other is hidden, equally often."""
    one, two = np.zeros((2, 3, 8), bool)
    one[:2], two[1:] = True, True
    left = np.arange(8) < 4
    visible = encode_masks(np.stack([one & ~(two & left), two & ~(one & ~left)]))
    form = document(
        column("segmentation", [*encode_masks(np.stack([one, two]))] * 2), column("visible_mask", visible * 2)
    )
    form["annotations"] = form["annotations"][:2]
    assert coco.read(form, "file.json").orders is None


PLACE = "file.json: annotation 1 (id 11): "


@pytest.mark.parametrize(
    ("form", "path", "value", "expected"),
    [
        ("D2SA", ["segmentation"], None, "segmentation: found None, expected a mask there or as amodal_segm, "),
        (
            "D2SA",
            ["visible_mask"],
            AMODAL[3],
            "visible mask: found no pixel of it there, expected one inside the amodal",
        ),
        ("COCOA-cls", ["segmentation"], [[1, 2, 3]], "segmentation: found polygon [1, 2, 3], expected an even number"),
        ("UOAIS", ["occluded_rate"], 1.5, "occluded_rate: found 1.5, expected a number in [0, 1]"),
        ("UOAIS", ["visible_mask", "size"], [8, 3], "visible_mask: found size [8, 3], expected [3, 8]"),
        ("AIStron", ["image_id"], 8, "image_id: found 8, expected the id of one of the images"),
        ("AIStron", ["category_id"], 1, "category_id: found 1, expected the id of one of the categories"),
    ],
)
def test_faults(form, path, value, expected):
    with pytest.raises(InputError) as error:
        coco.read(change(document(*FORMS[form]), ["annotations", 1, *path], value), "file.json")
    assert str(error.value).startswith(PLACE + expected) and "\n" not in str(error.value)


def test_rate_without_a_mask_that_explains_it_is_refused():
    form = document(column("segmentation", POLYGONS), column("occlude_rate", RATES))
    with pytest.raises(InputError, match="occlude_rate: found 0.5, expected a visible or an invisible mask beside it"):
        coco.read(form, "file.json")


def test_evaluate_takes_such_files_as_they_are(tmp_path, capsys):
    polygons = document(*FORMS["COCOA-cls"])
    polygons["annotations"][3]["iscrowd"] = 1
    found = [
        {"image_id": 7, "category_id": 26, "segmentation": mask, "score": 0.5, "visible_mask": seen}
        for mask, seen in zip(AMODAL[:3], VISIBLE[:3], strict=True)
    ]
    (tmp_path / "truth.json").write_text(json.dumps(polygons))
    (tmp_path / "found.json").write_text(json.dumps(found))
    for masks in ("amodal", "visible"):
        arguments = ["--annotations", str(tmp_path / "truth.json"), "--predictions", str(tmp_path / "found.json")]
        assert main(["evaluate", *arguments, "--masks", masks]) == 0
        captured = capsys.readouterr()
        assert "AP              1.0000" in captured.out and "1 crowd regions left out" in captured.err
