"""Threshold-and-move clustering: partitions, ties to the scheme's definition, speed."""

import time

import pytest
import torch

from embedding_model.clustering import cluster, cluster_groups

SEEDINGS = ("first", "densest-first")


def separated(pixels, instances, channels, generator, noise=0.02):
    """Embeddings around centres at least 3 apart (L1), every instance present, and the true partition."""
    centres = torch.zeros(instances, channels)
    centres[:, 0] = 3.5 * torch.arange(instances)
    centres[:, 1:] = torch.rand(instances, channels - 1, generator=generator)
    truth = torch.cat(
        [torch.arange(instances), torch.randint(0, instances, (pixels - instances,), generator=generator)]
    )
    return centres[truth] + noise * torch.randn(pixels, channels, generator=generator), truth


def same_partition(labels, truth):
    pairs = torch.stack([labels, truth]).unique(dim=1)
    return len(labels.unique()) == len(truth.unique()) == pairs.shape[1]


@pytest.mark.parametrize("seeding", SEEDINGS)
@pytest.mark.parametrize("channels", [1, 6, 16])
def test_true_partition_of_separated_clusters(seeding, channels):
    embeddings, truth = separated(2000, 12, channels, torch.Generator().manual_seed(channels))
    labels = cluster(embeddings, 1.5, seeding)
    assert same_partition(labels, truth)
    assert labels.dtype == torch.int64
    assert labels.unique().tolist() == list(range(12))


def test_first_seeding_numbers_clusters_by_their_first_pixel():
    embeddings = torch.tensor([[5.0], [0.0], [5.1], [9.0], [0.2]])
    assert cluster(embeddings, 1.5, "first").tolist() == [0, 1, 0, 2, 1]


def test_the_threshold_is_strict_and_l1():
    assert cluster(torch.tensor([[0.0, 0.0], [0.75, 0.75]]), 1.5).tolist() == [0, 1]  # L1 1.5, L2 1.06
    assert cluster(torch.tensor([[0.0, 0.0], [0.75, 0.74]]), 1.5).tolist() == [0, 0]


def test_the_centre_moves_to_the_mean():
    """From 0 the ball takes 0 and 1; its mean .5 reaches 1.9 as well, the mean of three .97, and so 2.4."""
    assert cluster(torch.tensor([[0.0], [1.0], [1.9], [2.4], [9.0]]), 1.5).tolist() == [0, 0, 0, 0, 1]


def test_densest_first_starts_where_the_pixels_are():
    """A thin bridge leads from one cluster to the other: seeded there, it grows a cluster of its own."""
    embeddings = torch.cat([torch.tensor([[1.7]]), torch.zeros(40, 1), torch.full((40, 1), 3.4)])
    first, densest = cluster(embeddings, 1.5, "first"), cluster(embeddings, 1.5, "densest-first")
    assert first[0] == 0 and (first[1:] > 0).all()
    assert densest[0] == 2


def test_a_centre_that_goes_round_in_a_circle_stops():
    """From the origin all are near, from their mean only the origin is, and so on for ever."""
    embeddings = torch.cat([torch.zeros(1, 16), 1.45 * torch.eye(16)])
    labels = cluster(embeddings, 1.46)
    assert labels.unique().tolist() == list(range(int(labels.max()) + 1))


def test_a_mean_that_no_pixel_is_near_keeps_the_last_members():
    """The first two meet at the origin, from which all others are near; the mean of all is near none of them."""
    embeddings = torch.zeros(18, 17)
    embeddings[:2, 16] = torch.tensor([-0.7, 0.7])
    embeddings[2:, :16] = 1.45 * torch.eye(16)
    assert (embeddings - embeddings.mean(dim=0)).abs().sum(dim=1).min() > 1.46
    assert cluster(embeddings, 1.46).tolist() == [0] * 18


@pytest.mark.parametrize("seeding", SEEDINGS)
def test_no_pixel_and_one_pixel(seeding):
    assert cluster(torch.zeros(0, 6), 1.5, seeding).tolist() == []
    assert cluster(torch.zeros(1, 6), 1.5, seeding).tolist() == [0]


@pytest.mark.parametrize("seeding", SEEDINGS)
def test_groups_are_clustered_as_if_alone(seeding):
    generator = torch.Generator().manual_seed(3)
    embeddings = torch.randn(5, 300, 4, generator=generator)  # a mess with many fragments
    valid = torch.rand(5, 300, generator=generator) < torch.tensor([0.0, 0.02, 0.3, 0.7, 1.0])[:, None]
    labels = cluster_groups(embeddings, valid, 1.5, seeding)
    for group in range(5):
        assert (labels[group][~valid[group]] == -1).all()
        alone = cluster(embeddings[group][valid[group]], 1.5, seeding)
        assert torch.equal(labels[group][valid[group]], alone)


@pytest.mark.parametrize("seeding", SEEDINGS)
def test_deterministic_and_complete_on_noise(seeding):
    embeddings = torch.randn(1500, 6, generator=torch.Generator().manual_seed(0))
    labels = cluster(embeddings, 1.5, seeding)
    assert torch.equal(labels, cluster(embeddings, 1.5, seeding))
    assert labels.unique().tolist() == list(range(int(labels.max()) + 1))


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_embeddings_must_be_finite(broken):
    with pytest.raises(ValueError, match="finite"):
        cluster(torch.tensor([[0.0], [broken]]), 1.5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("seeding", SEEDINGS)
def test_same_partition_on_the_gpu(seeding):
    embeddings, truth = separated(4000, 20, 8, torch.Generator().manual_seed(0))
    assert same_partition(cluster(embeddings.cuda(), 1.5, seeding).cpu(), truth)


@pytest.mark.slow  # a time in seconds is a fact of one machine
@pytest.mark.parametrize("seeding", SEEDINGS)
def test_fast_enough(seeding):
    """8,192 pixels of 36 instances take under 15 ms on one idle core; the bound leaves room for a busy machine, and the
    thread's own time leaves out what others had the core for."""
    embeddings, truth = separated(8192, 36, 8, torch.Generator().manual_seed(0), noise=0.1)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        seconds = []
        for _ in range(5):
            start = time.thread_time()
            labels = cluster(embeddings, 1.5, seeding)
            seconds.append(time.thread_time() - start)
    finally:
        torch.set_num_threads(threads)
    assert same_partition(labels, truth)
    assert min(seconds) < 0.045
