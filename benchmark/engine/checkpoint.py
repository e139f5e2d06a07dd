"""Checkpoints, from which a killed run goes on, and the weights that a finished run leaves behind."""

import math
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from datasets.errors import InputError, one_line
from datasets.files import write_atomically


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, position: dict[str, Any]) -> None:
    """Write parameters, optimiser state and `position` (plain numbers: images seen, seconds) atomically.

    The schedule is a function of the images seen, and so are all random numbers (see `benchmark.engine.fit`): neither
    has a state of its own to save.
    """
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "position": position}

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:  # a file of Python's own, whose errors say what is wrong
            torch.save(state, file)

    write_atomically(path, write)


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, device: str) -> dict[str, Any]:
    """Restore what `save_checkpoint` wrote and return its position.

    Raises InputError if the file is damaged or of another model. Code that it holds does not run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about strange files, which the error names
            state = torch.load(path, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        options = [{name: type(value) for name, value in group.items()} for group in optimizer.param_groups]
        optimizer.load_state_dict(state["optimizer"])
        _check_optimizer(optimizer, options)
        return _checked_position(state["position"])
    except Exception as error:  # damaged files raise of every kind
        raise InputError(f"{path}: not a checkpoint of this model and preset ({one_line(error)})") from None


def save_weights(path: Path, model: nn.Module) -> None:
    """Write parameters and buffers as safetensors, matrices and filters in half precision.

    Vectors (biases, normalisation statistics) stay as they are: they are few, and variances may not fit.
    """
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write_atomically(path, lambda temporary: temporary.write_bytes(save(tensors)))


def load_weights(path: Path, model: nn.Module) -> None:
    """Load what `save_weights` wrote. Raises InputError if the file is missing or of another model."""
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no weights there, expected those of a trained run") from None
    except Exception as error:  # safetensors raises its own kinds for damaged files
        raise InputError(f"{path}: not weights of this model and preset ({one_line(error)})") from None


def _check_optimizer(optimizer: torch.optim.Optimizer, options: list[dict[str, type]]) -> None:
    """Raise ValueError unless the state that was loaded fits the parameters, and the options have the types of ours."""
    for group, expected in zip(optimizer.param_groups, options, strict=True):
        for name, kind in expected.items():
            if name in group and type(group[name]) is not kind:
                raise ValueError(f"optimizer option {name} is {group[name]!r}")
    for parameter, state in optimizer.state.items():
        if not isinstance(state, dict):
            raise ValueError("the optimizer's state is no dict")
        for name, value in state.items():
            fits = not isinstance(value, torch.Tensor) or value.numel() in (1, parameter.numel())
            if not fits or isinstance(value, str | bytes):
                raise ValueError(f"the optimizer's {name} does not fit a parameter of shape {list(parameter.shape)}")


def _checked_position(position: Any) -> dict[str, Any]:
    """Raise ValueError unless `position` says how many images were seen and how long that took."""
    if not isinstance(position, dict) or type(position.get("images")) is not int or position["images"] < 0:
        raise ValueError("its position says no number of images")
    for name in ("seconds", "seconds_waiting_for_data"):
        if type(position.get(name)) not in (int, float) or not 0 <= position[name] < math.inf:
            raise ValueError(f"its position says no {name}")
    return position
