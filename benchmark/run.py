"""A run: one model, trained once, and the folder that holds all that is known of it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.scene import SceneParameters

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Run:
    """What an adapter is told about the run it trains or predicts for.

    folder: where the run lives. model: the name it was asked for by. preset: one of the adapter's presets (a frozen
    dataclass), or None for a model without any. scenes: what to train on. layers: how many layers of masks L.
    seed: of the training scenes and the initial weights. device: "cpu" or "cuda".
    max_minutes: stop at a checkpoint after so long, None for never. max_images: stop at a checkpoint when the model has
    seen so many images, None for those of its preset.
    """

    folder: Path
    model: str
    preset_name: str | None
    preset: Any
    scenes: SceneParameters
    layers: int = 2
    seed: int = 0
    device: str = "cpu"
    max_minutes: float | None = None
    max_images: int | None = None

    @property
    def weights(self) -> Path:
        """Final weights, half precision, safetensors."""
        return self.folder / WEIGHTS

    @property
    def checkpoint(self) -> Path:
        """Everything that resuming needs; not released."""
        return self.folder / "checkpoint.pt"

    @property
    def training_log(self) -> Path:
        """CSV, one line per logging interval."""
        return self.folder / "training_log.csv"


def is_main_process() -> bool:
    """Whether this process writes results: the only one, or the first that `torchrun` started."""
    return int(os.environ.get("RANK", 0)) == 0
