"""One forward pass of Detectron2's Mask R-CNN for all variants of non-maximum suppression."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from baselines.detectron2_mask_rcnn.library import Boxes, GeneralizedRCNN, Instances
from baselines.nms_sweep import PROTOCOLS, VARIANTS, Candidates, DetectionProtocol, detections_of_variants
from benchmark.adapter import Detections


@torch.inference_mode()
def detect(model: GeneralizedRCNN, inputs: Sequence[dict], variants: Sequence[str]) -> list[dict[str, Detections]]:
    """Detections of every variant for each image: what separate inferences, one per variant, would give.

    inputs: as from `targets.model_input`. The backbone runs once, RPN and box head once per protocol.
    """
    images = model.preprocess_image(inputs)
    features = model.backbone(images.tensor)
    outputs: list[dict[str, Detections]] = [{} for _ in inputs]
    for protocol_name, protocol in PROTOCOLS.items():
        wanted = [name for name in variants if VARIANTS[name].protocol == protocol_name]
        if not wanted:
            continue
        with _nothing_suppressed(model, protocol):
            proposals, _ = model.proposal_generator(images, features, None)
            candidates, _ = model.roi_heads(images, features, proposals, None)

        def mask_head(boxes: list[Tensor], classes: list[Tensor]) -> list[Tensor]:
            instances = [
                Instances(size, pred_boxes=Boxes(image_boxes), pred_classes=image_classes)
                for size, image_boxes, image_classes in zip(images.image_sizes, boxes, classes, strict=True)
            ]
            masked = model.roi_heads.forward_with_given_boxes(features, instances)
            return [image_instances.pred_masks[:, 0] for image_instances in masked]

        detected = detections_of_variants(
            [Candidates(found.pred_boxes.tensor, found.scores, found.pred_classes) for found in candidates],
            wanted,
            mask_head,
        )
        for image_outputs, image_detected in zip(outputs, detected, strict=True):
            image_outputs |= image_detected
    return outputs


@contextmanager
def _nothing_suppressed(model: GeneralizedRCNN, protocol: DetectionProtocol) -> Iterator[None]:
    """Inside, the ROI heads return every (ROI, class) pair above the score floor, best first, without masks."""
    predictors = model.roi_heads.box_predictor
    predictors = list(predictors) if isinstance(predictors, nn.ModuleList) else [predictors]
    settings = [(model.proposal_generator, {"nms_thresh": protocol.rpn_nms_threshold})]
    settings += [(model.roi_heads, {"mask_on": False})]
    settings += [
        (
            predictor,
            {"test_score_thresh": protocol.score_floor, "test_nms_thresh": 1.0, "test_topk_per_image": -1},
        )
        for predictor in predictors
    ]
    before = [{name: getattr(module, name) for name in values} for module, values in settings]
    for module, values in settings:
        module.__dict__.update(values)
    try:
        yield
    finally:
        for (module, _), values in zip(settings, before, strict=True):
            module.__dict__.update(values)
