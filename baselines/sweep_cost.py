"""What a sweep of thresholds costs, without trained weights: the sweep, and one inference of Detectron2 itself.

How many boxes a threshold keeps decides about the cost, and random weights keep any number. So the heads run as always,
and then boxes take the place of theirs of which each threshold keeps about as many as a released run does. Both sides
end with one RLE a detection on the evaluation grid.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torchvision.ops import batched_nms

from baselines.detectron2_mask_rcnn.inference import find_candidates, find_masks
from baselines.detectron2_mask_rcnn.library import Boxes, Instances, build_model
from baselines.detectron2_mask_rcnn.model import build_model as build_own_model
from baselines.detectron2_mask_rcnn.model import load_config
from baselines.detectron2_mask_rcnn.presets import PRESETS
from baselines.detectron2_mask_rcnn.targets import model_input
from baselines.nms_sweep import PREDICTED, PROTOCOLS, THRESHOLDS, Candidates, DetectionProtocol, sweep
from datasets.coco import encode_masks
from datasets.scene import GRID

PRESET, CATEGORIES, SINGLE_THRESHOLD = "cpu", 3, 0.5

SWEEPS: dict[str, tuple[str, list[str]]] = {
    f"{thresholds} of {protocol}": (protocol, [f"{prefix}{t}" for t in THRESHOLDS[:thresholds]])
    for protocol, prefix in (("paper", "nms-"), ("coco", "coco-nms-"))
    for thresholds in (10, 11)
} | {"default": ("paper", list(PREDICTED))}
"""(protocol of the one inference to compare with, variants) of each sweep that is measured. Ten thresholds are t = 0 to
0.9, eleven have t = 1 besides; the default are all variants of both protocols that a run predicts."""

SINGLE = "one inference"

KEPT = {"nms-0.1": 12, "nms-0.5": 16, "nms-0.7": 19, "nms-0.9": 52, "coco-nms-0.6": 32, "coco-nms-0.7": 46}
"""Detections an image of detectron2-mask-rcnn-cpu-n6-short on the 1,000 evaluation images, rounded."""

INSTANCES = 16
# of each protocol: copies of each box, how far near and far ones lie off in sides, share of far ones, lowest score
_COPIES = {"paper": (20, 0.013, 0.065, 0.11, 0.75), "coco": (30, 0.02, 0.14, 0.1, 0.1)}


def prepare_sweep(images: Sequence[np.ndarray]) -> Callable[[Sequence[str]], object]:
    """A function that predicts the variants it is given for `images`, each (256, 256) uint8, in one pass."""
    torch.manual_seed(0)
    model = build_own_model(PRESETS[PRESET], CATEGORIES).eval()
    inputs = _inputs(images)
    boxes = {
        protocol.text: [boxes_like_a_trained_models(seed, name) for seed in range(len(images))]
        for name, protocol in PROTOCOLS.items()
    }

    @torch.inference_mode()
    def predict(variants: Sequence[str]) -> object:
        batch = model.preprocess_image(inputs)
        features = model.backbone(batch.tensor)

        def detect_boxes(protocol: DetectionProtocol) -> list[Candidates]:
            find_candidates(model, batch, features, protocol)
            return boxes[protocol.text]

        found = sweep(variants, detect_boxes, lambda *kept: find_masks(model, batch, features, *kept))
        return [{name: encode_masks(detections.masks) for name, detections in image.items()} for image in found]

    return predict


def median_times(
    images: Sequence[np.ndarray], protocol: str, sweeps: Sequence[str], rounds: int
) -> tuple[float, dict[str, float]]:
    """Seconds of the processor for Detectron2's one inference within `protocol`, and for each of `sweeps`.

    All take turns in every round, and the median over the rounds counts: what else the machine does slows all alike.
    """
    single, predict = prepare_detectron2(images, protocol), prepare_sweep(images)
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in (SINGLE, *sweeps):
            started = time.process_time()
            if name == SINGLE:
                single()
            else:
                predict(SWEEPS[name][1])
            seconds.setdefault(name, []).append(time.process_time() - started)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    return medians.pop(SINGLE), medians


def prepare_detectron2(images: Sequence[np.ndarray], protocol_name: str) -> Callable[[], object]:
    """A function that runs Detectron2's own inference on `images` at t = 0.5, as it is without this benchmark:
    Detectron2's model and pooling, masks pasted at 256x256 by its own code, sampled to 64x64."""
    protocol = PROTOCOLS[protocol_name]
    config = load_config(PRESETS[PRESET], CATEGORIES)
    config.MODEL.RPN.NMS_THRESH = protocol.rpn_nms_threshold
    config.MODEL.ROI_HEADS.SCORE_THRESH_TEST = protocol.score_floor
    config.MODEL.ROI_HEADS.NMS_THRESH_TEST = SINGLE_THRESHOLD
    config.TEST.DETECTIONS_PER_IMAGE = protocol.detections_per_image
    torch.manual_seed(0)
    model = build_model(config).eval()
    inputs = _inputs(images)
    boxes = [boxes_like_a_trained_models(seed, protocol_name) for seed in range(len(images))]
    own_boxes = model.roi_heads.box_predictor.inference

    def find_boxes(predictions: Any, proposals: Any) -> tuple[list[Instances], list[torch.Tensor]]:
        own_boxes(predictions, proposals)
        kept = [batched_nms(c.boxes, c.scores, c.classes, SINGLE_THRESHOLD) for c in boxes]
        return [
            Instances(
                (256, 256), pred_boxes=Boxes(c.boxes[index]), scores=c.scores[index], pred_classes=c.classes[index]
            )
            for c, index in zip(boxes, kept, strict=True)
        ], kept

    model.roi_heads.box_predictor.inference = find_boxes

    @torch.inference_mode()
    def predict() -> object:
        return [encode_masks(image["instances"].pred_masks[:, GRID, GRID].numpy()) for image in model.inference(inputs)]

    return predict


def boxes_like_a_trained_models(seed: int, protocol: str = "paper") -> Candidates:
    """Boxes around some shapes, most of them close, of which thresholds keep as many as `KEPT` says."""
    copies, near, far, share_far, lowest = _COPIES[protocol]
    random = np.random.default_rng(seed)
    corners, sides = random.uniform(0, 170, (INSTANCES, 1, 2)), random.uniform(40, 80, (INSTANCES, 1, 2))
    spread = random.choice([near, far], (INSTANCES, copies, 1), p=[1 - share_far, share_far])
    moves = random.normal(0, spread, (INSTANCES, copies, 4)) * np.tile(sides, 2)
    classes = np.repeat(random.integers(0, 3, INSTANCES), copies)
    scores = 1 - (1 - lowest) * random.random(INSTANCES * copies)
    order = np.argsort(-scores)
    boxes = (np.concatenate([corners, corners + sides], axis=2) + moves).reshape(-1, 4)[order].clip(0, 256)
    return Candidates(
        torch.from_numpy(boxes).float(), torch.from_numpy(scores[order]).float(), torch.from_numpy(classes[order])
    )


def _inputs(images: Sequence[np.ndarray]) -> list[dict]:
    return [model_input(np.repeat(image[..., None], 3, axis=2)) for image in images]
