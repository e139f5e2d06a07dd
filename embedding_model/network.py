"""The network: shared features at a quarter of the image's side, and per layer a class head and an embedding head
(paper section 4, Fig. 2; docs/protocol.md "Embedding model").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch
from annotated_types import Interval, Predicate
from segmentation_models_pytorch.encoders import get_encoder_names
from timm.layers import BatchNormAct2d, GroupNormAct
from torch import Tensor, nn

from benchmark.models.hints import InitialWeights, NotNegative, Width
from datasets.errors import InputError

COORDINATES = 2
"""Row and column of a pixel."""

GROUPING = 2
"""Logarithm of the sharpness, which is a bandwidth's inverse square, and logit of the seed of a pixel."""

GROUPS = 8
"""Groups of every GroupNorm that replaces a BatchNorm."""


def is_encoder(name: str) -> bool:
    """an encoder of segmentation_models_pytorch, or tu- and a network of timm"""
    return timm.is_model(name.removeprefix("tu-")) if name.startswith("tu-") else name in get_encoder_names()


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of.

    encoder: any name of segmentation_models_pytorch; "tu-NAME" is timm's NAME. encoder_weights: a safetensors file
    with the encoder's weights as timm or segmentation_models_pytorch name them; None starts from random weights.
    encoder_channels: widths of the four stages of one of timm's ResNets; None keeps its own.
    in_channels: of the encoder's input; a run on images in colour has three whatever this says.
    stem: "encoder" keeps the encoder's own first stage; "patch" replaces a ResNet's (7x7 convolution and pooling) by
    one 3x3 convolution over the 4x4 pixels behind each output pixel, which loses no pixel and is cheaper.
    decoder: DeepLabV3+ at output stride 16, or a feature pyramid. feature_channels: of the decoder's output.
    pyramid_channels: of the feature pyramid's levels. normalization: of encoder and decoder. dropout: on the decoder's
    features (DeepLabV3+: after its pyramid pooling). head_channels: of the 3x3 convolutions of a head.
    shared_heads: one stack of those for all heads, or one of its own for each of the 2L heads as in the paper.
    normalized_heads: a BatchNorm after each of a head's hidden convolutions, which the paper's do not have.
    embedding_channels: C. coordinate_range: what the first two of them gain from one edge of the image to the other,
    rows and columns, so that the network learns offsets from where a pixel is to where its instance is (Neven et al.
    2019); 0 adds nothing. learned_bandwidth: each pixel also says how near to its instance's mean its pixels lie, and
    how good a seed it is; the loss and the clustering are then those of `spatial_loss` and `seeded_clustering`.
    """

    encoder: Annotated[str, Predicate(is_encoder)] = "tu-xception65"
    encoder_weights: InitialWeights = None
    encoder_channels: tuple[Width, ...] | None = None
    in_channels: Literal[1, 3] = 3
    stem: Literal["encoder", "patch"] = "encoder"
    decoder: Literal["deeplabv3plus", "fpn"] = "deeplabv3plus"
    feature_channels: Width = 256
    pyramid_channels: Width = 256
    normalization: Literal["batch", "group"] = "group"
    dropout: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    head_channels: tuple[Width, ...] = (256, 256, 128)
    shared_heads: bool = False
    normalized_heads: bool = False
    embedding_channels: Annotated[int, Interval(ge=1, le=16)] = 6
    coordinate_range: NotNegative = 0.0
    learned_bandwidth: bool = False

    def __post_init__(self) -> None:
        if self.coordinate_range and self.embedding_channels < COORDINATES:
            raise InputError(f"coordinates need {COORDINATES} embedding channels, found {self.embedding_channels}")


class Output(NamedTuple):
    """class_logits: (B, L, 1 + categories, 64, 64) float32, background first. embeddings: (B, L, C, 64, 64) float32.
    grouping: (B, L, 2, 64, 64) float32, logarithm of the sharpness and logit of the seed, None unless asked for."""

    class_logits: Tensor
    embeddings: Tensor
    grouping: Tensor | None = None


class LayeredEmbeddingNetwork(nn.Module):
    """Class logits and embeddings of layers 1 to L from an image."""

    def __init__(self, settings: NetworkSettings, layers: int, categories: int):
        super().__init__()
        self.in_channels = settings.in_channels
        self.layers = layers
        self.coordinate_range = settings.coordinate_range
        self.encoder, self.decoder = _features(settings)
        self.classes = 1 + categories  # background first
        outputs = (self.classes, settings.embedding_channels, *([GROUPING] if settings.learned_bandwidth else []))
        self.splits = [self.classes, self.classes + settings.embedding_channels]
        if settings.shared_heads:
            self.heads = nn.ModuleList([_head(settings, layers * sum(outputs))])
        else:
            self.heads = nn.ModuleList([_head(settings, channels) for _ in range(layers) for channels in outputs])

    def forward(self, image: Tensor) -> Output:
        """image: (B, 256, 256) or (B, 256, 256, 3) uint8; scaled to [-1, 1]."""
        features = self.decoder(self.encoder(self._scaled(image)))
        maps = torch.cat([head(features).float() for head in self.heads], dim=1)
        classes, embeddings, grouping = maps.unflatten(1, (self.layers, -1)).tensor_split(self.splits, dim=2)
        if self.coordinate_range:
            half = self.coordinate_range / 2
            axes = [torch.linspace(-half, half, side, device=maps.device) for side in maps.shape[2:]]
            located = torch.stack(torch.meshgrid(*axes, indexing="ij"))
            embeddings = torch.cat([embeddings[:, :, :COORDINATES] + located, embeddings[:, :, COORDINATES:]], dim=2)
        return Output(classes, embeddings, grouping if grouping.shape[2] else None)

    def _scaled(self, image: Tensor) -> Tensor:
        scaled = image.float() / 127.5 - 1.0
        if scaled.ndim == 3:
            return scaled[:, None].expand(-1, self.in_channels, -1, -1)
        scaled = scaled.permute(0, 3, 1, 2)
        return scaled if scaled.shape[1] == self.in_channels else scaled.mean(dim=1, keepdim=True)


def _features(settings: NetworkSettings) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder; their composition maps an image to (B, feature_channels, 64, 64)."""
    common: dict[str, Any] = {
        "encoder_name": settings.encoder,
        "encoder_weights": None,
        "in_channels": settings.in_channels,
    }
    if settings.encoder_channels is not None:
        common["channels"] = settings.encoder_channels
    if settings.decoder == "deeplabv3plus":
        model = smp.DeepLabV3Plus(
            **common,
            encoder_output_stride=16,
            decoder_channels=settings.feature_channels,
            decoder_atrous_rates=(6, 12, 18),
            decoder_aspp_dropout=settings.dropout,
        )
    else:
        model = smp.FPN(
            **common,
            decoder_pyramid_channels=settings.pyramid_channels,
            decoder_segmentation_channels=settings.feature_channels,
            decoder_dropout=settings.dropout,
        )
        model.decoder.merge = _Sum()
    if settings.stem == "patch":
        resnet = getattr(model.encoder, "model", model.encoder)  # timm's, or segmentation_models_pytorch's own
        width = resnet.conv1.out_channels
        resnet.conv1 = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(16 * settings.in_channels, width, 3, padding=1, bias=False)
        )
        resnet.maxpool = nn.Identity()
    for part in (model.encoder, model.decoder):
        _set_normalization(part, settings.normalization)
    return model.encoder, model.decoder


