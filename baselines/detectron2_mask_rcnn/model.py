"""Detectron2's Mask R-CNN from a config, with anchors that fit the shapes."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from baselines import anchors
from baselines.detectron2_mask_rcnn.library import CfgNode, GeneralizedRCNN, ROIPooler, layers, model_zoo
from baselines.detectron2_mask_rcnn.library import build_model as build_from_config
from baselines.detectron2_mask_rcnn.presets import MaskRCNNPreset
from baselines.group_norm import GroupNorm
from baselines.roi_align import ROIAlign
from datasets.errors import InputError


def build_model(preset: MaskRCNNPreset, categories: int) -> GeneralizedRCNN:
    """The network of `preset` for so many categories, on the CPU with random weights."""
    config = load_config(preset, categories)
    try:
        model = build_from_config(config)
    except (AssertionError, KeyError, ValueError) as error:
        raise InputError(f"config {preset.config}: Detectron2 cannot build it ({error!r})") from None
    for module in model.modules():
        if isinstance(module, ROIPooler):
            module.level_poolers = nn.ModuleList(_fast_on_cpu(pooler) for pooler in module.level_poolers)
    _return_float32(model.proposal_generator.rpn_head)
    _return_float32(model.roi_heads.box_predictor)
    if hasattr(model.roi_heads.mask_head, "predictor"):
        _return_float32(model.roi_heads.mask_head.predictor)
    _predict_channels_last(model.roi_heads.mask_head)
    return model


def load_config(preset: MaskRCNNPreset, categories: int) -> CfgNode:
    """The model zoo's config with our classes, images and anchors. Raises InputError if there is no such Mask R-CNN."""
    try:
        config = model_zoo.get_config(preset.config)
    except RuntimeError:
        raise InputError(f"config {preset.config}: expected one of {', '.join(mask_rcnn_configs())}") from None
    if not isinstance(config, CfgNode):
        raise InputError(f"config {preset.config}: found a Python config, expected a YAML config of the model zoo")
    if config.MODEL.META_ARCHITECTURE != "GeneralizedRCNN" or not config.MODEL.MASK_ON:
        raise InputError(f"config {preset.config}: found no mask head, expected a Mask R-CNN")
    levels = [level for level in config.MODEL.RPN.IN_FEATURES if level != "p6"]
    settings: dict[str, Any] = {
        "MODEL.DEVICE": "cpu",
        "MODEL.WEIGHTS": "",
        "MODEL.BACKBONE.FREEZE_AT": 0,
        "MODEL.ROI_HEADS.NUM_CLASSES": categories,
        "MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE": preset.rois_per_image,
        "MODEL.RPN.IN_FEATURES": levels,
        "MODEL.ANCHOR_GENERATOR.SIZES": [list(sizes) for sizes in anchors.sizes_of_levels(len(levels))],
        "MODEL.ANCHOR_GENERATOR.ASPECT_RATIOS": [list(anchors.ASPECT_RATIOS)],
        "MODEL.ANCHOR_GENERATOR.OFFSET": 0.5,
    }
    if preset.norm is not None:
        # the caffe2 weights alone need the stride in the first convolution
        settings["MODEL.RESNETS.STRIDE_IN_1X1"] = False
        parts = ("RESNETS", "FPN", "ROI_BOX_HEAD", "ROI_MASK_HEAD")
        settings |= {f"MODEL.{part}.NORM": preset.norm for part in parts}
    try:
        config.merge_from_list([item for pair in settings.items() for item in pair])
        config.merge_from_list([item for pair in preset.overrides for item in pair])
    except (AssertionError, KeyError, ValueError) as error:
        raise InputError(f"overrides of {preset.config}: {error}") from None
    return config


def mask_rcnn_configs() -> list[str]:
    """Names of the model zoo's instance segmentation configs."""
    root = Path(model_zoo.__file__).parent / "configs"
    return sorted(str(path.relative_to(root)) for path in root.glob("*/*mask_rcnn*.yaml"))


def _fast_on_cpu(pooler: nn.Module) -> nn.Module:
    if isinstance(pooler, layers.ROIAlign):
        return ROIAlign(pooler.output_size, pooler.spatial_scale, pooler.sampling_ratio, pooler.aligned)
    return pooler


def _predict_channels_last(mask_head: nn.Module) -> None:
    """In inference on a CPU, where its convolutions are faster so, and the transposed one twice as fast.

    Not in training: the backward passes are slower. In other precisions than float32, the transposed one alone.
    """
    for name, module in mask_head.named_children():
        norm = getattr(module, "norm", None)
        if isinstance(norm, nn.GroupNorm):
            module.norm = GroupNorm(norm.num_groups, norm.num_channels, norm.eps, norm.affine)
            module.register_forward_pre_hook(_channels_last_in_float32)
        elif name == "deconv":
            module.register_forward_pre_hook(_channels_last)


def _channels_last(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    return inputs if module.training else (inputs[0].contiguous(memory_format=torch.channels_last),)


def _channels_last_in_float32(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    other = inputs[0].is_cuda or inputs[0].dtype != torch.float32 or torch.is_autocast_enabled("cpu")
    return inputs if other or torch.is_grad_enabled() else _channels_last(module, inputs)


def _return_float32(module: nn.Module) -> None:
    """Boxes, scores and losses need more than bf16's eight bits, so that autocast ends at the heads' outputs."""
    heads = module if isinstance(module, nn.ModuleList) else [module]
    for head in heads:
        head.register_forward_hook(lambda _module, _inputs, outputs: _as_float32(outputs))


def _as_float32(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.to(torch.float32)
    return type(value)(_as_float32(item) for item in value)
