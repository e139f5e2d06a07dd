"""Suppression on boxes and masks a person can draw, and against literal readings of the algorithms."""

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from baselines.nms_sweep import (
    MASK_NMS_PREFILTER,
    SOFT_NMS_SIGMA,
    VARIANTS,
    Candidates,
    mask_nms,
    paste_on_grid,
    soft_nms,
    sweep,
)
from datasets.scene import GRID

# Two circles side by side (IoU 1/3), one of them found twice (IoU 0.82), and a triangle in the same place.
BOXES = torch.tensor([[0.0, 0, 80, 80], [40, 0, 120, 80], [0, 0, 80, 97.5], [0, 0, 80, 80]])
SCORES = torch.tensor([0.95, 0.9, 0.85, 0.8])
CLASSES = torch.tensor([0, 0, 0, 1])
TWO_CIRCLES = Candidates(BOXES, SCORES, CLASSES)


def full_masks(boxes, classes):
    """A mask head that finds every box filled."""
    return [torch.ones(len(image_boxes), 28, 28) for image_boxes in boxes]


def kept_scores(variant, candidates=TWO_CIRCLES):
    (image,) = sweep([variant], lambda _protocol: [candidates], full_masks)
    return image[variant].scores.round(6).tolist()


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.0, [0.95, 0.8]),
        (0.3, [0.95, 0.8]),
        (0.4, [0.95, 0.9, 0.8]),
        (0.8, [0.95, 0.9, 0.8]),
        (0.9, [0.95, 0.9, 0.85, 0.8]),
        (1.0, [0.95, 0.9, 0.85, 0.8]),
    ],
)
def test_threshold_decides_which_boxes_of_a_class_survive(threshold, expected):
    assert kept_scores(f"nms-{threshold}") == pytest.approx(expected)


def test_masks_are_predicted_once_for_the_union():
    asked = []

    def counting(boxes, classes):
        asked.append([image_classes.tolist() for image_classes in classes])
        return full_masks(boxes, classes)

    nothing = Candidates(BOXES[:0], SCORES[:0], CLASSES[:0])
    outputs = sweep(["nms-0.0", "nms-0.5"], lambda _protocol: [TWO_CIRCLES, nothing], counting)
    assert asked == [[[0, 0, 1], []]]
    assert [len(outputs[0][name].scores) for name in ("nms-0.0", "nms-0.5")] == [2, 3]
    assert outputs[0]["nms-0.0"].categories.tolist() == [1, 2]
    assert outputs[1]["nms-0.0"].masks.shape == (0, 64, 64)


def test_at_most_100_detections_in_the_papers_protocol():
    many = Candidates(BOXES[:1].expand(150, 4), torch.linspace(0.99, 0.71, 150), torch.zeros(150, dtype=torch.long))
    assert len(kept_scores("nms-1.0", many)) == 100
    assert len(kept_scores("coco-nms-1.0", many)) == 150


def test_boxes_without_an_area_are_no_detections():
    flat = Candidates(torch.tensor([[5.0, 5, 5, 9]]), torch.tensor([0.9]), torch.tensor([0]))
    assert kept_scores("nms-0.5", flat) == []


def test_soft_nms_equals_the_literal_algorithm():
    torch.manual_seed(3)
    corners = torch.rand(40, 2) * 100
    boxes = torch.cat([corners, corners + 20 + torch.rand(40, 2) * 80], dim=1)
    scores, classes = torch.rand(40).sort(descending=True).values, torch.randint(3, (40,))
    chosen, lowered = soft_nms(boxes, scores, classes, limit=30)

    remaining, expected = {i: float(scores[i]) for i in range(40)}, []
    for _ in range(30):
        best = max(remaining, key=remaining.get)
        expected.append((best, remaining.pop(best)))
        for other in remaining:
            if classes[other] == classes[best]:
                iou = float(box_iou(boxes[best][None], boxes[other][None]))
                remaining[other] *= np.exp(-(iou**2) / SOFT_NMS_SIGMA)
    assert chosen.tolist() == [index for index, _ in expected]
    np.testing.assert_allclose(lowered.numpy(), [score for _, score in expected], rtol=1e-5)


def test_mask_nms_keeps_crossing_bars_with_the_same_box():
    masks = torch.zeros(4, 8, 8, dtype=torch.bool)
    masks[0] = torch.eye(8, dtype=torch.bool)
    masks[1] = masks[0].flip(1)  # the other diagonal
    masks[2] = masks[0]  # the first one again
    masks[3] = masks[0]  # of another class
    classes = torch.tensor([2, 2, 2, 1])
    assert mask_nms(masks, classes, 0.5).tolist() == [0, 1, 3]
    assert mask_nms(masks, classes, 1.0).tolist() == [0, 1, 2, 3]


def test_mask_nms_runs_on_boxes_that_differ():
    assert MASK_NMS_PREFILTER == 0.9
    assert kept_scores("mask-nms-0.5") == pytest.approx([0.95, 0.9, 0.8])


def test_pasting_equals_detectron2_at_the_pixels_of_the_grid():
    from baselines.detectron2_mask_rcnn.library import paste_masks_in_image

    torch.manual_seed(0)
    corners = torch.rand(50, 2) * 220
    boxes = torch.cat([corners, (corners + 1 + torch.rand(50, 2) * 150).clamp(max=256)], dim=1)
    probabilities = torch.rand(50, 28, 28)
    expected = paste_masks_in_image(probabilities, boxes, (256, 256))[..., GRID, GRID]
    assert torch.equal(paste_on_grid(probabilities, boxes), expected)
    assert expected.any() and not expected.all()


def test_headline_variant_comes_first():
    assert next(iter(VARIANTS)) == "nms-0.5"
    assert {f"nms-{step / 10}" for step in range(11)} <= set(VARIANTS)
