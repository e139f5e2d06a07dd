"""What a run keeps for the report to paint."""

import numpy as np
import pytest

from benchmark.adapter import Picture
from benchmark.runs.folder import PICTURES
from benchmark.runs.pictures import read_pictures, write_pictures
from datasets.errors import InputError

COLORS = np.full((64, 64, 4), 200, np.uint8)
INSTANCES = np.arange(64 * 64).reshape(64, 64)  # numbers beyond a byte
KEPT = [Picture("Foreground", "Embedding", "colors", COLORS), Picture("Occlusion", "Found", "instances", INSTANCES)]


def test_pictures_come_back(tmp_path):
    assert read_pictures(tmp_path) is None
    write_pictures(tmp_path, 7, KEPT)
    image_id, pictures = read_pictures(tmp_path)
    assert image_id == 7
    for picture, kept in zip(pictures, KEPT, strict=True):
        assert (picture.row, picture.caption, picture.kind) == (kept.row, kept.caption, kept.kind)
        assert (picture.values == kept.values).all()


def test_same_pictures_same_bytes(tmp_path):
    for name in "ab":
        write_pictures(tmp_path / name, 7, KEPT)
    assert (tmp_path / "a" / PICTURES).read_bytes() == (tmp_path / "b" / PICTURES).read_bytes()


def test_damaged_files_are_named(tmp_path):
    write_pictures(tmp_path, 7, KEPT)
    content = (tmp_path / PICTURES).read_bytes()
    for damaged in (b"", b"text", content[:-30], content[:60] + b"\0\0\0\0" + content[64:]):
        (tmp_path / PICTURES).write_bytes(damaged)
        with pytest.raises(InputError, match=r"pictures.npz: no pictures that a run kept"):
            read_pictures(tmp_path)
    write_pictures(tmp_path, 7, [Picture("", "", "colors", INSTANCES)])
    with pytest.raises(InputError, match="expected a 64x64 picture"):
        read_pictures(tmp_path)
