"""Colours of categories differ, whoever looks at them."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from benchmark.report.pictures.colors import PALETTE, category_colors, to_rgb
from datasets.scene import CATEGORIES

SIGHTS = {
    "normal": np.eye(3),
    "red-blind": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "green-blind": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}
"""What linear RGB looks like (Machado, Oliveira and Fernandes, 2009, Table 1, severity 1)."""

NOTICED = 10
"""A distance in CIELAB that one sees at a glance."""


@pytest.mark.parametrize("sight", SIGHTS)
def test_seven_categories_are_told_apart(sight):
    colors = to_rgb(list(category_colors("abcdefg").values())) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SIGHTS[sight]), 0, 1).astype(np.float32)
    lab = cv2.cvtColor(seen[None], cv2.COLOR_LRGB2Lab)[0]
    assert len(lab) == 7 and min(np.linalg.norm(a - b) for a, b in combinations(lab, 2)) > NOTICED


def test_any_number_differs_and_a_place_keeps_its_colour():
    names = [f"category {number}" for number in range(96)]
    colors = category_colors(names)
    assert len(set(colors.values())) == 96 and list(colors.values())[: len(PALETTE)] == list(PALETTE)
    assert list(category_colors(names[:20]).items()) == list(colors.items())[:20]
    assert len(category_colors([*names, "one more"])) == 97


def test_shapes_have_the_colours_of_the_published_pictures():
    assert category_colors(CATEGORIES) == {"circle": "#0072B2", "triangle": "#E69F00", "rectangle": "#CC79A7"}
