"""Starting from weights in a local file; nothing is ever downloaded."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines.detectron2_mask_rcnn.library import align_and_update_state_dicts
from datasets.errors import InputError


def load_initial_weights(model: nn.Module, path: Path, trust_pickle: bool) -> list[str]:
    """Copy the tensors of `path` into `model` wherever name and shape agree.

    path: .safetensors, .pth (tensors only) or .pkl in Detectron2's format, which may run any code when it is read and
    needs `trust_pickle`. Heads for other classes or anchors keep their random weights. Returns the names copied.
    Raises InputError if the file cannot be read, is not trusted, or nothing in it fits.
    """
    if not path.is_file():
        raise InputError(f"weights {path}: no such file")
    own = model.state_dict()
    state = _read(path, trust_pickle, own)
    fitting = {name: value for name, value in state.items() if name in own and value.shape == own[name].shape}
    if not fitting:
        raise InputError(f"weights {path}: found no tensor that fits the model by name and shape")
    model.load_state_dict(fitting, strict=False)
    return sorted(fitting)


def _read(path: Path, trust_pickle: bool, own: dict[str, Tensor]) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix == ".pth":
            content = torch.load(path, map_location="cpu", weights_only=True)
            return _tensors(content.get("model", content))
        if path.suffix == ".pkl":
            return _read_pickle(path, trust_pickle, own)
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, AttributeError) as error:
        raise InputError(f"weights {path}: cannot be read ({str(error).splitlines()[0]})") from None
    raise InputError(f"weights {path}: found {path.suffix or 'no'} suffix, expected .safetensors, .pth or .pkl")


def _read_pickle(path: Path, trust_pickle: bool, own: dict[str, Tensor]) -> dict[str, Tensor]:
    if not trust_pickle:
        raise InputError(
            f"weights {path}: a .pkl file can run any code when it is read; if you trust it, say trust_pickle=true"
        )
    with path.open("rb") as file:
        content = pickle.load(file, encoding="latin1")
    state = _tensors(content.get("model", content))
    if content.get("matching_heuristics", False):  # a backbone under the names of another library
        state = align_and_update_state_dicts(own, state, c2_conversion=content.get("__author__") == "Caffe2")
    return state


def _tensors(values: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items() if isinstance(value, Tensor | np.ndarray)}
