"""A small scene drawn by hand, and helpers for the tests of annotation formats."""

import copy

import numpy as np

from datasets.coco import encode_masks


def mask(*rows):
    """Rows of text as a mask, # for its pixels."""
    return np.array([[character == "#" for character in row] for row in rows])


CAR = mask("####....", "####....", "####....")  # in front
TREE = mask("...##...", "...##...", "...##...", "...##...")[:3]  # its left column is behind the car
SKY = mask("######..", "........", "........")  # behind both, and stuff
HOUSE = mask("......##", "......##", "......##")  # beside them, in front of nothing

AMODAL = encode_masks(np.stack([CAR, TREE, SKY, HOUSE]))
VISIBLE = encode_masks(np.stack([CAR, TREE & ~CAR, SKY & ~TREE & ~CAR, HOUSE]))
IMAGES = [{"id": 7, "file_name": "7.png", "width": 8, "height": 3}, {"id": 3, "width": 8, "height": 3}]
RATES = [0.0, 0.5, 5 / 6, 0.0]


def change(data, path, value):
    """A copy of `data` with the item at `path` replaced."""
    data = copy.deepcopy(data)
    *parents, key = path
    target = data
    for parent in parents:
        target = target[parent]
    target[key] = value
    return data


def without(data, path):
    """A copy of `data` with the item at `path` removed."""
    *parents, key = path
    data = copy.deepcopy(data)
    target = data
    for parent in parents:
        target = target[parent]
    del target[key]
    return data
