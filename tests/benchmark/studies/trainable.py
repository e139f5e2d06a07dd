"""A model that trains in no time, and a study of it; jobs import this file and little else."""

import os
from dataclasses import dataclass, field

import numpy as np

from benchmark.adapter import Adapter, Detections
from benchmark.engine.settings import TrainingSettings

UNLUCKY, DEADLY, PREEMPTED = 13, 14, 15
"""Widths of networks whose training fails, dies, and is pre-empted once."""

STUDY = f"""
title = "Two widths"
tier = "tiny"
[[runs]]
model = "{__name__}:Trainable"
presets = ["small"]
instances_per_class = [2, 3]
classes = ["rectangle"]
vary = {{ setting = "width", values = [1, 2] }}
variants = ["default"]
settings_of_preset.other = ["training.learning_rate=0.5"]
"""


@dataclass(frozen=True)
class Preset:
    width: int = 3
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(images=20))


class Trainable(Adapter):
    """Counts images, five in a sitting with a time limit; "predicts" the annotated masks."""

    presets = {"small": Preset(), "other": Preset(), "smoke": Preset()}
    variants = ("default", "other")

    def train(self, run):
        seen = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
        if run.preset.width == UNLUCKY:
            raise ValueError("thirteen\nof them")
        if run.preset.width == DEADLY:
            os._exit(9)
        (run.folder / "threads").write_text(os.environ.get("OMP_NUM_THREADS", "none"))
        budget = run.preset.training.images
        if run.max_minutes is not None or (run.preset.width == PREEMPTED and not seen):
            budget = min(seen + 5, budget)
        run.checkpoint.write_text(str(budget))
        run.training_log.write_text(f"images,seconds\n{budget},{budget / 10}\n")
        if run.preset.width == PREEMPTED and not seen:
            self.preempt()
        run.weights.write_text("weights")
        return budget >= run.preset.training.images

    @staticmethod
    def preempt():
        """What Slurm sends to a job that has to go."""
        import signal

        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR2)
        raise AssertionError("the job was told to go")

    def predict(self, dataset, run, variants):
        for image_id in dataset.image_ids:
            masks = dataset.masks(image_id)
            ones = np.ones(len(masks), int)
            yield image_id, {name: Detections(masks, 1.0 * ones, ones) for name in variants}
