"""torchvision's Mask R-CNN from random weights: GroupNorm, 256-pixel images, anchors that fit the shapes."""

from functools import partial

import torch
from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from baselines import anchors
from baselines.roi_align import ROIAlign
from baselines.torchvision_mask_rcnn.presets import TorchvisionPreset
from datasets.scene import IMAGE_SIZE

LEVELS = ("0", "1", "2", "3")
POOLED_SIDE, MASK_POOLED_SIDE = 7, 14


def build_model(preset: TorchvisionPreset, categories: int) -> MaskRCNN:
    """The network of `preset` for so many categories, on the CPU with random weights."""
    group_norm = partial(nn.GroupNorm, 32) if preset.norm == "GN" else None
    body = getattr(resnet, preset.backbone)(weights=None, norm_layer=group_norm or FrozenBatchNorm2d)
    channels = [body.inplanes // 8 * 2**level for level in range(4)]
    backbone = BackboneWithFPN(
        body,
        {f"layer{level + 1}": name for level, name in enumerate(LEVELS)},
        channels,
        preset.fpn_channels,
        extra_blocks=NoExtraLevel(),
        norm_layer=group_norm,
    )
    classes = categories + 1  # 0 is background
    model = MaskRCNN(
        backbone,
        min_size=IMAGE_SIZE,
        max_size=IMAGE_SIZE,
        rpn_anchor_generator=AnchorGenerator(
            anchors.sizes_of_levels(len(LEVELS)), (anchors.ASPECT_RATIOS,) * len(LEVELS)
        ),
        rpn_pre_nms_top_n_train=2 * preset.training_proposals,
        rpn_post_nms_top_n_train=preset.training_proposals,
        rpn_pre_nms_top_n_test=preset.test_proposals,
        rpn_post_nms_top_n_test=preset.test_proposals,
        box_roi_pool=PyramidROIAlign(list(LEVELS), POOLED_SIDE, sampling_ratio=2),
        box_head=TwoMLPHead(preset.fpn_channels * POOLED_SIDE**2, preset.box_head_width),
        box_predictor=FastRCNNPredictor(preset.box_head_width, classes),
        box_batch_size_per_image=preset.rois_per_image,
        mask_roi_pool=PyramidROIAlign(list(LEVELS), MASK_POOLED_SIDE, sampling_ratio=2),
        mask_head=MaskRCNNHeads(preset.fpn_channels, (preset.mask_head_width,) * 4, 1, norm_layer=group_norm),
        mask_predictor=MaskRCNNPredictor(preset.mask_head_width, preset.mask_head_width, classes),
    )
    # boxes, scores and losses need more than bf16's eight bits, so that autocast ends at the heads' outputs
    for head in (model.rpn.head, model.roi_heads.box_predictor, model.roi_heads.mask_predictor):
        head.register_forward_hook(lambda _module, _inputs, outputs: _as_float32(outputs))
    return model


class NoExtraLevel(ExtraFPNBlock):
    """Leaves the pyramid at four levels: no shape is so large that it needs a fifth."""

    def forward(
        self, results: list[Tensor], x: list[Tensor], names: list[str]
    ) -> tuple[list[Tensor], list[str]]:  # fmt: skip
        """The levels as they are."""
        return results, names


class PyramidROIAlign(MultiScaleRoIAlign):
    """MultiScaleRoIAlign with `baselines.roi_align`, which a CPU can train with."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """x: feature maps by name. boxes: (R, 4) of each image. Returns (all R, C, *output_size)."""
        maps = [x[name] for name in self.featmap_names]
        rois = torch.cat(
            [
                torch.cat([image_boxes.new_full((len(image_boxes), 1), number), image_boxes], dim=1)
                for number, image_boxes in enumerate(boxes)
            ]
        )
        sides = (rois[:, 3:] - rois[:, 1:3]).clamp(min=0).prod(dim=1).sqrt()
        # equation 1 of the FPN paper
        levels = (self.canonical_level + torch.log2(sides / self.canonical_scale + 1e-6)).floor().long()
        finest = round(torch.tensor(image_shapes[0][0] / maps[0].shape[-2]).log2().item())
        levels = (levels - finest).clamp(0, len(maps) - 1)
        pooled = maps[0].new_zeros(len(rois), maps[0].shape[1], *self.output_size)
        for level, features in enumerate(maps):
            chosen = torch.where(levels == level)[0]
            align = ROIAlign(self.output_size, 0.5 ** (finest + level), self.sampling_ratio, aligned=False)
            pooled[chosen] = align(features, rois[chosen]).to(pooled.dtype)
        return pooled


def _as_float32(value: Tensor | list | tuple) -> Tensor | list | tuple:
    if isinstance(value, Tensor):
        return value.to(torch.float32)
    return type(value)(_as_float32(item) for item in value)
