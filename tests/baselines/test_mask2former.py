"""Mask2Former: the loss of a set, what is read from queries, and a step of training; needs `transformers`."""

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from baselines.mask2former.adapter import detections, training_step
from baselines.mask2former.loss import LossSettings, set_loss
from baselines.mask2former.network import Mask2FormerNetwork, Output
from baselines.mask2former.presets import PRESETS
from baselines.visible_targets import collate, render_visible
from benchmark.conformance import check_adapter
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
    return Output(classes, drawn, torch.zeros(1, 4, 64, 64))


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


def test_reads_every_query_that_draws():
    """Three queries: sure of a square, in doubt about another that overlaps it, and one that draws four pixels."""
    masks = torch.full((3, 64, 64), -9.0)
    masks[0, :20, :20], masks[1, 10:30, 10:30], masks[2, :2, :2] = 9.0, 0.1, 9.0
    classes = torch.tensor([[0.0, 9.0, 0.0, 0.0], [0.0, 0.0, 2.0, 3.0], [9.0, 0.0, 0.0, 0.0]])
    found = detections(classes, masks, minimum_area=5)
    assert found.masks.sum(axis=(1, 2)).tolist() == [400, 400] and found.categories.tolist() == [2, 3]
    probability = classes[1].softmax(dim=0)[2] * torch.tensor(0.1).sigmoid()
    np.testing.assert_allclose(found.scores[1], probability, rtol=1e-5)
    assert found.scores[0] > 0.99


def test_every_parameter_learns_and_an_empty_image_does_not_matter():
    torch.manual_seed(0)
    network, samples = Mask2FormerNetwork(PRESETS["smoke"].network, 3), batch()
    samples["masks"][1], samples["categories"][1] = 0, 0
    losses = training_step(network, samples, LossSettings())
    losses["loss"].backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    samples["masks"][0], samples["categories"][0] = 0, 0
    empty = training_step(network, samples, LossSettings())
    assert empty["loss"].isfinite() and empty["dice"] == 0 == empty["mask"]


def test_conforms():
    assert check_adapter("baselines.mask2former.adapter:Mask2Former") == []
