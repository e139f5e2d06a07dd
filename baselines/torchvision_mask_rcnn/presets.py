"""Hyperparameters of torchvision's Mask R-CNN, as data; names mean what they mean for Detectron2's."""

from dataclasses import dataclass, replace
from typing import Literal

from baselines import mask_rcnn_training
from benchmark.engine.settings import TrainingSettings
from benchmark.models.hints import InitialWeights, Width

Backbone = Literal["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]


@dataclass(frozen=True)
class TorchvisionPreset:
    """One Mask R-CNN and how to train it.

    norm: GroupNorm throughout, or torchvision's own frozen BatchNorm in the backbone and none elsewhere. weights: local
    .pth or .safetensors file to start from, "coco" for those that torchvision trained on MS COCO (ResNet-50 only, and
    they fit with norm FrozenBN), or None for random ones. backbone: a ResNet of torchvision, by name. fpn_channels,
    box_head_width, mask_head_width: channels.
    rois_per_image: ROIs that the heads are trained on. training_proposals, test_proposals: kept from the RPN, of twice
    as many before its NMS when training. prediction_batch_size: images per forward pass when predicting.
    """

    training: TrainingSettings
    backbone: Backbone = "resnet50"
    norm: Literal["GN", "FrozenBN"] = "GN"
    weights: InitialWeights = None
    fpn_channels: Width = 256
    box_head_width: Width = 1024
    mask_head_width: Width = 256
    rois_per_image: Width = 64
    training_proposals: Width = 1000
    test_proposals: Width = 1000
    prediction_batch_size: Width = 8


PRESETS = {
    "paper": TorchvisionPreset(mask_rcnn_training.PAPER),
    "fast": TorchvisionPreset(mask_rcnn_training.FAST, rois_per_image=128, prediction_batch_size=16),
    "cpu": TorchvisionPreset(mask_rcnn_training.CPU, fpn_channels=128, mask_head_width=128, training_proposals=500),
    "smoke": TorchvisionPreset(
        replace(mask_rcnn_training.SMOKE, learning_rate=1e-3),
        backbone="resnet18",
        fpn_channels=64,
        box_head_width=256,
        mask_head_width=64,
        rois_per_image=32,
        training_proposals=200,
        test_proposals=300,
    ),
}
