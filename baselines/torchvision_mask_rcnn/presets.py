"""Hyperparameters of torchvision's Mask R-CNN, as data; names mean what they mean for Detectron2's."""

from dataclasses import dataclass, replace

from baselines.detectron2_mask_rcnn import presets as detectron2
from benchmark.engine.settings import TrainingSettings


@dataclass(frozen=True)
class TorchvisionPreset:
    """One Mask R-CNN and how to train it, from random weights with GroupNorm.

    backbone: a ResNet of torchvision, by name. fpn_channels, box_head_width, mask_head_width: channels.
    rois_per_image: ROIs that the heads are trained on. training_proposals, test_proposals: kept from the RPN, of twice
    as many before its NMS when training. prediction_batch_size: images per forward pass when predicting.
    """

    training: TrainingSettings
    backbone: str = "resnet50"
    fpn_channels: int = 256
    box_head_width: int = 1024
    mask_head_width: int = 256
    rois_per_image: int = 64
    training_proposals: int = 1000
    test_proposals: int = 1000
    prediction_batch_size: int = 8


PRESETS = {
    "paper": TorchvisionPreset(detectron2.PAPER.training),
    "fast": TorchvisionPreset(detectron2.FAST.training, rois_per_image=128, prediction_batch_size=16),
    "cpu": TorchvisionPreset(detectron2.CPU.training, fpn_channels=128, mask_head_width=128, training_proposals=500),
    "smoke": TorchvisionPreset(
        replace(detectron2.SMOKE.training, learning_rate=1e-3),
        backbone="resnet18",
        fpn_channels=64,
        box_head_width=256,
        mask_head_width=64,
        rois_per_image=32,
        training_proposals=200,
        test_proposals=300,
    ),
}
