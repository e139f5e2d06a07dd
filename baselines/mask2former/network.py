"""The network: a small ResNet with a top-down path, and the transformer decoder of Mask2Former (Cheng et al. 2022) from
`transformers`, whose queries each draw one whole object.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerMaskPredictor, Mask2FormerTransformerModule

from baselines.grid_network import convolution, encoder, ink, stages
from benchmark.models.hints import Width
from datasets.scene import GRID_SIZE

QUERIES = 8
"""Queries along each side: one for each cell of the coarsest level."""

COORDINATE_SCALE = 8.0
"""What half an image's side counts for in the coordinates of masks, so that sharp outlines need no large weights."""


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of.

    blocks, channels: of the four stages of a ResNet, at 64x64, 32x32, 16x16 and 8x8. width: of the top-down path, of
    the queries and of the pixels' embeddings. heads, feedforward, decoder_layers: of the transformer decoder.
    """

    blocks: tuple[Width, Width, Width, Width] = (1, 2, 2, 1)
    channels: tuple[Width, Width, Width, Width] = (32, 96, 128, 192)
    width: Width = 96
    heads: Width = 4
    feedforward: Width = 256
    decoder_layers: Width = 3


class Output(NamedTuple):
    """What the queries say, before the decoder and after each of its T layers; Q queries, one for each cell of 8x8.

    class_logits: (1 + T, B, Q, categories + 1) float32, "no object" last. mask_logits: (1 + T, B, Q, 64, 64) float32,
    amodal. shown_logits: (B, Q, 64, 64) float32, whether the query's object is what one sees at a pixel of its mask,
    after the last layer. visible_logits: (B, 1 + categories, 64, 64) float32, classes of what is seen, background
    first.
    """

    class_logits: Tensor
    mask_logits: Tensor
    shown_logits: Tensor
    visible_logits: Tensor


class Mask2FormerNetwork(nn.Module):
    """Classes and amodal masks of a set of objects from an image."""

    def __init__(self, settings: NetworkSettings, categories: int, channels: int = 1):
        super().__init__()
        self.channels = channels
        width = settings.width
        self.encoder = encoder(settings.blocks, settings.channels, channels)
        self.laterals = nn.ModuleList([nn.Conv2d(before, width, 1) for before in settings.channels])
        self.smooth = nn.ModuleList([convolution(width, width) for _ in settings.channels])
        self.pixels = nn.Conv2d(width, width, 1)
        self.places = nn.Conv2d(width, width, 1, bias=False)
        self.visible = nn.Conv2d(width, 1 + categories, 1)
        self.transformer = Mask2FormerTransformerModule(
            width,
            Mask2FormerConfig(
                hidden_dim=width, mask_feature_size=width, num_queries=1, num_attention_heads=settings.heads,
                dim_feedforward=settings.feedforward, decoder_layers=settings.decoder_layers + 1, dropout=0.0,
            ),
        )  # fmt: skip
        self.transformer.decoder.mask_predictor = PlacedMasks(width, settings.heads)
        self.classes = nn.Linear(width, categories + 1)
        self.shown = nn.Linear(width, width)

    def forward(self, image: Tensor) -> Output:
        """image: (B, 256, 256) or (B, 256, 256, 3) uint8, which a network of one channel sees in grey."""
        *levels, top = self._pyramid(ink(image, self.channels))
        embeddings = self.pixels(top) + self.places(self._position(top))
        decoded = self._decode(levels, embeddings)
        states = torch.stack([state.transpose(0, 1) for state in decoded.intermediate_hidden_states])
        return Output(
            self.classes(states).float(),
            torch.stack(decoded.masks_queries_logits).float(),
            torch.einsum("bqc,bchw->bqhw", self.shown(states[-1]), embeddings).float(),
            self.visible(top).float(),
        )

    def _decode(self, levels: list[Tensor], embeddings: Tensor):
        """The library's decoder on queries that start as the cells of the coarsest level, and not as learned ones."""
        module = self.transformer
        positions = [self._position(level).expand_as(level).flatten(2).permute(2, 0, 1) for level in levels]
        states = [
            (level + module.level_embed.weight[place][:, None, None]).flatten(2).permute(2, 0, 1)
            for place, level in enumerate(levels)
        ]
        return module.decoder(
            inputs_embeds=states[0] + module.queries_features.weight[:, None],
            query_position_embeddings=positions[0] + module.queries_embedder.weight[:, None],
            multi_stage_positional_embeddings=positions,
            encoder_hidden_states=states,
            pixel_embeddings=embeddings,
            feature_size_list=[level.shape[-2:] for level in levels],
            return_dict=True,
        )

    def _position(self, features: Tensor) -> Tensor:
        """Sines and cosines of where each pixel of a map (B, C, H, W) lies: (1, C, H, W)."""
        return self.transformer.position_embedder((1, *features.shape[1:]), features.device, features.dtype, None)

    def _pyramid(self, image: Tensor) -> list[Tensor]:
        """(B, channels, 256, 256) to features of `width` channels at 8x8, 16x16, 32x32 and 64x64."""
        levels = stages(self.encoder, image)
        found: list[Tensor] = []
        for place in reversed(range(len(levels))):
            level = self.laterals[place](levels[place])
            if found:
                level = level + interpolate(found[-1], scale_factor=2, mode="nearest")
            found.append(self.smooth[place](level))
        return found


class PlacedMasks(Mask2FormerMaskPredictor):
    """Masks of queries that have a place: the library's, plus a second-degree polynomial of where a pixel lies relative
    to the query's cell. It begins as a disc around the cell; the queries' states bend, stretch and move it.
    """

    def __init__(self, width: int, heads: int):
        super().__init__(width, heads, width)
        self.outline = nn.Linear(width, 6)
        nn.init.zeros_(self.outline.weight)
        self.outline.bias.data = torch.tensor([2.0, 0.0, 0.0, -0.5, 0.0, -0.5])
        self.register_buffer("terms", relative_terms(), persistent=False)

    def forward(
        self, outputs: Tensor, pixel_embeddings: Tensor, attention_mask_target_size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Mask logits (B, Q, 64, 64), and where the next layer must not look: (B x heads, Q, pixels) bool.

        outputs: (Q, B, width). pixel_embeddings: (B, width, 64, 64). attention_mask_target_size: of the next level.
        """
        appearance = torch.einsum("bqc,bchw->bqhw", self.mask_embedder(outputs.transpose(0, 1)), pixel_embeddings)
        with torch.autocast(outputs.device.type, enabled=False):  # sums of squared coordinates need float32
            outline = torch.bmm(self.outline(outputs.float()), self.terms).transpose(0, 1)
            masks = appearance.float() + outline.unflatten(2, appearance.shape[2:])
        small = interpolate(masks.detach(), size=attention_mask_target_size, mode="bilinear", align_corners=False)
        return masks, (small < 0).flatten(2).repeat_interleave(self.num_heads, dim=0)


def relative_terms() -> Tensor:
    """1, x, y, x^2, xy and y^2 of each pixel of the grid relative to the centre of each query's cell: (Q, 6, 4096)."""
    axes = [(torch.arange(size) + 0.5) / size * 2 - 1 for size in (GRID_SIZE, QUERIES)]
    pixels, cells = (COORDINATE_SCALE * torch.cartesian_prod(axis, axis) for axis in axes)
    y, x = (pixels - cells[:, None]).unbind(2)
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], dim=1)
