import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as mask_utils
from pycocotools.coco import COCO

from datasets.coco import decode_masks, encode_masks
from datasets.errors import InputError
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.metadata import METADATA
from datasets.render import render_layers, render_masks
from datasets.scene import GRID, SceneParameters, sample_scene

PARAMETERS = SceneParameters((2, 3, 4))
RECTANGLES = SceneParameters.uniform(30, ["rectangle"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "dataset"
    export_dataset(PARAMETERS, 5, 9, path)
    return path


def digest(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != METADATA]
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return hashlib.sha256(b"".join(name.encode() + (folder / name).read_bytes() for name in names)).hexdigest()


def test_bytes_are_the_released_ones(folder):
    """Pins the files: they have to come out the same on every machine, Python and OpenCV of the supported range."""
    assert digest(folder) == "75190512caa9a36d60737804ffaa18b65dc6339ed696c345766d97b17879a907"


def test_number_of_workers_does_not_matter(folder, tmp_path):
    export_dataset(PARAMETERS, 5, 9, tmp_path / "one", workers=1)
    assert digest(tmp_path / "one") == digest(folder)


def test_opencv_threads_of_the_parent_do_not_stop_the_workers(tmp_path):
    """OpenCV is used, its threads fall asleep, then processes are forked."""
    script = f"""
import time
from pathlib import Path
import cv2, numpy as np
from datasets.export import export_dataset
from datasets.scene import SceneParameters
cv2.connectedComponents(np.ones((64, 64), np.uint8))
time.sleep(1)
export_dataset(SceneParameters((1, 1, 1)), 4, 1, Path({str(tmp_path / "set")!r}), workers=2)
"""
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True, timeout=60)


def test_content_hash_tells_contents_apart(tmp_path):
    hashes = {
        export_dataset(parameters, images, seed, tmp_path / str(i), workers=1)["content_hash"]
        for i, (parameters, images, seed) in enumerate(
            [(PARAMETERS, 2, 9), (PARAMETERS, 3, 9), (PARAMETERS, 2, 8), (RECTANGLES, 2, 9)]
        )
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(("name", "size"), [("annotations.json", 256), ("annotations_64.json", 64)])
def test_pycocotools_reads_it(folder, name, size, capsys):
    coco = COCO(str(folder / name))
    assert len(coco.imgs) == 5 and [c["name"] for c in coco.loadCats(coco.getCatIds())] == [
        "circle",
        "triangle",
        "rectangle",
    ]
    for annotation in coco.anns.values():
        amodal = coco.annToMask(annotation)
        visible, invisible = (mask_utils.decode(annotation[key]) for key in ("visible_mask", "invisible_mask"))
        assert amodal.shape == (size, size)
        assert annotation["area"] == amodal.sum() > 0 and annotation["iscrowd"] == 0
        assert np.array_equal(visible + invisible, amodal)
        ys, xs = np.nonzero(amodal)
        assert annotation["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
        if size == 64:
            assert annotation["occlude_rate"] == pytest.approx(1 - visible.sum() / amodal.sum(), abs=1e-12)


def test_detectron2_reads_it(folder):
    from detectron2.data.datasets import load_coco_json

    for name, size in (("annotations.json", 256), ("annotations_64.json", 64)):
        records = load_coco_json(str(folder / name), str(folder / "images"), extra_annotation_keys=["occlude_rate"])
        assert len(records) == 5 and records[0]["height"] == size
        assert cv2.imread(records[0]["file_name"]).shape == (256, 256, 3)
        assert {"segmentation", "bbox", "category_id", "occlude_rate"} <= set(records[0]["annotations"][0])


def test_both_files_hold_the_same_instances(folder):
    full, grid = (json.loads((folder / f"annotations{suffix}.json").read_text()) for suffix in ("", "_64"))
    assert full["info"] == grid["info"]
    for a, b in zip(full["annotations"], grid["annotations"], strict=True):
        same = ("id", "image_id", "category_id", "order", "occlude_rate")
        assert [a[key] for key in same] == [b[key] for key in same]
        assert np.array_equal(mask_utils.decode(a["segmentation"])[GRID, GRID], mask_utils.decode(b["segmentation"]))
    assert len({annotation["id"] for annotation in full["annotations"]}) == len(full["annotations"])


def test_reading_gives_the_scene_back(folder):
    dataset = ExportedDataset(folder)
    assert dataset.image_ids == [1, 2, 3, 4, 5]
    for image_id in dataset.image_ids:
        scene = sample_scene(PARAMETERS, 9, image_id - 1)
        sample = render_masks(scene)
        assert np.array_equal(dataset.image(image_id), np.repeat(sample.image[..., None], 3, axis=2))
        assert np.array_equal(dataset.masks(image_id), sample.masks[:, GRID, GRID])
        assert [a["order"] for a in dataset.annotations(image_id)] == list(range(1, len(sample.masks) + 1))
        assert np.array_equal(dataset.layers(image_id, 3), render_layers(scene, 3).layers)


def test_layers_without_a_generator_are_stacked_from_annotations(folder, tmp_path):
    document = json.loads((folder / "annotations_64.json").read_text())
    del document["info"]["parameters"]
    (tmp_path / "annotations_64.json").write_text(json.dumps(document))
    (tmp_path / "images").symlink_to(folder / "images")
    foreign, own = ExportedDataset(tmp_path), ExportedDataset(folder)
    assert np.array_equal(foreign.layers(1, 1), own.layers(1, 1))


def test_the_same_export_twice_is_left_alone(folder):
    before = (folder / "annotations.json").stat().st_mtime_ns
    export_dataset(PARAMETERS, 5, 9, folder)
    assert (folder / "annotations.json").stat().st_mtime_ns == before


def test_another_dataset_is_not_overwritten_unless_asked(tmp_path):
    export_dataset(PARAMETERS, 1, 9, tmp_path / "out", workers=1)
    with pytest.raises(InputError, match="--overwrite"):
        export_dataset(PARAMETERS, 2, 9, tmp_path / "out", workers=1)
    assert len(ExportedDataset(tmp_path / "out")) == 1
    export_dataset(PARAMETERS, 2, 9, tmp_path / "out", overwrite=True, workers=1)
    assert len(ExportedDataset(tmp_path / "out")) == 2


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    def full_disk(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("pathlib.Path.write_bytes", full_disk)
    with pytest.raises(InputError, match="out: found no space to write it, .* MiB are free"):
        export_dataset(PARAMETERS, 2, 9, tmp_path / "out", workers=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("images", "seed"), [(0, 1), (-3, 1), (2, -1)])
def test_impossible_numbers(images, seed, tmp_path):
    with pytest.raises(InputError, match="expected"):
        export_dataset(PARAMETERS, images, seed, tmp_path / "out")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"info": {}}'])
def test_reading_something_else(tmp_path, text):
    if text is not None:
        (tmp_path / "annotations_64.json").write_text(text)
    with pytest.raises(InputError, match="annotations_64.json"):
        ExportedDataset(tmp_path)


def test_rle_round_trip():
    masks = np.random.default_rng(0).random((3, 64, 64)) < 0.5
    assert np.array_equal(decode_masks(encode_masks(masks)), masks)
    assert encode_masks(masks[:0]) == []
