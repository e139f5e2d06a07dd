"""One forward pass of Detectron2's Mask R-CNN for all variants of non-maximum suppression."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from baselines.detectron2_mask_rcnn.library import Boxes, GeneralizedRCNN, ImageList, Instances
from baselines.nms_sweep import Candidates, DetectionProtocol, sweep
from benchmark.adapter import Detections


@torch.inference_mode()
def detect(model: GeneralizedRCNN, inputs: Sequence[dict], variants: Sequence[str]) -> list[dict[str, Detections]]:
    """Detections of every variant for each image: what separate inferences, one per variant, would give.

    inputs: as from `targets.model_input`. The backbone runs once, RPN and box head once per protocol.
    """
    images = model.preprocess_image(inputs)
    features = model.backbone(images.tensor)
    return sweep(
        variants,
        lambda protocol: find_candidates(model, images, features, protocol),
        lambda boxes, classes: find_masks(model, images, features, boxes, classes),
    )


def find_candidates(
    model: GeneralizedRCNN, images: ImageList, features: dict[str, Tensor], protocol: DetectionProtocol
) -> list[Candidates]:
    """The candidates of each image under a protocol's score floor and RPN. features: of the backbone, by level."""
    with _nothing_suppressed(model, protocol):
        proposals, _ = model.proposal_generator(images, features, None)
        found, _ = model.roi_heads(images, features, proposals, None)
    return [Candidates(image.pred_boxes.tensor, image.scores, image.pred_classes) for image in found]


def find_masks(
    model: GeneralizedRCNN,
    images: ImageList,
    features: dict[str, Tensor],
    boxes: Sequence[Tensor],
    classes: Sequence[Tensor],
) -> list[Tensor]:
    """The mask head, see `MaskHead`. Image by image: a CPU is slow at tensors that its caches do not hold."""
    masks = []
    for place, size in enumerate(images.image_sizes):
        instances = Instances(size, pred_boxes=Boxes(boxes[place]), pred_classes=classes[place])
        of_image = {name: level[place : place + 1] for name, level in features.items()}
        (found,) = model.roi_heads.forward_with_given_boxes(of_image, [instances])
        masks.append(found.pred_masks[:, 0])
    return masks


@torch.inference_mode()
def propose(model: GeneralizedRCNN, inputs: Sequence[dict], protocol: DetectionProtocol) -> list[Tensor]:
    """The RPN's boxes (P, 4) for each image, best first, within `protocol`. inputs: as for `detect`."""
    images = model.preprocess_image(inputs)
    with _nothing_suppressed(model, protocol):
        proposals, _ = model.proposal_generator(images, model.backbone(images.tensor), None)
    return [image.proposal_boxes.tensor for image in proposals]


@contextmanager
def _nothing_suppressed(model: GeneralizedRCNN, protocol: DetectionProtocol) -> Iterator[None]:
    """Inside, the ROI heads return every (ROI, class) pair above the score floor, best first, without masks."""
    predictors = model.roi_heads.box_predictor
    predictors = list(predictors) if isinstance(predictors, nn.ModuleList) else [predictors]
    all_pairs = {"test_score_thresh": protocol.score_floor, "test_nms_thresh": 1.0, "test_topk_per_image": -1}
    settings: list[tuple[nn.Module, dict[str, Any]]] = [
        (model.proposal_generator, {"nms_thresh": protocol.rpn_nms_threshold}),
        (model.roi_heads, {"mask_on": False}),
        *((predictor, all_pairs) for predictor in predictors),
    ]
    before = [{name: getattr(module, name) for name in values} for module, values in settings]
    for module, values in settings:
        module.__dict__.update(values)
    try:
        yield
    finally:
        for (module, _), values in zip(settings, before, strict=True):
            module.__dict__.update(values)
