"""The vectorised check of RLE strings, against pycocotools' own coder."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from datasets.rle import find_fault, mask_areas


def compress(runs, height, width):
    """Compressed RLE of any run lengths, whatever their sum."""
    return coco_mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)["counts"].decode()


def test_run_lengths_up_to_several_characters_are_read():
    areas = [4096, 4096, 4096, 65536, 10**8]
    runs = [[4096], [0, 4096], [1, 2, 3, 4, 4086], [30000, 1, 30000, 5535], [10**8 - 7, 3, 1, 3]]
    counts = [compress(lengths, 1, area) for lengths, area in zip(runs, areas, strict=True)]
    assert find_fault(counts, areas) is None
    assert find_fault([], []) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 70000), min_size=1, max_size=9), min_size=1, max_size=6), st.data())
def test_any_sum_but_the_area_is_found(runs, data):
    counts = [compress(lengths, 1, sum(lengths)) for lengths in runs]
    areas = [sum(lengths) for lengths in runs]
    assert find_fault(counts, areas) is None
    index = data.draw(st.integers(0, len(runs) - 1))
    areas[index] += data.draw(st.sampled_from([-1, 1, 64]))
    assert find_fault(counts, areas) == (index, f"an RLE of {sum(runs[index])} pixels")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_masks_pass(seed, height, width):
    random = np.random.default_rng(seed)
    masks = random.random((height, width, 5)) < random.random(5)
    counts = [rle["counts"].decode() for rle in coco_mask.encode(np.asfortranarray(masks, dtype=np.uint8))]
    assert find_fault(counts, [height * width] * 5) is None


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        ("", "an empty RLE"),
        ("0P", "an RLE that ends within a number"),
        ("01 2", "a character outside RLE's alphabet"),
        ("\x00", "a character outside RLE's alphabet"),
        ("0\u00e9", "a character outside RLE's alphabet"),
        ("0\udc80", "a character outside RLE's alphabet"),
        ("PPPPPPP1", "an RLE with a number beyond any image"),
        ("O5", "an RLE with a negative run length"),  # -1, 5
        ("112N", "an RLE with a negative run length"),  # 1, 1, 2, 1 - 2
        ("13", "an RLE of 4 pixels"),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 3])
def test_fault_is_named_with_its_place(bad, found, position):
    good = compress([10, 2, 4], 4, 4)
    counts = [good] * 3
    counts.insert(position, bad)
    assert find_fault(counts, [16] * 4) == (position, found)


def test_areas_of_more_masks_than_pycocotools_counts():
    rles = [{"size": [1, 300], "counts": compress([300 - length, length], 1, 300)} for length in range(301)]
    assert mask_areas(rles).tolist() == list(range(301))
    assert mask_areas([]).tolist() == []
