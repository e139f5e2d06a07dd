"""The network: features at a quarter of the image's side, and for each pixel the weights of a tiny network that draws
the whole object seen there (dynamic filters as in CondInst, Tian et al. 2020, and SOLOv2, Wang et al. 2020).
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from baselines.dynamic_masks.refinement import Refinement
from baselines.grid_network import convolution, encoder, ink, stages
from benchmark.models.hints import CountOrZero, Width
from datasets.errors import InputError
from datasets.scene import GRID_SIZE

COORDINATES = 2
COORDINATE_SCALE = 8.0
"""What half an image's side counts for in quadratic coordinates, so that sharp outlines need no large weights."""

AT_A_TIME = 64
"""Pixels of one image that draw together, so that what is between the layers stays in the processor's cache."""

MASKS = 2
"""A pixel draws two masks: the amodal and the visible one of the instance seen there."""


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of.

    blocks, channels: of the four stages of a ResNet, at 64x64, 32x32, 16x16 and 8x8. pyramid_channels: of the
    top-down path. head_channels: of the 3x3 convolution that classes, quality and weights are read from.
    mask_channels: of the 3x3 convolution that mask features are read from. mask_features: F, the inputs of the
    tiny networks besides coordinates. hidden: width H of their two hidden layers. coordinates: what the tiny networks
    know of a place relative to their pixel: "linear" x and y, or "quadratic" x, y and the squared distance, in larger
    units, so that one hidden unit can draw a circle as well as a straight edge. refinements: how often the tiny
    networks are corrected after a look at what they drew (see `Refinement`). attention_heads: of each refinement.
    """

    blocks: tuple[Width, Width, Width, Width] = (1, 2, 2, 1)
    channels: tuple[Width, Width, Width, Width] = (32, 96, 128, 192)
    pyramid_channels: Width = 64
    head_channels: Width = 64
    mask_channels: Width = 32
    mask_features: Width = 16
    hidden: Width = 8
    coordinates: Literal["linear", "quadratic"] = "linear"
    refinements: CountOrZero = 0
    attention_heads: Width = 4

    def __post_init__(self) -> None:
        if self.refinements and self.head_channels % self.attention_heads:
            raise InputError(
                f"network.attention_heads: found {self.attention_heads}, expected a divisor of network.head_channels "
                f"({self.head_channels})"
            )

    @property
    def inputs(self) -> int:
        """Channels that the tiny networks see: mask features, the squared distance where asked, coordinates."""
        return self.mask_features + (self.coordinates == "quadratic") + COORDINATES

    @property
    def weights(self) -> int:
        """Numbers that make one tiny network: three 1x1 layers with biases."""
        return self.hidden * (self.inputs + 1) + self.hidden * (self.hidden + 1) + MASKS * (self.hidden + 1)


class Maps(NamedTuple):
    """What the network says about each pixel.

    class_logits: (B, 1 + categories, 64, 64), of what is visible, background first. quality_logits: (B, 64, 64), of
    the IoU of the amodal mask that the pixel draws. features: (B, C, 64, 64), what the pixel's weights are read from.
    mask_features: (B, I, 64, 64), the inputs of the tiny networks, coordinates last.
    """

    class_logits: Tensor
    quality_logits: Tensor
    features: Tensor
    mask_features: Tensor


class Kernels(NamedTuple):
    """The tiny networks of M pixels.

    pixels: (M,) int64, flat places in (B, 64, 64), ordered by image. weights: (M, W) float32. quality_logits: (M,), of
    the IoU of the amodal mask. earlier: mask logits (M, 2, P) that refinements looked at, in their order.
    """

    pixels: Tensor
    weights: Tensor
    quality_logits: Tensor
    earlier: tuple[Tensor, ...] = ()

    def of(self, rows: Tensor) -> "Kernels":
        """Those of some pixels, by their positions among the M."""
        return Kernels(self.pixels[rows], self.weights[rows], self.quality_logits[rows])


class Drawn(NamedTuple):
    """What M pixels draw at P points. mask_logits: (M, 2, P), amodal and visible."""

    maps: Maps
    kernels: Kernels
    mask_logits: Tensor


class DynamicMaskNetwork(nn.Module):
    """Maps of an image, and the masks that given pixels of it draw."""

    def __init__(self, settings: NetworkSettings, categories: int, channels: int = 1):
        super().__init__()
        self.settings = settings
        self.channels = channels
        self.encoder = encoder(settings.blocks, settings.channels, channels)
        width = settings.pyramid_channels
        self.laterals = nn.ModuleList([nn.Conv2d(channels, width, 1) for channels in settings.channels])
        self.smooth = nn.ModuleList([convolution(width, width) for _ in settings.channels[1:-1]])
        self.position = nn.Conv2d(COORDINATES, width, 1)
        self.head = convolution(width, settings.head_channels)
        self.mask_head = convolution(width, settings.mask_channels)
        self.classes_and_quality = nn.Conv2d(settings.head_channels, 1 + categories + 1, 1)
        self.weights = nn.Linear(settings.head_channels + COORDINATES, settings.weights)
        self.mask_features = nn.Conv2d(settings.mask_channels, settings.mask_features, 1)
        self.refinements = nn.ModuleList(
            Refinement(settings.head_channels, settings.attention_heads, settings.weights)
            for _ in range(settings.refinements)
        )
        if settings.refinements:
            self.refined_quality = nn.Linear(settings.head_channels, 1)
        axis = (torch.arange(GRID_SIZE) + 0.5) / (GRID_SIZE / 2) - 1  # -1 at one edge, 1 at the other
        self.register_buffer("grid", torch.stack(torch.meshgrid(axis, axis, indexing="ij")), persistent=False)

    def forward(self, image: Tensor, pixels: Tensor, points: Tensor | None = None) -> Drawn:
        """Maps of images, as `maps` takes them, kernels of `pixels`, and what these draw at `points`."""
        maps = self.maps(image)
        kernels = self.kernels(maps, pixels, points)
        return Drawn(maps, kernels, self.draw(maps, kernels, points))

    def maps(self, image: Tensor) -> Maps:
        """image: (B, 256, 256) or (B, 256, 256, 3) uint8, which a network of one channel sees in grey."""
        features = self._pyramid(ink(image, self.channels)) + self.position(self.grid[None])
        head = self.head(features)
        classes_and_quality = self.classes_and_quality(head).float()
        mask_features = self.mask_features(self.mask_head(features)).float()
        inputs = located(mask_features, self.grid, self.settings)
        return Maps(classes_and_quality[:, :-1], classes_and_quality[:, -1], head.float(), inputs)

    def kernels(self, maps: Maps, pixels: Tensor, points: Tensor | None = None) -> Kernels:
        """The tiny networks of `pixels`; refinements look at what they draw at `points`.

        pixels: (M,) int64, flat places in (B, 64, 64), sorted. points: (P,) int64, flat places in (64, 64); None
        means all 4,096 of them.
        """
        area = GRID_SIZE**2
        features = maps.features.permute(0, 2, 3, 1).flatten(0, 2)[pixels]
        places = self.grid.flatten(1)
        positions = places.t()[pixels % area]
        weights = self.weights(torch.cat([features, positions], dim=1)).float()
        kernels = Kernels(pixels, weights, maps.quality_logits.flatten()[pixels])
        if not self.refinements:
            return kernels
        seen = maps.features.flatten(2)
        if points is not None:
            seen, places = seen[:, :, points], places[:, points]
        counts = (pixels // area).bincount(minlength=len(seen)).tolist()
        for refinement in self.refinements:
            drawn = self.draw(maps, kernels, points)
            features, correction = refinement(features, positions, drawn, seen, places, counts)
            kernels = kernels._replace(weights=kernels.weights + correction, earlier=(*kernels.earlier, drawn))
        return kernels._replace(quality_logits=self.refined_quality(features)[:, 0].float())

    def draw(self, maps: Maps, kernels: Kernels, points: Tensor | None = None) -> Tensor:
        """Mask logits (M, 2, P) of tiny networks at P `points` of their images; None means all 4,096 of them."""
        area = GRID_SIZE**2
        positions = self.grid.flatten(1).t()[kernels.pixels % area]
        inputs = maps.mask_features.flatten(2)
        if points is not None:
            inputs = inputs[:, :, points]
        counts = (kernels.pixels // area).bincount(minlength=len(inputs))
        with torch.autocast(inputs.device.type, enabled=False):  # differences of coordinates need float32
            if len(inputs) > 1:
                return draw_masks(kernels.weights, positions, inputs, counts, self.settings)
            drawn = [
                draw_masks(weights, places, inputs, counts.new_tensor([len(places)]), self.settings)
                for weights, places in zip(kernels.weights.split(AT_A_TIME), positions.split(AT_A_TIME), strict=True)
            ]
            return torch.cat(drawn)

    def _pyramid(self, image: Tensor) -> Tensor:
        """(B, channels, 256, 256) to features (B, pyramid_channels, 64, 64)."""
        levels = stages(self.encoder, image)
        top = self.laterals[-1](levels[-1])
        for place in range(len(levels) - 2, -1, -1):
            top = self.laterals[place](levels[place]) + interpolate(top, scale_factor=2, mode="nearest")
            if place:
                top = self.smooth[place - 1](top)
        return top


def located(features: Tensor, places: Tensor, settings: NetworkSettings) -> Tensor:
    """Mask features (B, F, ...) and what the tiny networks know of places (2, ...): (B, settings.inputs, ...)."""
    if settings.coordinates == "quadratic":
        places = COORDINATE_SCALE * torch.cat([places.square().sum(dim=0, keepdim=True), places])
    return torch.cat([features, places.expand(len(features), *places.shape)], dim=1)


def draw_masks(weights: Tensor, positions: Tensor, inputs: Tensor, counts: Tensor, settings: NetworkSettings) -> Tensor:
    """Run M tiny networks on all points of their images: logits (M, 2, P), amodal and visible.

    weights: (M, settings.weights), ordered by image. positions: (M, 2), where the pixels lie; coordinates enter the
    networks relative to them. inputs: (B, I, P), coordinates last. counts: (B,), how many of the M are in each image.
    """
    hidden, inside = settings.hidden, settings.inputs
    shapes = [(hidden, inside), (hidden, 1), (hidden, hidden), (hidden, 1), (MASKS, hidden), (MASKS, 1)]
    parts = weights.split([rows * columns for rows, columns in shapes], dim=1)
    first, bias, second, second_bias, third, third_bias = (
        part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)
    )
    # W (x - p) + b = W x + (b - W p), so that all networks of an image share one matrix product
    straight = first[:, :, -COORDINATES:]
    if settings.coordinates == "linear":
        bias = bias - straight @ positions[:, :, None]
    else:  # w |x - p|^2 = w |x|^2 - 2 w p x + w |p|^2 besides, all scaled alike
        bent = first[:, :, -COORDINATES - 1, None]
        away = bent * positions.square().sum(dim=1)[:, None, None] - straight @ positions[:, :, None]
        bias = bias + COORDINATE_SCALE * away
        first = torch.cat([first[:, :, :-COORDINATES], straight - 2 * bent * positions[:, None]], dim=2)
    of_images = [
        (of_image.flatten(0, 1) @ image).unflatten(0, (-1, hidden))
        for of_image, image in zip(first.split(counts.tolist()), inputs, strict=True)
    ]
    drawn = relu((of_images[0] if len(of_images) == 1 else torch.cat(of_images)) + bias, inplace=True)
    drawn = relu(torch.baddbmm(second_bias, second, drawn), inplace=True)
    return torch.baddbmm(third_bias, third, drawn)
