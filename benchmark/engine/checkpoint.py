"""Checkpoints, from which a killed run goes on, and the weights that a finished run leaves behind."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from datasets.errors import InputError
from datasets.files import write_atomically


def save_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, position: dict[str, Any]) -> None:
    """Write parameters, optimiser state and `position` (plain numbers: images seen, seconds) atomically.

    The schedule is a function of the images seen, and so are all random numbers (see `benchmark.engine.fit`): neither
    has a state of its own to save.
    """
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "position": position}
    write_atomically(path, lambda temporary: torch.save(state, temporary))


def load_checkpoint(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, device: str) -> dict[str, Any]:
    """Restore what `save_checkpoint` wrote and return its position. Raises InputError if it is of another model."""
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, KeyError, ValueError, EOFError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: not a checkpoint of this model and preset ({reason})") from None
    return state["position"]


def save_weights(path: Path, model: nn.Module) -> None:
    """Write parameters and buffers as safetensors, matrices and filters in half precision.

    Vectors (biases, normalisation statistics) stay as they are: they are few, and variances may not fit.
    """
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() and tensor.ndim > 1 else tensor).detach().cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write_atomically(path, lambda temporary: save_file(tensors, temporary))


def load_weights(path: Path, model: nn.Module) -> None:
    """Load what `save_weights` wrote. Raises InputError if the file is missing or of another model."""
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no weights there, expected those of a trained run") from None
    except Exception as error:  # safetensors raises its own kinds for damaged files
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"{path}: not weights of this model and preset ({reason})") from None
