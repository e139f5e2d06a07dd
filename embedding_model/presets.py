"""Presets of the layered-embedding model: every hyperparameter of a run, as data."""

from dataclasses import dataclass, field, replace

from benchmark.engine.settings import COMPACT, TrainingSettings
from embedding_model.instances import InstanceSettings
from embedding_model.loss import LossSettings
from embedding_model.network import NetworkSettings

CLASSES_FIRST = LossSettings(variance_weight=0.1, distance_weight=0.1, regularization_weight=0.001)
"""For a few thousand images: with the paper's weights of 1 the embedding drowns the classes at first."""

BALANCED = LossSettings(variance_weight=0.3, distance_weight=0.3, regularization_weight=0.001)
"""For 30,000 images and more: a small weight helps early and a large one late (docs/experiments.md)."""


@dataclass(frozen=True)
class Preset:
    """network, loss and training make the weights; instances says how predictions are made from them."""

    training: TrainingSettings
    network: NetworkSettings = field(default_factory=NetworkSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    instances: InstanceSettings = field(default_factory=InstanceSettings)


COMPACT_NETWORK = NetworkSettings(
    encoder="tu-resnet18",
    encoder_channels=(64, 128, 256, 256),
    in_channels=1,
    stem="patch",
    decoder="fpn",
    feature_channels=128,
    pyramid_channels=128,
    normalization="batch",
    dropout=0.0,
    head_channels=(128,),
    shared_heads=True,
    normalized_heads=True,
    embedding_channels=8,
)

PRESETS = {
    # docs/protocol.md "Embedding model"; the paper starts from pretrained weights, network.encoder_weights
    "paper": Preset(training=TrainingSettings(weight_decay=1e-5)),
    # for CPUs with bfloat16 and for anyone in a hurry
    "compact": Preset(
        training=COMPACT,
        network=COMPACT_NETWORK,
        loss=BALANCED,
    ),
    # the same code in two minutes on two cores
    "smoke": Preset(
        training=replace(COMPACT, images=4_000, optimizer="adamw", learning_rate=3e-3, warmup_images=400),
        network=replace(
            COMPACT_NETWORK,
            encoder_channels=(32, 32, 64, 64),
            stem="encoder",
            feature_channels=32,
            pyramid_channels=32,
            head_channels=(32,),
        ),
        loss=CLASSES_FIRST,
    ),
}
