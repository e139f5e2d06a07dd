"""Hyperparameters of training that mean the same for every model."""

from dataclasses import dataclass
from typing import Literal

from benchmark.models.hints import Count, CountOrZero, NotNegative, Positive, Width, Workers

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; a field of every learned model's preset.

    images: budget, counted in images seen. batch_size: images per optimiser step on all processes together;
    accumulate: split such a batch into so many forward and backward passes. optimizer: "muon" orthogonalises the steps
    of convolutions and matrices (see `benchmark.engine.optimizer`). schedule: "constant" as in the paper, or
    "cosine" to zero over the budget; both after a linear warm-up over warmup_images. precision: "bf16" is autocast with
    parameters in float32, and float32 throughout on a device without bfloat16. log_every, checkpoint_every: in images.
    workers: processes that draw scenes, per process.
    """

    images: Count = 100_000
    batch_size: Width = 2
    accumulate: Width = 1
    optimizer: Literal["adam", "adamw", "muon"] = "adam"
    learning_rate: Positive = 1e-4
    weight_decay: NotNegative = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_images: CountOrZero = 0
    clip_gradient_norm: Positive | None = None
    precision: Precision = "fp32"
    channels_last: bool = False
    compile: bool = False
    workers: Workers = 1
    log_every: Count = 400
    checkpoint_every: Count = 2_000


COMPACT = TrainingSettings(
    batch_size=4,
    optimizer="muon",
    learning_rate=1e-2,
    weight_decay=1e-2,
    schedule="cosine",
    warmup_images=1_000,
    clip_gradient_norm=10.0,
    precision="bf16",
    channels_last=True,
)
"""What small convolutional networks train with on CPUs with bfloat16 (docs/experiments.md)."""
