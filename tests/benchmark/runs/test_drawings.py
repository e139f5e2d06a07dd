"""Labels of detections painted over pictures."""

import numpy as np

from benchmark.runs.drawings import overlay


def label_pixels(places, labels):
    """Pixels that `labels` change in a grey picture of 60x90 with a small mask at each of `places` (row, column)."""
    image, masks = np.full((60, 90, 3), 128, np.uint8), np.zeros((len(places), 60, 90), bool)
    for mask, (row, column) in zip(masks, places, strict=True):
        mask[row, column] = True
    without = overlay(image, masks, [""] * len(places))
    return int((overlay(image, masks, labels) != without).any(axis=2).sum())


def test_labels_are_whole_at_every_edge_and_beside_each_other():
    whole = label_pixels([(30, 45)], ["ball 0.9"])
    assert whole > 100
    for corner in ((0, 0), (0, 89), (59, 0), (59, 89)):
        # where a label covers its mask's outline, fewer pixels change
        assert abs(label_pixels([corner], ["ball 0.9"]) - whole) <= 25
    assert label_pixels([(30, 45), (31, 45)], ["ball 0.9", "ball 0.9"]) > 1.8 * whole


def test_a_label_without_room_is_left_out():
    many = label_pixels([(30, 45)] * 40, ["ball 0.9"] * 40)
    assert many <= 60 * 90 and many <= 6 * label_pixels([(30, 45)], ["ball 0.9"])
