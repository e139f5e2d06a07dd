"""The parts of Detectron2 that are used here, imported in one place and without its old-age warnings."""

import logging
import warnings

# Detectron2 finds its configs with pkg_resources, calls torch.meshgrid without `indexing` and asks torch.fx's state.
logging.getLogger("torch.fx._symbolic_trace").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", "torch.meshgrid: in an upcoming release", UserWarning)
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    from detectron2 import layers, model_zoo
    from detectron2.checkpoint.c2_model_loading import align_and_update_state_dicts
    from detectron2.config import CfgNode
    from detectron2.layers import paste_masks_in_image
    from detectron2.modeling import GeneralizedRCNN, build_model
    from detectron2.modeling.poolers import ROIPooler
    from detectron2.structures import BitMasks, Boxes, ImageList, Instances
    from detectron2.utils.events import EventStorage
    from detectron2.utils.file_io import PathManager

__all__ = [
    "BitMasks",
    "Boxes",
    "CfgNode",
    "EventStorage",
    "GeneralizedRCNN",
    "ImageList",
    "Instances",
    "ROIPooler",
    "align_and_update_state_dicts",
    "build_model",
    "layers",
    "model_zoo",
    "PathManager",
    "paste_masks_in_image",
]
