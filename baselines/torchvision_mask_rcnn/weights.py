"""Starting from weights: a local file, or those that torchvision trained on MS COCO."""

from pathlib import Path
from urllib.parse import urlparse

import torch
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models.detection import MaskRCNN, MaskRCNN_ResNet50_FPN_Weights

from baselines.torchvision_mask_rcnn.presets import TorchvisionPreset
from benchmark.engine.pretrained import Loaded, copy_fitting, fetched, sha256_of
from datasets.errors import InputError, one_line

COCO = "coco"
ENUM = MaskRCNN_ResNet50_FPN_Weights.COCO_V1


def load_initial_weights(model: MaskRCNN, preset: TorchvisionPreset) -> Loaded:
    """Copy the tensors of the preset's weights into `model` wherever name and shape agree.

    Raises InputError if the file cannot be had or read, or nothing in it fits.
    """
    if preset.weights != COCO:
        path = Path(preset.weights or "")
        if not path.is_file():
            raise InputError(f"weights {path}: no such file, nor {COCO!r}")
        return copy_fitting(model, _read(path), f"weights {path}", sha256_of(path))
    if preset.backbone != "resnet50":
        raise InputError(f"weights {COCO}: found backbone {preset.backbone}, expected resnet50")
    path, digest = fetched(f"weights {COCO}", ENUM.url, _fetch)
    return copy_fitting(model, _read(path), ENUM.url, digest)


def _fetch() -> Path:
    """torchvision's loader checks the hash in the name of what it downloads, and keeps it in torch's cache."""
    ENUM.get_state_dict(progress=False, check_hash=True)
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(ENUM.url).path).name


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        return content.get("model", content)
    except Exception as error:  # of torch, pickle and safetensors
        raise InputError(f"weights {path}: cannot be read as .pth or .safetensors ({one_line(error)})") from None
