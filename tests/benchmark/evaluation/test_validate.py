"""Every fault a file can have: one line that names the file, the entry, what was found and what was expected."""

import copy
import gzip
import json
import math

import pytest

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.validate import read_annotations, read_predictions
from datasets.errors import InputError
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

SQUARE = box(0, 0, 4, 4)
TRUTH = dataset([5, 6], [annotation(5, SQUARE, 0.0, 1), annotation(5, SQUARE, 1.0, 2), annotation(6, SQUARE)])
FOUND = [detection(5, SQUARE, 0.5, order=1), detection(5, SQUARE, 1, order=2), detection(6, SQUARE, 0.0, order=1)]
TRUTH, FOUND = json.loads(json.dumps([TRUTH, FOUND]))  # no two entries share a part
GONE = object()


def change(data, path, value):
    """A copy of `data` with the item at `path` replaced, or removed."""
    data = copy.deepcopy(data)
    *parents, key = path
    target = data
    for parent in parents:
        target = target[parent]
    if value is GONE:
        del target[key]
    else:
        target[key] = value
    return data


def message(tmp_path, truth, found):
    """The error of evaluating two files, checked to be one line, without the folder's name."""
    for name, data in (("truth.json", truth), ("found.json", found)):
        (tmp_path / name).write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(InputError) as error:
        evaluate(tmp_path / "truth.json", tmp_path / "found.json")
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 250 + 3 * len(str(tmp_path))
    return text.replace(f"{tmp_path}/", "")


def test_good_files_pass(tmp_path):
    assert evaluate(TRUTH, FOUND)["AP"] is not None
    ground_truth = read_annotations(TRUTH)
    assert ground_truth.image_sizes == {5: [8, 8], 6: [8, 8]}
    assert ground_truth.annotation_ids.tolist() == [100, 101, 102]
    assert ground_truth.occlusion_rates.tolist() == [0, 1, 0]
    assert ground_truth.orders.tolist() == [1, 2, 1]
    predictions = read_predictions(FOUND, ground_truth)
    assert predictions.image_ids.tolist() == [5, 5, 6]
    assert predictions.scores.tolist() == [0.5, 1, 0]
    assert predictions.segmentations == [SQUARE] * 3


