"""Presets of the dynamic masks: every hyperparameter of a run, as data."""

from dataclasses import dataclass, field, replace

from baselines.dynamic_masks.instances import InstanceSettings
from baselines.dynamic_masks.loss import LossSettings
from baselines.dynamic_masks.network import NetworkSettings
from benchmark.engine.settings import COMPACT, TrainingSettings


@dataclass(frozen=True)
class Preset:
    """network, loss and training make the weights; instances says how predictions are made from them."""

    training: TrainingSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    instances: InstanceSettings = field(default_factory=InstanceSettings)


TRAINING = replace(COMPACT, images=30_000, batch_size=2, warmup_images=500, checkpoint_every=1_000)

PRESETS = {
    "compact": Preset(TRAINING, NetworkSettings(coordinates="quadratic")),
    # twice as wide where masks are made, which are looked at once and corrected
    "wide": Preset(
        TRAINING,
        NetworkSettings(
            pyramid_channels=128, head_channels=128, mask_channels=64, coordinates="quadratic", refinements=1
        ),
    ),
    # the same code in two minutes on two cores
    "smoke": Preset(
        replace(TRAINING, images=1_200, warmup_images=200),
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
