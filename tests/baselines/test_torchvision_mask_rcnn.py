"""torchvision's Mask R-CNN: the same sweep gives its own boxes and scores, and it learns from the same targets."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.ops import MultiScaleRoIAlign

from baselines.box_targets import render_boxes
from baselines.nms_sweep import PROTOCOLS, THRESHOLDS, VARIANTS, paste_on_grid
from baselines.torchvision_mask_rcnn.adapter import collate, model_input, training_step
from baselines.torchvision_mask_rcnn.inference import detect
from baselines.torchvision_mask_rcnn.model import PyramidROIAlign, build_model
from baselines.torchvision_mask_rcnn.presets import PRESETS
from benchmark.engine.precision import has_bfloat16
from benchmark.models.hints import check_preset
from datasets.errors import InputError
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED

SMOKE = PRESETS["smoke"]


def samples(count):
    scenes = SceneParameters((2, 2, 2))
    return [render_boxes(sample_scene(scenes, TUNING_SEED, index)) for index in range(count)]


@pytest.fixture(scope="module")
def model():
    """Heads so steep that random weights see many shapes of every class."""
    torch.manual_seed(1)
    model = build_model(SMOKE, 3)
    nn.init.normal_(model.roi_heads.box_predictor.cls_score.weight, std=1.0)
    nn.init.constant_(model.roi_heads.box_predictor.cls_score.bias[:1], -1.0)
    nn.init.normal_(model.roi_heads.box_predictor.bbox_pred.weight, std=0.05)
    nn.init.normal_(model.roi_heads.mask_predictor.mask_fcn_logits.weight, std=1.0)
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return [model_input(np.repeat(sample.image[..., None], 3, axis=2)) for sample in samples(2)]


@pytest.mark.parametrize(("prefix", "count", "thresholds"), [("", 2, THRESHOLDS[::2]), ("coco-", 1, THRESHOLDS[::5])])
def test_sweep_equals_an_inference_for_each_threshold(model, images, prefix, count, thresholds):
    images = images[:count]
    names = [f"{prefix}nms-{threshold}" for threshold in thresholds]
    swept = detect(model, images, names)
    heads, counts = model.roi_heads, set()
    for name in names:
        protocol = PROTOCOLS[VARIANTS[name].protocol]
        model.rpn.nms_thresh, heads.score_thresh = protocol.rpn_nms_threshold, protocol.score_floor
        heads.nms_thresh, heads.detections_per_img = VARIANTS[name].threshold, protocol.detections_per_image
        with torch.inference_mode():
            batch, _ = model.transform(images)
            features = model.backbone(batch.tensors)
            proposals, _ = model.rpn(batch, features)
            expected, _ = heads(features, proposals, batch.image_sizes)  # masks not yet pasted
        for image, alone in zip(swept, expected, strict=True):
            detections = image[name]
            np.testing.assert_array_equal(detections.scores, alone["scores"].numpy().astype(np.float64))
            np.testing.assert_array_equal(detections.categories, alone["labels"].numpy())
            pasted = paste_on_grid(alone["masks"][:, 0], alone["boxes"])
            np.testing.assert_array_equal(detections.masks, pasted.numpy())
            counts.add(len(detections.scores))
    assert len(counts) >= len(thresholds) - 1 and max(counts) >= 100  # the thresholds made a difference


def test_pyramid_roi_align_equals_torchvision():
    torch.manual_seed(0)
    maps = {str(level): torch.randn(2, 8, 64 // 2**level, 64 // 2**level) for level in range(4)}
    corners = torch.rand(2, 30, 2) * 150
    boxes = list(torch.cat([corners, corners + 4 + torch.rand(2, 30, 2) ** 3 * 400], dim=2).clamp(max=256))
    sizes = [(256, 256)] * 2
    expected = MultiScaleRoIAlign(list(maps), 7, 2)(maps, boxes, sizes)
    torch.testing.assert_close(PyramidROIAlign(list(maps), 7, 2)(maps, boxes, sizes), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize(
    "precision",
    [
        torch.float32,
        pytest.param(torch.bfloat16, marks=pytest.mark.skipif(not has_bfloat16("cpu"), reason="emulated bfloat16")),
    ],
)
def test_training_step_reaches_every_parameter(precision):
    torch.manual_seed(0)
    model = build_model(SMOKE, 3)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        losses = training_step(model, collate(samples(2)))
    assert losses["loss"].dtype == torch.float32
    torch.testing.assert_close(losses["loss"], sum(value for name, value in losses.items() if name != "loss"))
    losses["loss"].backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


def test_images_are_not_resized(model, images):
    batch, _ = model.transform(images)
    assert batch.tensors.shape == (2, 3, 256, 256)


def test_presets_share_the_training_of_detectron2s():
    from baselines.detectron2_mask_rcnn.presets import PRESETS as detectron2

    assert PRESETS.keys() == detectron2.keys()
    for name in ("paper", "fast", "cpu"):
        assert PRESETS[name].training == detectron2[name].training
        assert PRESETS[name].rois_per_image == detectron2[name].rois_per_image


def test_unknown_backbone_is_named():
    with pytest.raises(InputError, match="resnet9"):
        check_preset(replace(SMOKE, backbone="resnet9"), "preset")
