"""Data sets of annotated images: what is read, what models see, what is refused, and the training stream from them."""

import json
import shutil
from itertools import islice

import cv2
import numpy as np
import pytest
from PIL import Image

from datasets.annotated import AnnotatedDataset, open_dataset
from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.formats.convert import convert
from datasets.made import CATEGORIES, SIZES, make_dataset, make_image
from datasets.photographs import AnnotatedImages
from datasets.pictures import Pictures
from datasets.render import render_layers, render_masks
from datasets.scene import SceneParameters
from datasets.source import read_source
from datasets.stream import training_stream


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "objects"
    make_dataset(2, 3, path)
    return path


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_the_made_data_set(folder, tmp_path):
    dataset = open_dataset(folder)
    assert [category["name"] for category in dataset.categories] == list(CATEGORIES) and len(dataset) == 2
    for image_id, (height, width) in zip(dataset.image_ids, SIZES, strict=False):
        image, annotations = make_image(3, image_id - 1)
        assert np.array_equal(dataset.own_image(image_id), image) and image.shape == (height, width, 3)
        found = dataset.annotations(image_id)
        assert [entry["order"] for entry in found] == list(range(1, len(annotations) + 1))
        assert [entry["category_id"] for entry in found] == [entry["category_id"] for entry in annotations]
        stated = [entry["occlude_rate"] for entry in annotations]
        assert [entry["occlude_rate"] for entry in found] == pytest.approx(stated, abs=0.05)
    info = make_dataset(2, 3, folder)  # is there already
    with pytest.raises(InputError, match="already holds other files"):
        make_dataset(3, 3, folder)
    assert make_dataset(2, 3, folder, overwrite=True) == info
    export_dataset(SceneParameters((1, 0, 0)), 1, 0, tmp_path / "scenes", workers=1)
    assert isinstance(open_dataset(tmp_path / "scenes"), ExportedDataset)


def test_what_models_see(folder):
    dataset = AnnotatedDataset(folder / "annotations.json")
    image, masks, layers = dataset.image(1), dataset.masks(1), dataset.layers(1, 2)
    assert image.shape == (256, 256, 3) and masks.shape[1:] == (64, 64) and layers.shape == (2, 64, 64)
    assert not masks[:, 20:].any()  # a 1242x375 image fills less than a third of the square
    assert (masks[layers[0].max() - 1] & (layers[0] == layers[0].max())).any()
    assert ((layers[1] > 0) <= (layers[0] > 0)).all()


def test_stream_is_the_same_for_any_number_of_workers_and_resumes(folder):
    source = AnnotatedImages.of(AnnotatedDataset(folder))

    def take(count, **options):
        return [batch["image"].numpy() for batch in islice(training_stream(source, 5, sample_of, 2, **options), count)]

    whole = take(3)
    assert all(np.array_equal(*pair) for pair in zip(whole, take(3, workers=2), strict=True))
    assert np.array_equal(take(1, start=4)[0], whole[2])
    parts = [take(1, rank=rank, world_size=2)[0] for rank in (0, 1)]
    assert np.array_equal(np.stack(parts), np.stack(whole[:2]))
    assert not np.array_equal(whole[0], whole[1])
    assert read_source(json.loads(json.dumps(source.describe()))) == source


def sample_of(drawn):
    sample = render_masks(drawn)
    layered = render_layers(drawn, 2)
    seen = np.unique(sample.instance_map)
    assert (sample.masks.any(axis=(1, 2))).all() and set(seen) - {0} == set(range(1, len(sample.masks) + 1))
    assert len(sample.categories) == len(sample.masks) and layered.layers.max() == len(layered.categories)
    return {"image": sample.image}


def save(image, path, **options):
    Image.fromarray(image).save(path, **options)


def spoil_missing(path, image):
    path.unlink()


def spoil_damaged(path, image):
    path.write_bytes(path.read_bytes()[:3] + b"no image")


def spoil_size(path, image):
    save(image[:-5], path)


def spoil_rotated(path, image):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(image, path, exif=exif)


def spoil_deep(path, image):
    save(image[..., 0].astype(np.uint16) * 256, path)


