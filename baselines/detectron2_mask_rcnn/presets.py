"""Hyperparameters of Detectron2's Mask R-CNN, as data."""

from dataclasses import dataclass
from typing import Literal

from baselines import mask_rcnn_training
from benchmark.engine.settings import TrainingSettings
from benchmark.models.hints import InitialWeights, Width

COCO = "coco"
"""As weights: what the model zoo trained on MS COCO with the preset's config."""


@dataclass(frozen=True)
class MaskRCNNPreset:
    """One Mask R-CNN and how to train it.

    config: a YAML config of Detectron2's model zoo, by name. norm: normalisation layers in backbone, FPN and heads, or
    None for those of the config. rois_per_image: ROIs that the heads are trained on. overrides: (key, value) pairs for
    the config, applied last. weights: local file to start from (.safetensors, .pth or, if trust_pickle says that its
    content may be executed, .pkl), "coco" for the model zoo's, or None. Those of a config without GN fit with norm None
    only. prediction_batch_size: images per forward pass when predicting.
    """

    training: TrainingSettings
    config: str = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml"
    norm: Literal["GN", "BN", "FrozenBN", "SyncBN", "LN"] | None = "GN"
    rois_per_image: Width = 64
    overrides: tuple[tuple[str, object], ...] = ()
    weights: InitialWeights = None
    trust_pickle: bool = False
    prediction_batch_size: Width = 8


PRESETS = {
    "paper": MaskRCNNPreset(mask_rcnn_training.PAPER),
    "fast": MaskRCNNPreset(mask_rcnn_training.FAST, rois_per_image=128, prediction_batch_size=16),
    # FPN and mask head half as wide, and fewer proposals to sort
    "cpu": MaskRCNNPreset(
        mask_rcnn_training.CPU,
        overrides=(
            ("MODEL.FPN.OUT_CHANNELS", 128),
            ("MODEL.ROI_MASK_HEAD.CONV_DIM", 128),
            ("MODEL.RPN.PRE_NMS_TOPK_TRAIN", 1000),
            ("MODEL.RPN.POST_NMS_TOPK_TRAIN", 500),
        ),
    ),
    "smoke": MaskRCNNPreset(
        mask_rcnn_training.SMOKE,
        rois_per_image=32,
        overrides=(
            ("MODEL.RESNETS.STEM_OUT_CHANNELS", 32),
            ("MODEL.RESNETS.WIDTH_PER_GROUP", 32),
            ("MODEL.RESNETS.RES2_OUT_CHANNELS", 64),
            ("MODEL.FPN.OUT_CHANNELS", 64),
            ("MODEL.ROI_BOX_HEAD.FC_DIM", 256),
            ("MODEL.ROI_MASK_HEAD.CONV_DIM", 64),
            ("MODEL.RPN.PRE_NMS_TOPK_TRAIN", 500),
            ("MODEL.RPN.POST_NMS_TOPK_TRAIN", 200),
            ("MODEL.RPN.PRE_NMS_TOPK_TEST", 300),
            ("MODEL.RPN.POST_NMS_TOPK_TEST", 300),
        ),
    ),
}
