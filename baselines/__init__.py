"""Baselines, one adapter each; one line below registers one."""

# name -> "module:Class"; imported only when the name is asked for
ADAPTERS = {
    "detectron2-mask-rcnn": "baselines.detectron2_mask_rcnn.adapter:Detectron2MaskRCNN",
    "dynamic-masks": "baselines.dynamic_masks.adapter:DynamicMasks",
    "ground-truth-layers": "baselines.ground_truth_layers:GroundTruthLayers",
    "mask2former": "baselines.mask2former.adapter:Mask2Former",
    "torchvision-mask-rcnn": "baselines.torchvision_mask_rcnn.adapter:TorchvisionMaskRCNN",
}

UNTRAINED = ("ground-truth-layers",)
"""Those that need no training: said here, so that nobody has to import all others to find out."""
