"""Presets of the dynamic masks: every hyperparameter of a run, as data."""

from dataclasses import dataclass, field, replace

from baselines.dynamic_masks.instances import InstanceSettings
from baselines.dynamic_masks.loss import LossSettings
from baselines.dynamic_masks.network import NetworkSettings
from benchmark.engine.settings import TrainingSettings


@dataclass(frozen=True)
class Preset:
    """network, loss and training make the weights; instances says how predictions are made from them."""

    training: TrainingSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    instances: InstanceSettings = field(default_factory=InstanceSettings)


COMPACT = Preset(
    TrainingSettings(
        images=30_000,
        batch_size=2,
        optimizer="muon",
        learning_rate=1e-2,
        weight_decay=1e-2,
        schedule="cosine",
        warmup_images=500,
        clip_gradient_norm=10.0,
        precision="bf16",
        channels_last=True,
        log_every=400,
        checkpoint_every=1_000,
    ),
    NetworkSettings(coordinates="quadratic"),
)

PRESETS = {
    "compact": COMPACT,
    # the same code in two minutes on two cores
    "smoke": Preset(
        replace(COMPACT.training, images=1_200, warmup_images=200),
        network=NetworkSettings(
            blocks=(1, 1, 1, 1),
            channels=(32, 32, 64, 64),
            pyramid_channels=32,
            head_channels=32,
            mask_channels=16,
            coordinates="quadratic",
        ),
    ),
}
