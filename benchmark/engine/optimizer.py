"""The optimisers that a preset can name."""

from functools import partial
from unittest.mock import patch

import torch
from torch import nn

from benchmark.engine.precision import has_bfloat16
from benchmark.engine.settings import TrainingSettings

MUON_STEPS = 3
"""Newton-Schulz iterations per step of Muon. They are its cost, and three are as good as five (docs/experiments.md)."""

MUON_LARGEST_SIDE = 256
"""Matrices whose shorter side is longer are left to AdamW: an iteration costs the square of that side times the other,
which for the last stage of a ResNet-50 and Mask R-CNN's box head comes to more than the network's own passes."""

OTHER_PARAMETERS = 0.3
"""Learning rate of what Muon leaves to AdamW (biases, normalisation, large matrices), as a share of the matrices'."""


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Optimiser over the parameters of `model` that are trained.

    "muon" (Jordan et al., 2024) replaces the momentum of every matrix, a convolution's being (out, in x height x
    width), by about the nearest orthogonal matrix, scaled so that learning rates mean about what they mean for AdamW,
    which takes care of all other parameters.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    common = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimizer == "muon":
        large = [parameter for parameter in parameters if _shorter_side(parameter) > MUON_LARGEST_SIDE]
        others = [parameter for parameter in parameters if _shorter_side(parameter) <= MUON_LARGEST_SIDE]
        groups = [{"params": others}, *([{"params": large, "use_fallback": True}] if large else [])]
        kind = _muon_in(torch.bfloat16 if has_bfloat16(parameters[0].device.type) else torch.float32)
        return kind(
            groups, **common, nesterov=True, ns_steps=MUON_STEPS, adjust_lr_fn="match_rms_adamw",
            fallback_lr_scale=OTHER_PARAMETERS,
        )  # fmt: skip
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
    return kind(parameters, **common, fused=True)


def _muon_in(dtype: torch.dtype) -> type[torch.optim.Optimizer]:
    """timm's Muon with its iterations computed in `dtype`; by itself it takes bfloat16 whatever the device."""
    from timm.optim import muon

    class Muon(muon.Muon):
        def step(self, closure=None):
            iterations = partial(muon.zeropower_via_newtonschulz, dtype=dtype)
            with patch.object(muon, "zeropower_via_newtonschulz", iterations):
                return super().step(closure)

    return Muon


def _shorter_side(parameter: nn.Parameter) -> int:
    """The shorter side of a parameter as Muon sees it, a matrix; 1 for a vector."""
    return min(len(parameter), parameter[0].numel()) if parameter.ndim > 1 else 1
