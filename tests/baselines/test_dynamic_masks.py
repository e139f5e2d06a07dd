"""Dynamic masks: sampling, drawing, loss, grouping and depth order, on scenes that one can draw in one's head."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from baselines.dynamic_masks.adapter import training_step
from baselines.dynamic_masks.instances import (
    Candidates,
    InstanceSettings,
    depth_order,
    find_instances,
    group,
    mean_masks,
)
from baselines.dynamic_masks.loss import LossSettings, dynamic_mask_loss, mask_loss, sample_pixels, sample_points
from baselines.dynamic_masks.network import (
    Drawn,
    DynamicMaskNetwork,
    Kernels,
    Maps,
    NetworkSettings,
    draw_masks,
    located,
)
from baselines.dynamic_masks.pictures import DRAWN, steps
from baselines.dynamic_masks.presets import PRESETS
from baselines.dynamic_masks.refinement import Refinement
from baselines.visible_targets import collate, render_visible, visible_classes
from datasets.errors import InputError
from datasets.render import render_layers
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED

SMALL = NetworkSettings(
    blocks=(1, 1, 1, 1), channels=(8, 8, 8, 8), pyramid_channels=8, head_channels=8, mask_channels=8, mask_features=3,
    hidden=4,
)  # fmt: skip


def batch(count=2, shapes=(2, 2, 2)):
    return collate([render_visible(sample_scene(SceneParameters(shapes), TUNING_SEED, i)) for i in range(count)])


def bars():
    """Mask A is the upper half, B the left half, and A lies on B. Amodal masks (2, 64, 64) and the visible ones."""
    amodal = torch.zeros(2, 64, 64, dtype=torch.bool)
    amodal[0, :32], amodal[1, :, :32] = True, True
    return amodal, torch.stack([amodal[0], amodal[1] & ~amodal[0]])


def test_targets_are_those_of_the_layers():
    scene = sample_scene(SceneParameters((4, 4, 4)), TUNING_SEED, 3)
    sample, layers = render_visible(scene), render_layers(scene, layers=3)
    np.testing.assert_array_equal(sample.instance_map, layers.layers[0])
    np.testing.assert_array_equal(sample.categories, layers.categories)
    np.testing.assert_array_equal(visible_classes(collate([sample]))[0], layers.category_layers[0])
    for number, mask in enumerate(sample.masks, start=1):
        assert mask.astype(bool)[(layers.layers == number).any(axis=0)].all()


def test_samples_visible_pixels_of_every_instance():
    data = batch()
    instance_map = data["instance_map"]
    instance_map[1, instance_map[1] == 1] = 0
    instance_map[1, 5, 7] = 1  # an instance of one pixel
    torch.manual_seed(0)
    draws = [sample_pixels(data, LossSettings()) for _ in range(2)]
    assert not torch.equal(*draws)
    for pixels in draws:
        assert torch.equal(pixels, pixels.unique())
        for place, numbers in enumerate(instance_map):
            found = instance_map.flatten()[pixels[pixels // 4096 == place]].bincount(minlength=numbers.max() + 1)
            areas = numbers.flatten().bincount()
            assert found[0] == 0 and torch.equal(found[1:], areas[1:].clamp(max=3))


def test_more_pixels_of_instances_that_are_more_hidden():
    """Two bars of 8 pixels; of the second one 6 are hidden."""
    masks = torch.zeros(1, 2, 64, 64, dtype=torch.uint8)
    masks[0, 0, 0, :8] = masks[0, 1, 0, 2:10] = 1
    instance_map = masks[0, 0] + 2 * (masks[0, 1] & ~masks[0, 0])
    data = {"instance_map": instance_map[None], "masks": masks}
    for hidden_pixels, drawn in ((0, [1, 1]), (1, [1, 2]), (2, [1, 2]), (4, [1, 2])):  # two are all that it has
        pixels = sample_pixels(data, LossSettings(pixels_per_instance=1, hidden_pixels=hidden_pixels))
        assert instance_map.flatten()[pixels].bincount()[1:].tolist() == drawn


def test_points_are_one_of_each_block():
    blocks = torch.arange(4096).view(16, 4, 16, 4).permute(0, 2, 1, 3).reshape(256, 16)
    points = sample_points(4, torch.device("cpu"))
    assert ((points[:, None] == blocks).sum(dim=1) == 1).all()


@pytest.mark.parametrize("coordinates", ["linear", "quadratic"])
def test_tiny_networks_equal_three_convolutions(coordinates):
    """Each with its own weights, on the image of its pixel and coordinates relative to it."""
    torch.manual_seed(0)
    settings = replace(SMALL, coordinates=coordinates)
    features, places, positions, weights = (
        torch.randn(shape, dtype=torch.float64) for shape in ((2, 3, 50), (2, 50), (3, 2), (3, settings.weights))
    )
    drawn = draw_masks(weights, positions, located(features, places, settings), torch.tensor([1, 2]), settings)
    for row, image in enumerate((0, 1, 1)):
        values = located(features[image, None], places - positions[row][:, None], settings)[0]
        start = 0
        for before, after in ((len(values), 4), (4, 4), (4, 2)):
            matrix = weights[row, start:][: before * after].view(after, before)
            bias = weights[row, start + before * after :][:after]
            start += after * (before + 1)
            values = (matrix @ values + bias[:, None]).relu() if after != 2 else matrix @ values + bias[:, None]
        torch.testing.assert_close(drawn[row], values)


@pytest.mark.parametrize("refinements", [0, 2])
def test_drawing_at_points_is_drawing_everywhere(refinements):
    torch.manual_seed(0)
    network = DynamicMaskNetwork(replace(SMALL, refinements=refinements), 3).eval()
    pixels, points = torch.tensor([5, 100, 4096 + 9]), torch.tensor([0, 7, 4000])
    with torch.inference_mode():
        maps = network.maps(batch()["image"])
        kernels = network.kernels(maps, pixels)
        everywhere = network.draw(maps, kernels)
        torch.testing.assert_close(network.draw(maps, kernels, points), everywhere[:, :, points])
        alone = Maps(*(values[1:] for values in maps))
        of_one = network.draw(alone, network.kernels(alone, torch.tensor([9])))
        some = torch.tensor([0, 2])
        torch.testing.assert_close(network.draw(maps, kernels.of(some)), everywhere[some])
    torch.testing.assert_close(of_one, everywhere[2:])


def test_refinements_look_at_what_was_drawn_and_correct_it():
    torch.manual_seed(0)
    network = DynamicMaskNetwork(replace(SMALL, refinements=2), 3).eval()
    pixels, points = torch.tensor([5, 4096 + 9]), torch.arange(0, 4096, 4)
    with torch.inference_mode():
        drawn = network(batch()["image"], pixels, points)
        first, second = drawn.kernels.earlier
        assert first.shape == second.shape == drawn.mask_logits.shape == (2, 2, 1024)
        assert not torch.equal(first, second) and not torch.equal(second, drawn.mask_logits)
        before = DynamicMaskNetwork(SMALL, 3).eval()
        before.load_state_dict(network.state_dict(), strict=False)
        torch.testing.assert_close(before(batch()["image"], pixels, points).mask_logits, first)


def test_a_refinement_gathers_from_the_mask():
    """Features far from what was drawn change nothing, those below it do."""
    torch.manual_seed(0)
    look = Refinement(8, 2, 5).eval()
    logits = torch.full((1, 2, 6), -200.0)
    logits[:, :, :2] = 20.0
    features, positions, seen, places = (torch.randn(shape) for shape in ((1, 8), (1, 2), (1, 8, 6), (2, 6)))
    with torch.inference_mode():
        usual = look(features, positions, logits, seen, places, [1])
        for point, same in ((0, False), (5, True)):
            other = seen.clone()
            other[:, :, point] += 1
            found = look(features, positions, logits, other, places, [1])
            assert all(torch.allclose(one, two) == same for one, two in zip(usual, found, strict=True))


def test_heads_divide_the_channels():
    with pytest.raises(InputError, match="attention_heads: found 3, expected a divisor of network.head_channels"):
        replace(SMALL, refinements=1, attention_heads=3)


def test_loss_vanishes_for_true_masks():
    data = batch()
    pixels, points = sample_pixels(data, LossSettings(pixels_per_instance=2)), sample_points(2, torch.device("cpu"))
    numbers = data["instance_map"].flatten()[pixels].long()
    amodal = data["masks"].flatten(2)[pixels // 4096, numbers - 1]
    visible = data["instance_map"].flatten(1)[pixels // 4096] == numbers[:, None]
    logits = 40.0 * torch.stack([amodal.float(), visible.float()], dim=1) - 20
    classes = torch.cat([torch.zeros(2, 1, dtype=torch.uint8), data["categories"]], dim=1).long()
    classes = classes.gather(1, data["instance_map"].flatten(1).long()).view(2, 64, 64)
    class_logits = 20.0 * nn.functional.one_hot(classes, 4).permute(0, 3, 1, 2)
    maps = Maps(class_logits, torch.full((2, 64, 64), 20.0), torch.empty(0), torch.empty(0))
    logits = logits[:, :, points]
    for earlier in ((), (logits,), (-logits, logits)):
        kernels = Kernels(pixels, torch.empty(0), torch.full((len(pixels),), 20.0), earlier)
        right = dynamic_mask_loss(Drawn(maps, kernels, logits), points, data, LossSettings())
        assert right["loss"] - right["earlier"] < 1e-4 and right["iou"] == 1
        assert (right["earlier"] > 1) == (len(earlier) == 2)
        wrong = dynamic_mask_loss(Drawn(maps, kernels, -logits), points, data, LossSettings())
        assert wrong["amodal"] > 1 and wrong["visible"] > 1 and wrong["quality"] > 1 and wrong["iou"] == 0


def test_mask_loss_by_hand():
    """Half of a mask of two pixels among four, found with certainty: Dice 1 - 2/3; one of two inside is missed."""
    logits, target = torch.tensor([[30.0, -30.0, -30.0, -30.0]]), torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    torch.testing.assert_close(mask_loss(logits, target, 0.0), torch.tensor([1 / 3]))
    torch.testing.assert_close(mask_loss(logits, target, 1.0), torch.tensor([1 / 3 + 30 / 2 / 2]))


@pytest.mark.parametrize("refinements", [0, 2])
def test_training_step_reaches_every_parameter(refinements):
    torch.manual_seed(0)
    network = DynamicMaskNetwork(replace(SMALL, refinements=refinements), 3)
    losses = training_step(network, batch(), LossSettings())
    losses["loss"].backward()
    assert losses["loss"].dtype == torch.float32
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


def test_images_without_shapes():
    data = batch()
    empty = {name: torch.zeros_like(values) for name, values in data.items()}
    losses = training_step(DynamicMaskNetwork(SMALL, 3), empty, LossSettings())
    assert losses["loss"] == losses["cross_entropy"]


def test_groups_take_what_drew_the_same():
    """Three candidates of A, one of them worse, and one of B."""
    amodal, visible = (masks.flatten(1).float() for masks in bars())
    worse = amodal[0].clone()
    worse[:512] = 0  # IoU .75
    some = torch.empty(4)
    candidates = Candidates(
        Kernels(torch.arange(4), some, some),
        torch.tensor([0.9, 0.8, 0.7, 0.6]),
        torch.ones(4, dtype=torch.int64),
        torch.stack([amodal[0], amodal[1], amodal[0], worse]),
        torch.stack([visible[0], visible[1], visible[0], visible[0]]),
    )
    for settings, groups in (
        (InstanceSettings(nms_threshold=0.7), [[0, 2, 3], [1]]),
        (InstanceSettings(nms_threshold=0.8), [[0, 2], [1], [3]]),
        (InstanceSettings(nms_threshold=0.8, visible_threshold=0.5), [[0, 2, 3], [1]]),
        (InstanceSettings(nms_threshold=0.3), [[0, 1, 2, 3]]),
    ):
        assert [rows.tolist() for rows in group(candidates, settings)] == groups, settings


def test_masks_of_a_group_are_the_mean_of_its_best():
    """Two groups: candidates 0 and 2, which drew all and nothing with scores .6 and .2, and candidate 1 alone."""
    scores = torch.tensor([0.6, 0.4, 0.2])
    drawn = torch.tensor([1.0, 0.5, 0.0])[:, None, None].expand(3, 2, 4096)
    groups = [np.array([0, 2]), np.array([1])]
    for members, values in ((1, [1.0, 0.5]), (2, [0.75, 0.5]), (9, [0.75, 0.5])):
        masks = mean_masks(drawn, torch.arange(3), scores, groups, members)
        torch.testing.assert_close(masks, torch.tensor(values)[:, None, None, None].expand(2, 2, 64, 64))


def test_who_owns_the_visible_pixels_is_in_front():
    amodal, visible = bars()
    for order in ([0, 1], [1, 0]):
        assert depth_order(amodal[order], visible[order].float(), torch.tensor([0.6, 0.9])).tolist() == [
            order.index(0) + 1,
            order.index(1) + 1,
        ]


class TrueNetwork(nn.Module):
    """Draws the true masks of `bars` from the pixels where they are visible."""

    def kernels(self, maps, pixels, points=None):
        return Kernels(pixels, pixels, maps.quality_logits.flatten()[pixels])

    def draw(self, maps, kernels, points=None):
        amodal, visible = (masks.flatten(1) for masks in bars())
        owner = visible[:, kernels.pixels].int().argmax(dim=0)
        logits = 40.0 * torch.stack([amodal[owner], visible[owner]], dim=1) - 20
        return logits if points is None else logits[:, :, points]


def true_maps():
    """Of `bars`: A is a rectangle, B a circle."""
    _, visible = bars()
    class_logits = torch.zeros(1, 4, 64, 64)
    class_logits[0, 3, visible[0]], class_logits[0, 1, visible[1]] = 9.0, 9.0
    class_logits[0, 0, ~visible.any(dim=0)] = 9.0
    return Maps(class_logits, torch.full((1, 64, 64), 3.0), torch.empty(0), torch.empty(0))


def test_true_maps_give_the_true_instances():
    (amodal, _), maps = bars(), true_maps()
    (found,) = find_instances(TrueNetwork(), maps, [InstanceSettings()])
    masks = {category: mask for category, mask in zip(found.categories.tolist(), found.masks, strict=True)}
    order = dict(zip(found.categories.tolist(), found.order.tolist(), strict=True))
    assert len(found.scores) == 2 and (found.scores > 0.9).all()
    np.testing.assert_array_equal(masks[3], amodal[0].numpy())
    np.testing.assert_array_equal(masks[1], amodal[1].numpy())
    assert order == {3: 1, 1: 2}


def test_pictures_show_what_a_hidden_pixel_draws():
    (amodal, visible), maps = bars(), true_maps()
    (found,) = find_instances(TrueNetwork(), maps, [InstanceSettings()])
    truth = np.stack([visible[0] + 2 * visible[1].int(), 2 * (amodal[0] & amodal[1]).int()])
    pictures = {picture.caption: picture for picture in steps(TrueNetwork(), maps, found, truth)[:4]}
    drawn = pictures["One pixel and its mask"].values
    colored = (drawn[..., :3] != 255).any(axis=2)
    np.testing.assert_array_equal(colored, amodal[1].numpy())  # of the two, B is hidden in part
    beyond = ~visible[1].numpy() & colored & drawn[..., :3].any(axis=2)  # the pixel itself is black
    assert (drawn[beyond] == (*DRAWN, 255)).all()
    np.testing.assert_array_equal(pictures["Instances found"].values, visible[0] + 2 * visible[1].int())


def test_an_image_without_foreground_has_no_instances():
    class_logits = torch.zeros(1, 4, 64, 64)
    class_logits[:, 0] = 9.0
    maps = Maps(class_logits, torch.zeros(1, 64, 64), torch.zeros(1, 8, 64, 64), torch.zeros(1, 5, 64, 64))
    (found,) = find_instances(DynamicMaskNetwork(SMALL, 3), maps, [InstanceSettings()])
    assert found.masks.shape == (0, 64, 64) and len(found.scores) == len(found.order) == len(found.categories) == 0


def test_compact_weights_are_small_enough_to_release():
    with torch.device("meta"):
        network = DynamicMaskNetwork(PRESETS["compact"].network, 3)
    assert 2 * sum(parameter.numel() for parameter in network.parameters()) < 14 * 2**20


def test_colour_counts_where_the_training_images_are_in_colour():
    red, green = torch.zeros(1, 256, 256, 3, dtype=torch.uint8), torch.zeros(1, 256, 256, 3, dtype=torch.uint8)
    red[..., 0], green[..., 1] = 255, 255
    for channels, differ in ((1, False), (3, True)):
        torch.manual_seed(0)
        network = DynamicMaskNetwork(SMALL, 3, channels).eval()
        with torch.inference_mode():
            assert torch.equal(network.maps(red).class_logits, network.maps(green).class_logits) != differ
            network.maps(red[..., 0])  # grey images fit both


@pytest.mark.parametrize(("preset", "expected"), [("compact", 5.5), ("wide", 11.0)])
def test_what_a_training_image_costs(preset, expected):
    """GFLOP forward and backward, as the presets say."""
    network, samples = DynamicMaskNetwork(PRESETS[preset].network, 3), batch(2, (6, 6, 6))
    with FlopCounterMode(display=False) as flops:
        training_step(network, samples, PRESETS[preset].loss)["loss"].backward()
    assert flops.get_total_flops() / 2e9 == pytest.approx(expected, abs=0.1)