ID = "expected the id of one of the"
RLE = "expected an RLE of 64 pixels"


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ([0], 7, "found.json: detection 0: found 7, expected a dict"),
        ([1], [1], "found.json: detection 1: found a list, expected a dict"),
        ([1, "image_id"], 9, f"detection 1 (image_id 9): image_id: found 9, {ID} images of truth.json"),
        ([1, "image_id"], GONE, f"detection 1: image_id: found nothing, {ID} images of truth.json"),
        ([1, "image_id"], "5", f"detection 1 (image_id '5'): image_id: found '5', {ID} images of truth.json"),
        ([1, "image_id"], 5.0, f"detection 1 (image_id 5.0): image_id: found 5.0, {ID} images of truth.json"),
        ([1, "image_id"], 5.5, f"detection 1 (image_id 5.5): image_id: found 5.5, {ID} images of truth.json"),
        ([1, "image_id"], True, f"detection 1 (image_id True): image_id: found True, {ID} images of truth.json"),
        ([1, "image_id"], [5], f"detection 1 (image_id [5]): image_id: found [5], {ID} images of truth.json"),
        ([2, "category_id"], 4, f"detection 2 (image_id 6): category_id: found 4, {ID} categories of truth.json"),
        ([2, "category_id"], GONE, f"category_id: found nothing, {ID} categories of truth.json"),
        ([2, "category_id"], "circle", f"category_id: found 'circle', {ID} categories of truth.json"),
        ([2, "score"], GONE, "detection 2 (image_id 6): score: found nothing, expected a number in [0, 1]"),
        ([2, "score"], math.nan, "detection 2 (image_id 6): score: found nan, expected a number in [0, 1]"),
        ([2, "score"], math.inf, "score: found inf, expected a number in [0, 1]"),
        ([2, "score"], -math.inf, "score: found -inf, expected a number in [0, 1]"),
        ([2, "score"], 1.0001, "score: found 1.0001, expected a number in [0, 1]"),
        ([2, "score"], -1e-9, "score: found -1e-09, expected a number in [0, 1]"),
        ([2, "score"], "0.5", "score: found '0.5', expected a number in [0, 1]"),
        ([2, "score"], None, "score: found None, expected a number in [0, 1]"),
        ([2, "score"], True, "score: found True, expected a number in [0, 1]"),
        ([0, "order"], 0, "detection 0 (image_id 5): order: found 0, expected an integer of at least 1"),
        ([0, "order"], 1.5, "order: found 1.5, expected an integer of at least 1"),
        ([0, "order"], "front", "order: found 'front', expected an integer of at least 1"),
        ([1, "order"], GONE, "detection 1 (image_id 5): order: found nothing, expected an integer of at least 1"),
        ([1, "segmentation"], GONE, "detection 1 (image_id 5): segmentation: found nothing, expected an RLE: a dict"),
        (
            [1, "segmentation"],
            [[0, 0, 4, 0, 4, 4]],
            "segmentation: found [[0, 0, 4, 0, 4, 4]], expected an RLE: a dict",
        ),
        ([1, "segmentation", "size"], [64, 64], "segmentation: found size [64, 64], expected [8, 8]"),
        ([1, "segmentation", "size"], GONE, "segmentation: found size nothing, expected [8, 8]"),
        ([1, "segmentation", "size"], 8, "segmentation: found size 8, expected [8, 8]"),
        ([1, "segmentation", "counts"], GONE, "segmentation: found counts nothing, expected a compressed string or a"),
        ([1, "segmentation", "counts"], 64, "segmentation: found counts 64, expected a compressed string or a list"),
        ([1, "segmentation", "counts"], "04", f"segmentation: found an RLE of 4 pixels, {RLE}"),
        ([1, "segmentation", "counts"], "", f"segmentation: found an empty RLE, {RLE}"),
        ([1, "segmentation", "counts"], "0 4", f"segmentation: found a character outside RLE's alphabet, {RLE}"),
        ([1, "segmentation", "counts"], "0P", f"segmentation: found an RLE that ends within a number, {RLE}"),
        ([1, "segmentation", "counts"], [0, 4], "found counts [0, 4], expected run lengths of 64 pixels in all"),
        ([1, "segmentation", "counts"], [-1, 65], "found counts [-1, 65], expected run lengths of 64 pixels in all"),
        ([1, "segmentation", "counts"], [0.5, 63.5], "counts [0.5, 63.5], expected run lengths of 64 pixels in all"),
    ],
)
def test_bad_prediction(tmp_path, path, value, expected):
    text = message(tmp_path, TRUTH, change(FOUND, path, value))
    assert text.startswith("found.json: ")
    assert expected in text


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["images"], GONE, "truth.json: images: found nothing, expected a list"),
        (["images"], {}, "truth.json: images: found {}, expected a list"),
        (["images"], [], "truth.json: images: found an empty list, expected at least one image"),
        (["annotations"], GONE, "truth.json: annotations: found nothing, expected a list"),
        (["categories"], GONE, "truth.json: categories: found nothing, expected a list"),
        (["images", 1, "id"], GONE, "truth.json: image 1: id: found nothing, expected an integer"),
        (["images", 1, "id"], "6", "truth.json: image 1 (id '6'): id: found '6', expected an integer"),
        (["images", 1, "id"], 10**30, "(id 1000000000000000000000000000000): id: found"),
        (["images", 1, "id"], 5, "truth.json: image 1 (id 5): id: found 5, expected one that no earlier entry has"),
        (["images", 1, "height"], GONE, "image 1 (id 6): height: found nothing, expected a positive integer"),
        (["images", 1, "width"], 0, "image 1 (id 6): width: found 0, expected a positive integer"),
        (["images", 0, "width"], 16, "annotation 0 (id 100): segmentation: found size [8, 8], expected [8, 16]"),
        (["categories", 2, "id"], 1, "category 2 (id 1): id: found 1, expected one that no earlier entry has"),
        (["annotations", 1], None, "truth.json: annotation 1: found None, expected a dict"),
        (["annotations", 1, "id"], 1.5, "annotation 1 (id 1.5): id: found 1.5, expected an integer"),
        (["annotations", 1, "id"], 100, "annotation 1 (id 100): id: found 100, expected one that no earlier entry has"),
        (["annotations", 1, "image_id"], 7, f"annotation 1 (id 101): image_id: found 7, {ID} images"),
        (["annotations", 1, "category_id"], 0, f"annotation 1 (id 101): category_id: found 0, {ID} categories"),
        (["annotations", 1, "iscrowd"], 1, "annotation 1 (id 101): iscrowd: found 1, expected 0"),
        (["annotations", 1, "occlude_rate"], GONE, "annotation 1 (id 101): occlude_rate: found nothing, expected a"),
        (["annotations", 1, "occlude_rate"], math.nan, "occlude_rate: found nan, expected a number in [0, 1]"),
        (["annotations", 1, "occlude_rate"], 1.1, "occlude_rate: found 1.1, expected a number in [0, 1]"),
        (["annotations", 1, "occlude_rate"], "0", "occlude_rate: found '0', expected a number in [0, 1]"),
        (["annotations", 1, "order"], -1, "annotation 1 (id 101): order: found -1, expected an integer of at least 1"),
        (["annotations", 1, "order"], GONE, "annotation 1 (id 101): order: found nothing, expected an integer of at"),
        (["annotations", 1, "segmentation"], GONE, "annotation 1 (id 101): segmentation: found nothing, expected an"),
        (["annotations", 1, "segmentation", "size"], [8, 4], "annotation 1 (id 101): segmentation: found size [8, 4]"),
        (["annotations", 1, "segmentation", "counts"], "04", "annotation 1 (id 101): segmentation: found an RLE of 4"),
    ],
)
def test_bad_annotation(tmp_path, path, value, expected):
    text = message(tmp_path, change(TRUTH, path, value), FOUND)
    assert text.startswith("truth.json: ")
    assert expected in text


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        (TRUTH, {"annotations": []}, "found.json: found a dict, expected a list of detections"),
        (TRUTH, "3", "found.json: found 3, expected a list of detections"),
        (FOUND, FOUND, "truth.json: found a list, expected a dict with images, annotations and categories"),
        (
            TRUTH,
            '[\n{"image_id": 5,, }]',
            "found.json: line 2 column 16: found malformed JSON (Expecting property name",
        ),
        (TRUTH, "", "found.json: line 1 column 1: found malformed JSON (Expecting value), expected predictions"),
        ('{"images": [', FOUND, "truth.json: line 1 column 13: found malformed JSON (Expecting value), expected annot"),
        (TRUTH, "[" * 100_000, "found.json: found an unreadable file (maximum recursion depth exceeded"),
        (TRUTH, f'[{{"image_id": {"1" * 5000}}}]', "found.json: found an unreadable file (Exceeds the limit"),
    ],
)
def test_bad_file(tmp_path, truth, found, expected):
    assert message(tmp_path, truth, found).startswith(expected)


