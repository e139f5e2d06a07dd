import itertools
import signal
import sys
from functools import partial

import numpy as np
import pytest
import torch

from datasets.errors import InputError
from datasets.render import render_layers
from datasets.scene import SceneParameters, sample_scene
from datasets.stream import training_stream

PARAMETERS = SceneParameters((1, 1, 1))


def corners(scene):
    return torch.from_numpy(scene.corners)


def take(batches, **options):
    return torch.cat(list(itertools.islice(training_stream(PARAMETERS, 3, corners, **options), batches)))


@pytest.fixture(scope="module")
def sequence():
    return torch.stack([corners(sample_scene(PARAMETERS, 3, index)) for index in range(24)])


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_same_sequence_for_any_number_of_workers(sequence, workers):
    assert torch.equal(take(6, batch_size=4, workers=workers), sequence)


def test_resumes_at_any_image(sequence):
    assert torch.equal(take(3, batch_size=5, start=7, workers=2), sequence[7:22])


def test_ranks_share_the_sequence(sequence):
    parts = [take(4, batch_size=3, rank=rank, world_size=2).unflatten(0, (4, 3)) for rank in (0, 1)]
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 2), sequence)


def _layered(scene):
    sample = render_layers(scene, 2)
    return {"image": sample.image, "layers": sample.layers}


def test_batches_of_rendered_samples():
    batch = next(iter(training_stream(PARAMETERS, 3, _layered, 2)))
    assert batch["image"].shape == (2, 256, 256) and batch["layers"].shape == (2, 2, 64, 64)
    expected = render_layers(sample_scene(PARAMETERS, 3, 1), 2)
    assert np.array_equal(batch["layers"][1].numpy(), expected.layers)


def test_partial_functions_reach_the_workers():
    stream = training_stream(PARAMETERS, 3, partial(_scaled, factor=2), 2, workers=1)
    assert torch.equal(next(iter(stream)), 2 * next(iter(training_stream(PARAMETERS, 3, corners, 2))))


def _scaled(scene, factor):
    return factor * corners(scene)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files, of which shared memory consists there")
def test_lack_of_shared_memory_is_told_in_one_line():
    import resource

    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        with pytest.raises(InputError, match="/dev/shm"):
            next(iter(training_stream(PARAMETERS, 3, _layered, 2, workers=1)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