class _Sum(nn.Module):
    """The pyramid's levels added one by one: a tenth of the time of stacking them first."""

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        total = maps[0]
        for level in maps[1:]:
            total = total + level
        return total


def _set_normalization(module: nn.Module, kind: str) -> None:
    """Turn every BatchNorm into a GroupNorm or the other way round, in place, with fresh parameters."""
    for name, child in module.named_children():
        if kind == "group" and isinstance(child, BatchNormAct2d):
            norm = GroupNormAct(child.num_features, GROUPS, eps=child.eps, apply_act=False)
            norm.act = child.act
            setattr(module, name, norm)
        elif kind == "group" and isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.GroupNorm(GROUPS, child.num_features, eps=child.eps))
        elif kind == "batch" and isinstance(child, nn.GroupNorm):
            setattr(module, name, nn.BatchNorm2d(child.num_channels))
        else:
            _set_normalization(child, kind)


def _head(settings: NetworkSettings, out_channels: int) -> nn.Sequential:
    """3x3 convolutions with ReLU, the last of them linear; with a BatchNorm each where the settings ask for it."""
    widths = (settings.feature_channels, *settings.head_channels)
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers.append(nn.Conv2d(before, after, 3, padding=1, bias=not settings.normalized_heads))
        if settings.normalized_heads:
            layers.append(nn.BatchNorm2d(after))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], out_channels, 3, padding=1))
