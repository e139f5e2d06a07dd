"""What a sweep of thresholds costs, without trained weights.

How many boxes a threshold keeps decides about the cost, and random weights keep any number. So the heads run as always,
and then boxes take the place of theirs of which each threshold keeps about as many as a released run does.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from baselines.detectron2_mask_rcnn.inference import find_candidates, find_masks
from baselines.detectron2_mask_rcnn.model import build_model
from baselines.detectron2_mask_rcnn.presets import PRESETS
from baselines.detectron2_mask_rcnn.targets import model_input
from baselines.nms_sweep import PREDICTED, THRESHOLDS, Candidates, DetectionProtocol, sweep

PRESET = "cpu"
INSTANCES, COPIES = 16, 20

KEPT = {"nms-0.1": 12, "nms-0.5": 16, "nms-0.7": 19, "nms-0.9": 52}
"""Detections an image of detectron2-mask-rcnn-cpu-n6-short on the 1,000 evaluation images, rounded."""

SINGLE = ["nms-0.5"]
SWEEP = [name for name in PREDICTED if name.startswith("nms-")]
ALL_THRESHOLDS = [f"nms-{threshold}" for threshold in THRESHOLDS]


def prepare(images: Sequence[np.ndarray]) -> Callable[[Sequence[str]], object]:
    """A function that predicts the variants it is given for `images`, each (256, 256) uint8, in one pass."""
    torch.manual_seed(0)
    model = build_model(PRESETS[PRESET], 3).eval()
    inputs = [model_input(np.repeat(image[..., None], 3, axis=2)) for image in images]
    boxes = [boxes_like_a_trained_models(seed) for seed in range(len(images))]

    @torch.inference_mode()
    def predict(variants: Sequence[str]) -> object:
        batch = model.preprocess_image(inputs)
        features = model.backbone(batch.tensor)

        def detect_boxes(protocol: DetectionProtocol) -> list[Candidates]:
            find_candidates(model, batch, features, protocol)
            return boxes

        return sweep(variants, detect_boxes, lambda *found: find_masks(model, batch, features, *found))

    return predict


def boxes_like_a_trained_models(seed: int) -> Candidates:
    """Boxes around some shapes, most of them close."""
    random = np.random.default_rng(seed)
    corners, sides = random.uniform(0, 170, (INSTANCES, 1, 2)), random.uniform(40, 80, (INSTANCES, 1, 2))
    spread = random.choice([0.013, 0.065], (INSTANCES, COPIES, 1), p=[0.88, 0.12])
    moves = random.normal(0, spread, (INSTANCES, COPIES, 4)) * np.tile(sides, 2)
    classes, scores = np.repeat(random.integers(0, 3, INSTANCES), COPIES), 1 - 0.25 * random.random(INSTANCES * COPIES)
    order = np.argsort(-scores)
    boxes = (np.concatenate([corners, corners + sides], axis=2) + moves).reshape(-1, 4)[order].clip(0, 256)
    return Candidates(
        torch.from_numpy(boxes).float(), torch.from_numpy(scores[order]).float(), torch.from_numpy(classes[order])
    )
