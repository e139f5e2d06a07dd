"""The vectorised loss against a slow literal reading of the paper's equations."""

import math

import pytest
import torch

from embedding_model.loss import LossSettings, classes_of, layered_embedding_loss
from embedding_model.network import Output

CLASSES = 4
"""Background and three categories."""

SETTINGS = LossSettings(variance_weight=0.7, distance_weight=1.3, regularization_weight=0.2)


def literal_terms(embeddings, class_logits, layers, categories, settings):
    """Equations 1 to 3 and the cross-entropy, symbol by symbol, of one image."""
    count_layers, height, width = layers.shape
    everywhere = [(la, y, x) for la in range(count_layers) for y in range(height) for x in range(width)]
    regions = {n: [p for p in everywhere if layers[p] == n] for n in range(1, len(categories) + 1)}
    regions = {n: pixels for n, pixels in regions.items() if pixels}
    e = {p: embeddings[p[0], :, p[1], p[2]] for p in everywhere}
    zero = embeddings.new_zeros(())

    mu = {n: sum(e[p] for p in pixels) / len(pixels) for n, pixels in regions.items()}
    l_var = zero
    for n, pixels in regions.items():
        hinges = [((mu[n] - e[p]).abs().sum() - settings.variance_margin).clamp(min=0) ** 2 for p in pixels]
        l_var = l_var + sum(hinges) / len(pixels) / len(regions)
    l_dst = zero
    for k in (1, 2, 3):
        of_class = [n for n in regions if categories[n - 1] == k]
        for n in of_class:
            for m in of_class:
                if m != n:
                    gap = 2 * settings.distance_margin - (mu[n] - mu[m]).abs().sum()
                    l_dst = l_dst + gap.clamp(min=0) ** 2 / (len(of_class) * (len(of_class) - 1))
    l_reg = sum((m.abs().sum() for m in mu.values()), zero) / max(len(mu), 1)

    entropy = zero
    for la, y, x in everywhere:
        number = int(layers[la, y, x])
        target = int(categories[number - 1]) if number else 0
        logits = class_logits[la, :, y, x]
        entropy = entropy + (torch.logsumexp(logits, 0) - logits[target]) / (height * width)
    return l_var, l_dst, l_reg, entropy


def literal_loss(output, layers, categories, settings):
    total = 0
    for image in range(len(layers)):
        l_var, l_dst, l_reg, entropy = literal_terms(
            output.embeddings[image], output.class_logits[image], layers[image], categories[image], settings
        )
        total = (
            total
            + settings.variance_weight * l_var
            + settings.distance_weight * l_dst
            + settings.regularization_weight * l_reg
            + entropy
        )
    return total / len(layers)


def scene(kind, generator):
    """layers (L, 4, 5), categories: tiny images that a person can draw."""
    if kind == "empty":
        return torch.zeros(2, 4, 5, dtype=torch.uint8), []
    if kind == "one instance":
        layers = torch.zeros(2, 4, 5, dtype=torch.uint8)
        layers[0, :2] = 1
        return layers, [3]
    if kind == "one class":
        return torch.randint(0, 4, (2, 4, 5), generator=generator).byte(), [2, 2, 2]
    if kind == "partly visible":  # instance 2 lies mostly, 3 wholly behind 1; 4 has no pixel at all
        layers = torch.zeros(2, 4, 5, dtype=torch.uint8)
        layers[0, :, :3], layers[0, 0, 3] = 1, 2
        layers[1, :2, :3], layers[1, 2:, :2] = 2, 3
        return layers, [1, 1, 2, 2]
    return torch.randint(0, 7, (3, 4, 5), generator=generator).byte(), [1, 2, 3, 1, 2, 1]


