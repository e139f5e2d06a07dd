"""Shapes, and the preset of the paper."""

import pytest
import torch
from torch import nn

from datasets.errors import InputError
from embedding_model.network import LayeredEmbeddingNetwork, NetworkSettings

SMALL = NetworkSettings(
    encoder="resnet18",
    in_channels=1,
    decoder="fpn",
    feature_channels=32,
    pyramid_channels=32,
    normalization="batch",
    dropout=0.0,
    head_channels=(16,),
    shared_heads=True,
    embedding_channels=3,
)


def image(batch=2):
    return 255 * torch.randint(0, 2, (batch, 256, 256), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def replace(**changes):
    return NetworkSettings(**{**SMALL.__dict__, **changes})


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize(
    "settings",
    [SMALL, replace(stem="patch"), replace(shared_heads=False, embedding_channels=16), replace(in_channels=3)],
    ids=["small", "patch", "separate", "rgb"],
)
def test_shapes(settings, layers):
    output = LayeredEmbeddingNetwork(settings, layers, 3)(image())
    assert output.class_logits.shape == (2, layers, 4, 64, 64)
    assert output.embeddings.shape == (2, layers, settings.embedding_channels, 64, 64)
    assert output.embeddings.dtype == output.class_logits.dtype == torch.float32


@pytest.mark.parametrize("in_channels", [1, 3])
def test_grey_and_colour_images_are_the_same(in_channels):
    network = LayeredEmbeddingNetwork(replace(in_channels=in_channels), 2, 3).eval()
    with torch.no_grad():
        grey, colour = network(image()), network(image()[..., None].expand(-1, -1, -1, 3))
    torch.testing.assert_close(grey, colour, rtol=0, atol=1e-3)  # memory formats differ, and so do roundings


def test_float32_out_of_autocast():
    with torch.autocast("cpu", torch.bfloat16):
        output = LayeredEmbeddingNetwork(SMALL, 1, 3)(image(2)[:, :64, :64])  # bfloat16 is slow where it is emulated
    assert output.embeddings.dtype == output.class_logits.dtype == torch.float32


def test_the_network_of_the_paper():
    """Built without memory: its structure is what the protocol says."""
    with torch.device("meta"):
        network = LayeredEmbeddingNetwork(NetworkSettings(), 2, 3)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert {module.num_groups for module in network.modules() if isinstance(module, nn.GroupNorm)} == {8}
    heads = [[conv.out_channels for conv in head.modules() if isinstance(conv, nn.Conv2d)] for head in network.heads]
    assert heads == [[256, 256, 128, 4], [256, 256, 128, 6]] * 2
    assert all(conv.kernel_size == (3, 3) for conv in network.heads.modules() if isinstance(conv, nn.Conv2d))
    assert {module.p for module in network.modules() if isinstance(module, nn.Dropout)} == {0.1}
    with torch.device("meta"):
        features = network.encoder(torch.empty(1, 3, 256, 256))
        assert features[-1].shape == (1, 2048, 16, 16)
        assert network.decoder(features).shape == (1, 256, 64, 64)


def test_timm_encoders_and_activations_survive_group_norm():
    with torch.device("meta"):
        batch = LayeredEmbeddingNetwork(replace(encoder="tu-xception41", normalization="batch"), 1, 3)
        group = LayeredEmbeddingNetwork(replace(encoder="tu-xception41", normalization="group"), 1, 3)
    count = [sum(isinstance(module, nn.ReLU) for module in network.encoder.modules()) for network in (batch, group)]
    assert count[0] == count[1] > 0


def test_wrong_settings():
    with pytest.raises(InputError, match="2 embedding channels, found 1"):
        replace(embedding_channels=1, coordinate_range=16.0)


def test_coordinates_are_added_to_two_channels():
    torch.manual_seed(0)
    network = LayeredEmbeddingNetwork(SMALL, 2, 3).eval()
    with torch.no_grad():
        plain = network(image())
        network.coordinate_range = 63.0
        located = network(image())
    rows = torch.arange(64.0) - 31.5
    added = torch.stack([rows[:, None].expand(64, 64), rows.expand(64, 64), torch.zeros(64, 64)])
    torch.testing.assert_close(located.embeddings - plain.embeddings, added.expand(2, 2, -1, -1, -1), rtol=0, atol=1e-4)
    torch.testing.assert_close(located.class_logits, plain.class_logits)