def spoil_alpha(path, image):
    save(np.dstack([image, image[..., 0]]), path)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_missing, "found no such file, expected an image"),
        (spoil_damaged, "found an unreadable file (cannot identify image file"),
        (spoil_size, "found 1242x370 pixels, expected 1242x375 as its annotations say"),
        (spoil_rotated, "found an EXIF entry that rotates or mirrors the image, expected one that is stored upright"),
        (spoil_deep, "found more than 8 bits a channel (I;16), expected 8"),
        (spoil_alpha, "found an alpha channel (RGBA), expected RGB or grey"),
    ],
)
def test_bad_images(copy, spoil, expected):
    path = copy / "images" / "000001.png"
    spoil(path, cv2.imread(str(path)))
    with pytest.raises(InputError) as error:
        open_dataset(copy)
    assert str(error.value).startswith(f"{path} (annotations.json, image id 1): {expected}")
    assert "\n" not in str(error.value)


def test_grey_images_are_read_with_three_equal_channels(copy):
    path = copy / "images" / "000001.png"
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    save(grey, path)
    assert (open_dataset(copy).own_image(1) == grey[..., None]).all()


def test_image_that_breaks_off_is_told_in_one_line_from_a_worker(copy):
    source = AnnotatedImages.of(AnnotatedDataset(copy))
    for path in (copy / "images").glob("*.png"):
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError) as error:
        next(training_stream(source, 5, sample_of, 2, workers=1))
    assert "found an unreadable file" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"file_name": "../secret.png"},
            "image 0 (id 1): file_name: found '../secret.png', expected the relative path",
        ),
        ({"width": 0}, "image 0 (id 1): width: found 0, expected a positive integer"),
    ],
)
def test_bad_entries(copy, change, expected):
    document = json.loads((copy / "annotations.json").read_text())
    document["images"][0] |= change
    (copy / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="annotations.json: ") as error:
        open_dataset(copy)
    assert expected in str(error.value)


def test_two_categories_of_one_name_are_refused(copy):
    document = json.loads((copy / "annotations.json").read_text())
    document["categories"][1]["name"] = "ball"
    (copy / "annotations.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="categories: found 5, 4 of them with different names, expected 1 to 254"):
        AnnotatedImages.of(open_dataset(copy))


def test_pictures_of_ones_own(tmp_path):
    image = np.full((30, 50, 3), 9, np.uint8)
    (tmp_path / "folder").mkdir()
    spoil_rotated(tmp_path / "folder" / "phone.png", image)
    save(np.dstack([image, np.zeros((30, 50), np.uint8)]), tmp_path / "clear.png")
    (tmp_path / "folder" / "notes.txt").write_text("no image")
    pictures = Pictures([tmp_path / "clear.png", tmp_path / "folder"], ["ball"])
    assert [file.name for file in pictures.files] == ["clear.png", "phone.png"]
    assert (pictures.own_image(1) == 255).all() and pictures.own_image(2).shape == (50, 30, 3)
    assert pictures.image(2).shape == (256, 256, 3) and pictures.frame(2).restore(np.ones((1, 64, 64), bool)).all()
    spoil_deep(tmp_path / "deep.png", image)
    for path, expected in (
        (tmp_path / "deep.png", "more than 8 bits"),
        (tmp_path / "folder" / "notes.txt", "unreadable file"),
        (tmp_path / "none.png", "no such file"),
    ):
        with pytest.raises(InputError, match=expected):
            Pictures([path], ["ball"])


def test_annotations_on_the_grid_are_what_models_see(folder, tmp_path):
    """`convert --grid` writes the masks that `AnnotatedDataset.masks` gives, without those that nobody sees there."""
    dataset = AnnotatedDataset(folder)
    convert("coco", "benchmark", folder / "annotations.json", tmp_path / "grid.json", grid=True)
    entries = json.loads((tmp_path / "grid.json").read_text())["annotations"]
    for image_id in dataset.image_ids:
        own = sorted((entry for entry in entries if entry["image_id"] == image_id), key=lambda entry: entry["order"])
        places = [entry["order"] - 1 for entry in own]  # an order of the made data set counts front to back
        found = decode_masks([entry["segmentation"] for entry in own])
        assert len(own) and np.array_equal(found, dataset.masks(image_id)[places])
        visible = decode_masks([entry["visible_mask"] for entry in own])
        assert visible.any(axis=(1, 2)).all() and (visible <= found).all()
        hidden = 1 - visible.sum(axis=(1, 2)) / found.sum(axis=(1, 2))
        assert [entry["occlude_rate"] for entry in own] == pytest.approx(hidden.tolist())