@pytest.mark.parametrize(
    "kinds",
    [
        ["empty"],
        ["one instance"],
        ["one class"],
        ["partly visible"],
        ["three layers", "three layers"],
        ["one class", "empty", "partly visible", "one instance"],
    ],
    ids="+".join,
)
@pytest.mark.parametrize("scale", [0.2, 2.0])
def test_equals_the_equations(kinds, scale):
    generator = torch.Generator().manual_seed(len(kinds))
    scenes = [scene(kind, generator) for kind in kinds]
    layers = torch.stack([layers for layers, _ in scenes])
    most = max(len(categories) for _, categories in scenes)
    categories = torch.tensor(
        [categories + [0] * (most - len(categories)) for _, categories in scenes], dtype=torch.uint8
    ).reshape(len(scenes), most)
    shape = layers.shape
    output = Output(
        torch.randn(*shape[:2], CLASSES, *shape[2:], generator=generator, dtype=torch.float64, requires_grad=True),
        torch.randn(*shape[:2], 3, *shape[2:], generator=generator, dtype=torch.float64).mul(scale).requires_grad_(),
    )
    ours = layered_embedding_loss(output, layers, categories, SETTINGS)["loss"]
    theirs = literal_loss(output, layers, categories, SETTINGS)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    our_gradients = torch.autograd.grad(ours, output[:2])
    their_gradients = torch.autograd.grad(theirs, output[:2], allow_unused=True, materialize_grads=True)
    for our_gradient, their_gradient in zip(our_gradients, their_gradients, strict=True):
        torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-10, atol=1e-12)


def test_terms_by_hand():
    """Two circles of one pixel each at embeddings 0 and 1 (C=1), so far apart 1 < 2 d_dst = 3; no spread within."""
    layers = torch.tensor([[[[1, 2]]]], dtype=torch.uint8)
    output = Output(torch.zeros(1, 1, CLASSES, 1, 2), torch.tensor([0.0, 1.0]).reshape(1, 1, 1, 1, 2))
    terms = layered_embedding_loss(output, layers, torch.tensor([[1, 1]], dtype=torch.uint8), LossSettings())
    assert terms["variance"] == 0
    assert terms["distance"] == pytest.approx(4.0)  # (3 - 1)^2 twice, over 2 * 1
    assert terms["regularization"] == pytest.approx(0.5)
    assert terms["cross_entropy"] == pytest.approx(math.log(4))
    assert terms["loss"] == pytest.approx(4.0 + 0.01 * 0.5 + math.log(4))


def test_instances_of_different_classes_do_not_repel():
    layers = torch.tensor([[[[1, 2]]]], dtype=torch.uint8)
    output = Output(torch.zeros(1, 1, CLASSES, 1, 2), torch.zeros(1, 1, 4, 1, 2))
    terms = layered_embedding_loss(output, layers, torch.tensor([[1, 2]], dtype=torch.uint8), LossSettings())
    assert terms["distance"] == 0


def test_one_mean_over_both_layers():
    """An instance at 0 in front and at 1 where it is hidden: its mean is .5, so both layers are .5 off, no hinge; at 3
    each pixel is 1.5 off and costs (1.5 - .5)^2."""
    layers = torch.ones(1, 2, 1, 1, dtype=torch.uint8)
    categories = torch.tensor([[3]], dtype=torch.uint8)
    for hidden, expected in ((1.0, 0.0), (3.0, 1.0)):
        output = Output(torch.zeros(1, 2, CLASSES, 1, 1), torch.tensor([0.0, hidden]).reshape(1, 2, 1, 1, 1))
        terms = layered_embedding_loss(output, layers, categories, LossSettings())
        assert terms["variance"] == pytest.approx(expected)


def test_full_precision_under_autocast():
    generator = torch.Generator().manual_seed(0)
    layers, categories = scene("three layers", generator)
    categories = torch.tensor([categories], dtype=torch.uint8)
    output = Output(
        torch.randn(1, 3, CLASSES, 4, 5, generator=generator), torch.randn(1, 3, 8, 4, 5, generator=generator)
    )
    expected = layered_embedding_loss(output, layers[None], categories, SETTINGS)
    with torch.autocast("cpu", torch.bfloat16):
        found = layered_embedding_loss(output, layers[None], categories, SETTINGS)
    assert found == expected


def test_classes_of_layers():
    layers = torch.tensor([[[[0, 1], [2, 1]]]], dtype=torch.uint8)
    assert classes_of(layers, torch.tensor([[3, 1]], dtype=torch.uint8)).tolist() == [[[[0, 3], [1, 3]]]]
