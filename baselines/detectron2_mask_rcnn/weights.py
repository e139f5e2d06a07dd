"""Starting from weights: a local file, or the model zoo's for the preset's config."""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines.detectron2_mask_rcnn.library import PathManager, align_and_update_state_dicts, model_zoo
from baselines.detectron2_mask_rcnn.presets import COCO, MaskRCNNPreset
from benchmark.engine.pretrained import Loaded, copy_fitting, fetched, sha256_of
from datasets.errors import InputError, one_line

_ARRAYS = {
    ("numpy", "ndarray"), ("numpy", "dtype"), ("collections", "OrderedDict"), ("_codecs", "encode"),
    *((f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")),
    ("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"),
}  # fmt: skip
"""What a pickle of arrays is made of; nothing in it runs code of the file's choice."""


def load_initial_weights(model: nn.Module, preset: MaskRCNNPreset) -> Loaded:
    """Copy the tensors of the preset's weights into `model` wherever name and shape agree.

    weights: .safetensors, .pth (tensors only), .pkl in Detectron2's format, which may run any code when it is read and
    needs the preset's ``trust_pickle``, or "coco": what the model zoo trained with the preset's config, fetched by
    Detectron2's own loader and read without running code. Heads for other classes or anchors keep their random weights.
    Raises InputError if the file cannot be had, read or trusted, or nothing in it fits.
    """
    own = model.state_dict()
    if preset.weights == COCO:
        try:
            address = model_zoo.get_checkpoint_url(preset.config)
        except RuntimeError:
            raise InputError(f"weights {COCO}: the model zoo has none for {preset.config}") from None
        path, digest = fetched(f"weights {COCO}", address, lambda: Path(PathManager.get_local_path(address)))
        return copy_fitting(model, _read(path, False, own, _Arrays), address, digest)
    path = Path(preset.weights or "")
    if not path.is_file():
        raise InputError(f"weights {path}: no such file, nor {COCO!r}")
    return copy_fitting(model, _read(path, preset.trust_pickle, own), f"weights {path}", sha256_of(path))


class _Arrays(pickle.Unpickler):
    """Reads arrays, numbers and texts, and nothing that would run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise pickle.UnpicklingError(f"found {module}.{name}, expected arrays alone")
        return super().find_class(module, name)


def _read(
    path: Path, trust_pickle: bool, own: dict[str, Tensor], unpickler: type[pickle.Unpickler] | None = None
) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix == ".pth":
            content = torch.load(path, map_location="cpu", weights_only=True)
            return _tensors(content.get("model", content))
        if path.suffix == ".pkl":
            return _read_pickle(path, trust_pickle, own, unpickler)
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, AttributeError) as error:
        raise InputError(f"weights {path}: cannot be read ({one_line(error)})") from None
    raise InputError(f"weights {path}: found {path.suffix or 'no'} suffix, expected .safetensors, .pth or .pkl")


def _read_pickle(
    path: Path, trust_pickle: bool, own: dict[str, Tensor], unpickler: type[pickle.Unpickler] | None
) -> dict[str, Tensor]:
    if unpickler is None and not trust_pickle:
        raise InputError(
            f"weights {path}: a .pkl file can run any code when it is read; if you trust it, say trust_pickle=true"
        )
    content = (unpickler or pickle.Unpickler)(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    state = _tensors(content.get("model", content))
    if content.get("matching_heuristics", False):  # a backbone under the names of another library
        state = align_and_update_state_dicts(own, state, c2_conversion=content.get("__author__") == "Caffe2")
    return state


def _tensors(values: dict[str, Any]) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items() if isinstance(value, Tensor | np.ndarray)}
