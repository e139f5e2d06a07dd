"""Mask2Former: the loss of a set, what is read from queries, and a step of training; needs `transformers`."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("transformers", reason="transformers, of the optional group set-prediction: not installed")

import baselines.mask2former
from baselines.mask2former.adapter import training_step
from baselines.mask2former.instances import InstanceSettings, find_instances
from baselines.mask2former.loss import LossSettings, set_loss, shown_loss
from baselines.mask2former.network import Mask2FormerNetwork, Output, PlacedMasks, relative_terms
from baselines.mask2former.presets import PRESETS
from baselines.visible_targets import collate, render_visible
from datasets.scene import SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED

QUERIES = 8


def batch(shapes=(2, 2, 2)):
    return collate([render_visible(sample_scene(SceneParameters(shapes), TUNING_SEED, i)) for i in range(2)])


def say(masks, categories, order):
    """Output that says so of one image, sure of itself, by the queries `order`; all other queries are of no object."""
    classes = torch.zeros(2, 1, QUERIES, 4)
    classes[..., 3] = 30
    drawn = torch.full((2, 1, QUERIES, 64, 64), -30.0)
    for query, mask, category in zip(order, masks, categories, strict=True):
        classes[:, 0, query, category - 1], drawn[:, 0, query][:, mask > 0] = 60.0, 30.0
    return Output(classes, drawn, torch.zeros(1, QUERIES, 64, 64), torch.zeros(1, 4, 64, 64))


def test_loss_is_of_a_set_of_masks_that_may_overlap():
    masks = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    masks[0, 0, :32], masks[0, 1, :, :32] = 1, 1  # two halves that share a quarter, and padding
    truth = {"masks": masks, "categories": torch.tensor([[1, 3, 0]]), "instance_map": torch.zeros(1, 64, 64)}
    for order in ([0, 1], [6, 2]):
        torch.manual_seed(0)
        terms = set_loss(say(masks[0, :2], [1, 3], order), truth, LossSettings())
        # a point between pixels of a mask and of the background has a share of both
        assert terms["cross_entropy"] < 1e-6 and terms["dice"] < 0.05
    wrong_class = set_loss(say(masks[0, :2], [1, 2], [0, 1]), truth, LossSettings())
    assert wrong_class["cross_entropy"] > 1
    same_twice = set_loss(say(masks[0, [0, 0]], [1, 3], [0, 1]), truth, LossSettings())
    assert same_twice["dice"] > 0.2


def test_what_is_seen_is_learned_inside_of_masks():
    """Two squares that overlap in ten columns, the first in front; a third query is of neither."""
    masks, instance_map = torch.zeros(2, 64, 64), torch.zeros(1, 64, 64, dtype=torch.uint8)
    masks[0, :20, :20], masks[1, :20, 10:30] = 1, 1
    instance_map[0, :20, 10:30], instance_map[0, :20, :20] = 2, 1
    matched = [(torch.tensor([1, 2]), torch.tensor([1, 0]))]
    sure = torch.full((1, 3, 64, 64), 30.0)
    sure[0, 1, :, :20] = -30.0  # the second instance, where the first is in front
    assert shown_loss(sure, [masks], instance_map, matched) < 1e-6
    sure[0, 1] = 30.0
    torch.testing.assert_close(shown_loss(sure, [masks], instance_map, matched), torch.tensor(30.0 * 200 / 800))


def test_an_untrained_query_draws_a_disc_around_its_cell():
    masks, _ = PlacedMasks(width=8, heads=2)(torch.zeros(64, 1, 8), torch.zeros(1, 8, 64, 64), (8, 8))
    assert masks.shape == (1, 64, 64, 64)
    y, x = np.nonzero(masks[0, 10].detach().numpy() > 0)  # the third cell of the second row, 8 pixels a side
    assert (y.mean(), x.mean()) == (11.5, 19.5) and np.ptp(y) == np.ptp(x) == 15
    assert relative_terms()[10, 1].view(64, 64)[0].tolist() == [(pixel - 19.5) / 4 for pixel in range(64)]


def test_reads_every_query_that_draws():
    """Four queries: sure of a square, in doubt about one that overlaps it, a small one, and one like the first."""
    masks = torch.full((4, 64, 64), -9.0)
    masks[0, :20, :20], masks[1, 10:30, 10:30], masks[2, :2, :2], masks[3, :20, :19] = 9.0, 0.1, 9.0, 9.0
    classes = torch.tensor([[0.0, 9.0, 0.0, 0.0], [0.0, 0.0, 2.0, 3.0], [9.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 3.0]])
    shown = torch.full((4, 64, 64), 9.0)
    shown[0] = -9.0  # the last one is in front of the first
    readings = [InstanceSettings(), InstanceSettings(certainty=False, mask_threshold=0.6, nms_threshold=0.9)]
    found, other = find_instances(classes, masks, shown, readings)
    probabilities = classes.softmax(dim=1)
    assert found.masks.sum(axis=(1, 2)).tolist() == [400, 380, 400] and found.categories.tolist() == [2, 2, 3]
    assert found.order[0] > found.order[1] and sorted(found.order) == [1, 2, 3]
    np.testing.assert_allclose(found.scores[2], probabilities[1, 2] * torch.tensor(0.1).sigmoid(), rtol=1e-5)
    assert other.masks.sum(axis=(1, 2)).tolist() == [400] and other.scores[0] == probabilities[0, 1].double()


def test_every_parameter_learns_and_an_empty_image_does_not_matter():
    torch.manual_seed(0)
    network, samples = Mask2FormerNetwork(PRESETS["smoke"].network, 3), batch()
    samples["masks"][1], samples["categories"][1] = 0, 0
    losses = training_step(network, samples, LossSettings())
    losses["loss"].backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    samples["masks"][0], samples["categories"][0] = 0, 0
    empty = training_step(network, samples, LossSettings())
    assert empty["loss"].isfinite() and empty["dice"] == empty["mask"] == empty["shown"] == 0


def test_without_its_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="^found no library transformers, expected .* --group set-prediction"):
        importlib.reload(baselines.mask2former)


def test_other_models_do_not_import_its_library():
    code = (
        "import sys; from benchmark.models.registry import find_adapter, missing_library;"
        "assert missing_library('mask2former') is None; find_adapter('ground-truth-layers');"
        "print('transformers' in sys.modules, 'baselines.mask2former.adapter' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False"]
