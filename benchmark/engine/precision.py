"""The precision that a model computes in: bfloat16 where it was asked for and the device has it, otherwise float32."""

from functools import lru_cache

import torch

from benchmark.engine.settings import Precision

CPU_FLAGS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""What torch calls the instructions for bfloat16 of x86 and ARM processors."""


@lru_cache
def has_bfloat16(device: str) -> bool:
    """Whether the device ("cpu" or "cuda") computes in bfloat16 itself. Emulation costs about 15 times float32."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(flag, False) for flag in CPU_FLAGS)


def computed_in(asked: Precision, device: str) -> Precision:
    """The precision in which a run that asks for `asked` is computed on `device`."""
    return "bf16" if asked == "bf16" and has_bfloat16(device) else "fp32"


def autocast(asked: Precision, device: str) -> torch.autocast:
    """The context in which a model computes; parameters stay float32 in both."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=computed_in(asked, device) == "bf16")
