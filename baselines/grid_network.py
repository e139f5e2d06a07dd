"""What networks that see an image at a quarter of its side share."""

from collections.abc import Sequence

from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from datasets.scene import GRID_STRIDE


def encoder(blocks: Sequence[int], channels: Sequence[int], in_channels: int) -> ResNet:
    """A ResNet whose first stage sees each 4x4 pixels as one, with its neighbours, and loses none of them."""
    network = ResNet(BasicBlock, blocks, channels=channels, in_chans=in_channels, num_classes=0)
    network.conv1 = nn.Sequential(
        nn.PixelUnshuffle(GRID_STRIDE),
        nn.Conv2d(in_channels * GRID_STRIDE**2, network.bn1.num_features, 3, padding=1, bias=False),
    )
    network.maxpool = nn.Identity()
    return network


def stages(network: ResNet, image: Tensor) -> list[Tensor]:
    """Features of the four stages of `encoder`, at 64x64, 32x32, 16x16 and 8x8 for an image of 256x256."""
    features = network.act1(network.bn1(network.conv1(image)))
    found = []
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        features = stage(features)
        found.append(features)
    return found


def convolution(before: int, after: int) -> nn.Sequential:
    """A 3x3 convolution, normalised, without what is below zero."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
    )


def ink(image: Tensor, channels: int) -> Tensor:
    """(B, H, W) or (B, H, W, 3) uint8 to (B, channels, H, W) float32, 0 for white; one channel sees colours in grey."""
    if image.ndim == 3:
        values = image[:, None].float().expand(-1, channels, -1, -1)
    else:
        values = image.permute(0, 3, 1, 2).float()
        values = values if channels == values.shape[1] else values.mean(dim=1, keepdim=True)
    return 1 - values / 255
