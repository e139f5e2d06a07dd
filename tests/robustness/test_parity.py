"""What is fast against what is literal, on random cases; hypothesis shrinks a case that fails and keeps it."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torchvision.ops import batched_nms, box_iou

from baselines.nms_sweep import VARIANTS, Candidates, sweep
from benchmark.evaluation.evaluate import evaluate
from embedding_model.clustering import MAX_MOVES, cluster
from embedding_model.loss import LossSettings, layered_embedding_loss
from embedding_model.network import Output
from tests.benchmark.evaluation.cases import reference_metrics, run_pycocotools
from tests.benchmark.evaluation.test_evaluate import cases
from tests.embedding_model.test_loss import literal_loss


@pytest.fixture(scope="module")
def fuzz(request):
    """Calls a function with random cases of a strategy, as many as ``--cases`` says."""
    number = request.config.getoption("--cases", default=25)

    def run(strategy, compare):
        limits = settings(max_examples=number, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
        limits(given(strategy)(compare))()

    return run


def test_evaluator_equals_pycocotools(fuzz):
    def compare(case):
        annotations, predictions = case
        expected = reference_metrics(run_pycocotools(annotations, predictions))
        found = evaluate(annotations, predictions)
        assert list(found) == list(expected)
        values = (np.array(list(metrics.values()), dtype=float) for metrics in (found, expected))  # None is NaN
        np.testing.assert_allclose(*values, rtol=0, atol=1e-12)

    fuzz(cases(), compare)


@st.composite
def scenes(draw):
    """Layers (B, L, 3, 4), categories (B, n), the outputs of a network, and weights of the loss."""
    batch, layers, count = draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(st.integers(1, 5))
    numbers = st.lists(st.integers(0, count), min_size=12 * batch * layers, max_size=12 * batch * layers)
    stacked = torch.tensor(draw(numbers), dtype=torch.uint8).reshape(batch, layers, 3, 4)
    categories = torch.tensor(draw(st.lists(st.integers(1, 3), min_size=batch * count, max_size=batch * count)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.0, 0.1, 1.0, 5.0]))
    logits = torch.randn(batch, layers, 4, 3, 4, generator=generator, dtype=torch.float64)
    embeddings = torch.randn(batch, layers, 2, 3, 4, generator=generator, dtype=torch.float64) * scale
    weights = LossSettings(variance_weight=draw(st.floats(0, 2)), distance_weight=draw(st.floats(0, 2)))
    return stacked, categories.reshape(batch, count).byte(), Output(logits, embeddings), weights


def test_loss_equals_its_equations(fuzz):
    def compare(case):
        layers, categories, output, weights = case
        found = layered_embedding_loss(output, layers, categories, weights)["loss"]
        expected = literal_loss(output, layers, [row.tolist() for row in categories], weights)
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)

    fuzz(scenes(), compare)


def literal_clusters(points, bandwidth):
    """Threshold and move, one pixel at a time (exact for points whose means are exact)."""
    labels, found = [-1] * len(points), 0
    while -1 in labels:
        centre, members = points[labels.index(-1)], []
        for _ in range(MAX_MOVES):
            distances = [sum(abs(a - b) for a, b in zip(point, centre, strict=True)) for point in points]
            near = [i for i, distance in enumerate(distances) if labels[i] == -1 and distance < bandwidth]
            if not near:
                break
            members = near
            mean = tuple(sum(points[i][axis] for i in near) / len(near) for axis in range(len(centre)))
            if mean == centre:
                break
            centre = mean
        for i in members:
            labels[i] = found
        found += 1
    return labels


def test_clustering_equals_brute_force(fuzz):
    def compare(points):
        found = cluster(torch.tensor(points, dtype=torch.float64), 1.5).tolist()
        assert found == literal_clusters([tuple(map(float, point)) for point in points], 1.5)

    coordinates = st.integers(-24, 24).map(lambda value: value / 8)
    fuzz(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=16), compare)


@st.composite
def candidates(draw):
    """Boxes of few sizes at few places, their scores falling, of two classes."""
    places = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3), st.integers(1, 3), st.integers(0, 1))
    drawn = draw(st.lists(places, min_size=1, max_size=24))
    boxes = torch.tensor([[32.0 * x, 32.0 * y, 32.0 * (x + w), 32.0 * (y + h)] for x, y, w, h, _ in drawn])
    scores = torch.linspace(0.99, draw(st.sampled_from([0.9, 0.6, 0.02])), len(drawn))
    return Candidates(boxes, scores, torch.tensor([drawn_class for *_, drawn_class in drawn]))


def filled(boxes, classes):
    """A mask head that finds every box filled, a little less so for one class."""
    return [torch.ones(len(image), 28, 28) - 0.1 * of[:, None, None] for image, of in zip(boxes, classes, strict=True)]


def test_one_sweep_equals_separate_passes(fuzz):
    names = list(VARIANTS)

    def compare(found):
        (together,) = sweep(names, lambda protocol: [above(found, protocol.score_floor)], filled)
        for name in names:
            (alone,) = sweep([name], lambda protocol: [above(found, protocol.score_floor)], filled)
            for field in ("masks", "scores", "categories"):
                assert np.array_equal(getattr(together[name], field), getattr(alone[name], field)), (name, field)

    fuzz(candidates(), compare)


def above(found, floor):
    kept = found.scores > floor
    return Candidates(found.boxes[kept], found.scores[kept], found.classes[kept])


def test_suppression_equals_the_literal_rule(fuzz):
    """A box stays unless a better one of its class that stays overlaps it by more than the threshold."""

    def compare(found):
        for threshold in (0.0, 0.3, 0.5, 0.9):
            kept: list[int] = []
            overlap = box_iou(found.boxes, found.boxes)
            for i in range(len(found.scores)):
                rivals = [j for j in kept if found.classes[j] == found.classes[i]]
                if not any(overlap[j, i] > threshold for j in rivals):
                    kept.append(i)
            assert batched_nms(found.boxes, found.scores, found.classes, threshold).tolist() == kept

    def has_area(found):
        return bool((found.boxes[:, 2:] > found.boxes[:, :2]).all())

    fuzz(candidates().filter(has_area), compare)
