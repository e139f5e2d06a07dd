"""How both Mask R-CNNs train: budgets, batches and optimisers, so that the two differ in the network alone.

How these numbers were chosen stands in docs/experiments.md.
"""

from dataclasses import replace

from benchmark.engine.settings import TrainingSettings

PAPER = TrainingSettings(
    images=100_000, batch_size=2, optimizer="adam", learning_rate=1e-4, schedule="constant", workers=2
)
"""The paper's optimiser, batch and budget (docs/protocol.md "Mask R-CNN baseline")."""

CPU = TrainingSettings(
    images=30_000,
    batch_size=4,
    optimizer="muon",
    learning_rate=3e-3,
    weight_decay=1e-4,
    schedule="cosine",
    warmup_images=1_000,
    clip_gradient_norm=10.0,
    precision="bf16",
)
"""The short tier on two CPU cores. Not channels_last: there the backward pass of GroupNorm costs more than the
convolutions gain."""

FAST = replace(CPU, images=100_000, batch_size=8, warmup_images=2_000, channels_last=True, workers=6)
"""The paper's budget on one GPU with the optimiser of `CPU`; no run was made with it yet."""

SMOKE = replace(
    CPU,
    images=1_600,
    batch_size=8,
    optimizer="adamw",
    learning_rate=2e-3,
    warmup_images=160,
    log_every=200,
    checkpoint_every=800,
)
"""For a test of the whole path in a few minutes."""
