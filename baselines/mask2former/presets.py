"""Presets of Mask2Former: every hyperparameter of a run, as data."""

from dataclasses import dataclass, field, replace

from baselines.mask2former.instances import InstanceSettings
from baselines.mask2former.loss import LossSettings
from baselines.mask2former.network import NetworkSettings
from benchmark.engine.settings import COMPACT, TrainingSettings


@dataclass(frozen=True)
class Preset:
    """network, loss and training make the weights; instances says how predictions are made from them."""

    training: TrainingSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    instances: InstanceSettings = field(default_factory=InstanceSettings)


TRAINING = replace(COMPACT, images=30_000, batch_size=2, learning_rate=5e-3, warmup_images=500, checkpoint_every=1_000)

PRESETS = {
    "compact": Preset(TRAINING),
    # the same code in two minutes on two cores
    "smoke": Preset(
        replace(TRAINING, images=1_200, warmup_images=200),
        network=NetworkSettings(
            blocks=(1, 1, 1, 1), channels=(32, 32, 64, 64), width=32, feedforward=64, decoder_layers=2
        ),
    ),
}
