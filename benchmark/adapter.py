"""The interface between the benchmark and a model: train, predict, and variants of one trained model.

A new model is one subclass of `Adapter`, named in its package's ``ADAPTERS`` or given on the command line as
``module:Class``. Everything after `predict` works on COCO results files, so a model in another language can
skip this interface, read an exported dataset and write such a file.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from benchmark.runs.folder import CHECKPOINT, TRAINING_LOG, WEIGHTS
from datasets.dataset import Dataset
from datasets.errors import InputError
from datasets.source import Source

DEFAULT = "default"
"""Variant of a model that has no other; not worth printing."""

TUNED_VARIANT = "tuned"
"""Variant of every run that `tune` searched: the reading of the adapter's grid that it chose for this run."""


@dataclass(frozen=True)
class Detections:
    """What a model says about one image, on the evaluation grid.

    masks: (D, 64, 64) bool, amodal. scores: (D,) float in [0, 1]. categories: (D,) int, category numbers: 1 is the
    first of the run's categories (``run.source.categories``).
    order: (D,) int, 1 = front, or None from a model that predicts no depth order. D may be 0.
    """

    masks: np.ndarray
    scores: np.ndarray
    categories: np.ndarray
    order: np.ndarray | None = None


@dataclass(frozen=True)
class Reading:
    """How one variant reads the output of a trained model: facts by which reports group, compare and explain variants.

    family: variants that differ in `number` alone have the same one, and are a line in a plot; "" stands for the
    variant's own name. number: what a family varies, such as the threshold of non-maximum suppression (NMS).
    text: the family in words, for readers. paper: whether the paper reads this model so. uses_ground_truth: whether the
    variant is told a part of the answer, so that it is no contender. layers: of ground truth that the masks are made
    of, for an oracle.
    suppression: the kind of NMS, None without any. limits: what the limits on detections around it are called.
    score_floor: detections score more than that. detections_per_image: at most so many; None without such a limit.
    """

    family: str = ""
    number: float | None = None
    text: str = ""
    paper: bool = False
    uses_ground_truth: bool = False
    layers: int | None = None
    suppression: str | None = None
    limits: str = ""
    score_floor: float | None = None
    detections_per_image: int | None = None

    def is_wider_than(self, other: "Reading") -> bool:
        """Whether its limits let pass detections that those of `other` do not, and all that those let pass."""
        floors = (self.score_floor or 0.0, other.score_floor or 0.0)
        most = (self.detections_per_image or math.inf, other.detections_per_image or math.inf)
        return self.limits != other.limits and floors[0] <= floors[1] and most[0] >= most[1]


PictureKind = Literal["colors", "classes", "instances", "truth"]


@dataclass(frozen=True)
class Picture:
    """One step of a model on its way from an image to instances, on the evaluation grid, for the report to paint.

    row: what the step belongs to, such as a layer; pictures of a row stand side by side. kind says what `values` are:
    "colors" (64, 64, 4) uint8, RGBA; "classes" (64, 64) int, category ids; "instances" (64, 64) int, the same number in
    all pictures for the pixels of one predicted instance, 1 = front; "truth" (64, 64) int, 1 for the first of the
    image's annotations. 0 is none of all three.
    """

    row: str
    caption: str
    kind: PictureKind
    values: np.ndarray


@dataclass(frozen=True)
class Run:
    """What an adapter is told about the run it trains or predicts for.

    folder: where the run lives. model: the name it was asked for by. preset: one of the adapter's presets (a frozen
    dataclass), or None for a model without any. source: what it is trained on, whose categories are the model's.
    layers: how many layers of masks L. seed: of the training images and the initial weights. device: "cpu" or "cuda".
    max_minutes: stop at a checkpoint after so long, None for never. max_images: stop at a checkpoint when the model has
    seen so many images, None for those of its preset. command: what a person typed to make the run, for its manifest.
    """

    folder: Path
    model: str
    preset_name: str | None
    preset: Any
    source: Source
    layers: int = 2
    seed: int = 0
    device: str = "cpu"
    max_minutes: float | None = None
    max_images: int | None = None
    command: str = ""

    @property
    def weights(self) -> Path:
        """Final weights, half precision, safetensors."""
        return self.folder / WEIGHTS

    @property
    def checkpoint(self) -> Path:
        """Everything that resuming needs; not released."""
        return self.folder / CHECKPOINT

    @property
    def training_log(self) -> Path:
        """CSV, one line per logging interval."""
        return self.folder / TRAINING_LOG


class Adapter(ABC):
    """One model behind the benchmark's interface. Constructing an adapter loads nothing.

    presets: name -> frozen dataclass of every hyperparameter, with a field ``training`` of type
    `benchmark.engine.settings.TrainingSettings` where the shared engine trains it. Empty where nothing is trained.
    prediction_settings: fields of a preset that only predictions depend on; they may change after training.
    variants: names of the outputs that one trained model can give, the one to rank it by first. ``predict
    --NAME VALUE`` on the command line asks for the variant called "NAME-VALUE". readings: what they are, for reports;
    a variant that is not among them is a family by itself, and one that is not among `variants` is predicted where it
    is named.
    grid: readings among which `tune` looks for the best one for a run: name -> frozen dataclass of settings. `predict`
    takes these names like variants, and `readings` may describe them too.
    """

    presets: ClassVar[Mapping[str, Any]] = {}
    prediction_settings: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[tuple[str, ...]] = (DEFAULT,)
    readings: ClassVar[Mapping[str, Reading]] = {}
    grid: ClassVar[Mapping[str, Any]] = {}

    def train(self, run: Run) -> bool:
        """Train as `run` says and leave ``run.weights`` behind; resume if ``run.checkpoint`` exists.

        Returns True when the budget is used up, False when ``run.max_minutes`` or ``run.max_images`` stopped it.
        """
        raise InputError(f"{type(self).__name__}: has nothing to train")

    @abstractmethod
    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """Yield (image id, {variant: detections}) once for every image of `dataset`, in any order.

        All `variants` should come from one pass over the images. `run` names the weights, the device and the seed;
        the same run on the same machine gives the same detections.
        """

    def pictures(self, dataset: Dataset, run: Run, image_id: int) -> list[Picture]:
        """How the model comes to its first variant's detections in one image, row by row; a model need not show it."""
        return []