def test_missing_unreadable_and_damaged_files(tmp_path):
    missing = tmp_path / "missing.json"
    with pytest.raises(InputError, match=r"missing\.json: found no such file, expected a \.json or \.json\.gz file of"):
        evaluate(missing, FOUND)
    with pytest.raises(InputError, match="found an unreadable file .* expected JSON with annotations"):
        evaluate(tmp_path, FOUND)  # a folder
    whole = gzip.compress(json.dumps(FOUND).encode())
    for name, content in (("cut.json.gz", whole[:-20]), ("damaged.json.gz", whole[:40] + b"\x00" * 40 + whole[80:])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=f"{name}: found an unreadable file"):
            evaluate(TRUTH, tmp_path / name)
    (tmp_path / "latin.json").write_bytes(b'["\xe9\xff"]')
    with pytest.raises(InputError, match=r"latin\.json: found an unreadable file"):
        evaluate(TRUTH, tmp_path / "latin.json")


def test_predicted_order_needs_one_in_the_annotations():
    truth = copy.deepcopy(TRUTH)
    for entry in truth["annotations"]:
        del entry["order"]
    assert "order_accuracy" not in evaluate(truth, [detection(5, SQUARE)])
    with pytest.raises(InputError, match="^annotations: .*order, which predictions predicts"):
        evaluate(truth, FOUND)


def test_data_in_memory_is_called_by_its_role():
    with pytest.raises(InputError, match=r"^predictions: detection 0 \(image_id 5\): score: found nothing"):
        evaluate(TRUTH, change(FOUND, [0, "score"], GONE))
    with pytest.raises(InputError, match=r"^annotations: annotation 0 \(id 100\): occlude_rate: found nothing"):
        evaluate(change(TRUTH, ["annotations", 0, "occlude_rate"], GONE), FOUND)


def test_rates_that_masks_deny_are_counted_unless_they_are_the_grids():
    half = annotation(5, box(0, 0, 4, 4), occlude_rate=0.5) | {"visible_mask": box(0, 0, 4, 2)}
    denied = annotation(5, box(0, 0, 4, 4), occlude_rate=0.1) | {"visible_mask": box(0, 0, 4, 2)}
    truth = dataset([5], [half, denied, annotation(5, box(0, 0, 4, 4), occlude_rate=0.3)])
    read = read_annotations(truth)
    assert read.notes == ["1 stated occlusion rates that their masks deny kept"]
    assert read.occlusion_rates.tolist() == [0.5, 0.1, 0.3]
    assert not read_annotations({**truth, "info": {"content_hash": "of an export"}}).notes
    with pytest.raises(InputError, match=r"^annotations: annotation 1 \(id 101\): visible_mask: found None"):
        read_annotations(change(truth, ["annotations", 1, "visible_mask"], None))
