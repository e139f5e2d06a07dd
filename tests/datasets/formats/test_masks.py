import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from datasets.coco import decode_masks, encode_masks
from datasets.errors import InputError
from datasets.formats.masks import invisible_masks, occlusion_rates, outline, read_masks
from datasets.table import Table
from tests.datasets.formats.drawings import mask


def rasterized(polygons, size):
    table = Table({"annotations": [{"segmentation": polygons}]}, "annotations", "file.json", "annotation")
    return decode_masks(read_masks(table, "segmentation", [size]))[0]


def filled(drawing):
    """The drawing with its holes filled: background that no path of background pixels leads to from outside."""
    outside = np.zeros(np.add(drawing.shape, 2), bool)
    free = ~np.pad(drawing, 1)
    outside[0] = True
    while True:
        wider = outside.copy()
        wider[1:] |= outside[:-1]
        wider[:-1] |= outside[1:]
        wider[:, 1:] |= outside[:, :-1]
        wider[:, :-1] |= outside[:, 1:]
        wider &= free
        if (wider == outside).all():
            return ~outside[1:-1, 1:-1]
        outside = wider


def test_polygon_of_a_rectangle():
    flat = [1, 0, 4, 0, 4, 2, 1, 2]
    for polygons in (flat, [flat], [flat, [0, 0, 1, 1]]):  # a polygon of two corners encloses nothing
        np.testing.assert_array_equal(rasterized(polygons, [3, 5]), mask(".###.", ".###.", "....."))


def test_polygons_are_united_and_clipped():
    left, right = [-3, 0, 1, 0, 1, 1, -3, 1], [3, 1, 9, 1, 9, 9, 3, 9]
    np.testing.assert_array_equal(rasterized([left, right], [3, 5]), mask("#....", "...##", "...##"))


def test_no_polygon_is_an_empty_mask():
    assert not rasterized([], [3, 5]).any()
    assert not rasterized([[1, 1, 2, 2]], [3, 5]).any()


@pytest.mark.parametrize("value", [[1, 2, 3], [1, "2", 3, 4, 5, 6], [[1, 2, 3, 4, 5, float("nan")]], [[1e9, 0] * 3]])
def test_no_polygon_at_all(value):
    with pytest.raises(InputError, match=r"^file.json: annotation 0: segmentation: found polygon .*, expected an even"):
        rasterized(value, [3, 5])


@pytest.mark.parametrize(
    "drawing",
    [
        mask("#"),
        mask("#..", "...", "..#"),
        mask("##..", "#...", "#.##", "####"),
        mask(".#.", "###", ".#."),
        mask("#.#", ".#.", "#.#"),
    ],
)
def test_outline_gives_the_mask_back(drawing):
    np.testing.assert_array_equal(rasterized(outline(encode_masks(drawing[None])[0]), drawing.shape), drawing)


def test_outline_fills_holes():
    ring = mask("###", "#.#", "###")
    assert rasterized(outline(encode_masks(ring[None])[0]), [3, 3]).all()


def test_outline_of_nothing():
    assert outline(encode_masks(np.zeros((1, 3, 3), bool))[0]) == []


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outline_of_anything_is_the_mask_without_holes(drawing):
    found = rasterized(outline(encode_masks(drawing[None])[0]), list(drawing.shape))
    np.testing.assert_array_equal(found, filled(drawing))


def test_occlusion():
    amodal = encode_masks(np.stack([mask("####."), mask("####."), mask("####."), mask(".....")]))
    visible = encode_masks(np.stack([mask("####."), mask("..###"), mask("....."), mask(".....")]))
    assert occlusion_rates(amodal, visible) == [0, 0.5, 1, 0]
    invisible = np.stack([mask("....."), mask("##..."), mask("####."), mask(".....")])
    np.testing.assert_array_equal(decode_masks(invisible_masks(amodal, visible)), invisible)
    assert occlusion_rates([], []) == invisible_masks([], []) == []
