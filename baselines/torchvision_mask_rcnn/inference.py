"""One forward pass of torchvision's Mask R-CNN for all variants of non-maximum suppression."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import maskrcnn_inference

from baselines.nms_sweep import Candidates, DetectionProtocol, sweep
from benchmark.adapter import Detections


@torch.inference_mode()
def detect(model: MaskRCNN, images: Sequence[Tensor], variants: Sequence[str]) -> list[dict[str, Detections]]:
    """Detections of every variant for each image. images: (3, 256, 256) float in [0, 1]."""
    device = next(model.parameters()).device
    batch, _ = model.transform([image.to(device) for image in images])
    features = model.backbone(batch.tensors)

    def detect_boxes(protocol: DetectionProtocol) -> list[Candidates]:
        with _nothing_suppressed(model, protocol):
            proposals, _ = model.rpn(batch, features)
            found, _ = model.roi_heads(features, proposals, batch.image_sizes)
        return [Candidates(image["boxes"], image["scores"], image["labels"] - 1) for image in found]

    def mask_head(boxes: list[Tensor], classes: list[Tensor]) -> list[Tensor]:
        heads = model.roi_heads
        logits = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, boxes, batch.image_sizes)))
        masks = maskrcnn_inference(logits, [image_classes + 1 for image_classes in classes])
        return [image_masks[:, 0] for image_masks in masks]

    return sweep(variants, detect_boxes, mask_head)


@torch.inference_mode()
def propose(model: MaskRCNN, images: Sequence[Tensor], protocol: DetectionProtocol) -> list[Tensor]:
    """The RPN's boxes (P, 4) for each image, best first, within `protocol`. images: as for `detect`."""
    batch, _ = model.transform([image.to(next(model.parameters()).device) for image in images])
    with _nothing_suppressed(model, protocol):
        return model.rpn(batch, model.backbone(batch.tensors))[0]


@contextmanager
def _nothing_suppressed(model: MaskRCNN, protocol: DetectionProtocol) -> Iterator[None]:
    """Inside, the ROI heads return every (ROI, class) pair above the score floor, best first, without masks."""
    heads = model.roi_heads
    before = model.rpn.nms_thresh, heads.score_thresh, heads.nms_thresh, heads.detections_per_img, heads.mask_roi_pool
    model.rpn.nms_thresh = protocol.rpn_nms_threshold
    heads.score_thresh, heads.nms_thresh, heads.detections_per_img = protocol.score_floor, 1.0, None
    heads.mask_roi_pool = None  # without it there are no masks
    try:
        yield
    finally:
        model.rpn.nms_thresh, heads.score_thresh, heads.nms_thresh, heads.detections_per_img, heads.mask_roi_pool = (
            before
        )
