"""The training stream: endless, seeded, the same for any number of workers, resumable at any image."""

from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from datasets.errors import InputError
from datasets.processes import end_worker_with_parent
from datasets.render import Drawable
from datasets.source import Source

NO_SHARED_MEMORY = ("unable to resize file </torch", "unable to allocate shared memory", "out of shared memory")
"""What torch says when a worker process has no room for a batch."""


def training_stream(
    source: Source,
    seed: int,
    render: Callable[[Drawable], Any],
    batch_size: int,
    *,
    start: int = 0,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    collate: Callable[[list], Any] = default_collate,
    pin_memory: bool = False,
) -> Iterator[Any]:
    """Batches of rendered samples without end, from image `start` on of the sequence of `source` that `seed` names.

    render: from a scene or an image to a sample; runs in `workers` processes (0: in this one). With several ranks each
    gets its `batch_size` images of every consecutive block of ``world_size * batch_size``.
    """
    loader = DataLoader(
        _Samples(source, seed, render),
        batch_sampler=_ConsecutiveBatches(batch_size, start, rank, world_size),
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        prefetch_factor=4 if workers else None,
        worker_init_fn=end_worker_with_parent,
    )
    return _batches(iter(loader))  # now: an iterator draws from torch's random numbers when it is made


def _batches(batches: Iterator[Any]) -> Iterator[Any]:
    """The same batches; a bad image that a worker process meets is told in one line, as it would be here, and so is a
    lack of memory to hand batches over."""
    try:
        yield from batches
    except InputError as error:
        *_, line = str(error).strip().splitlines()
        raise InputError(line.rpartition("InputError: ")[2]) from None
    except RuntimeError as error:
        if not any(sign in str(error) for sign in NO_SHARED_MEMORY):
            raise
        raise InputError(
            "training.workers: found no space for a batch in the memory that processes share (/dev/shm), expected more "
            "of it, or --set training.workers=0"
        ) from None


class _Samples(Dataset):
    def __init__(self, source: Source, seed: int, render: Callable[[Drawable], Any]):
        self.source, self.seed, self.render = source, seed, render

    def __getitem__(self, index: int) -> Any:
        return self.render(self.source.sample(self.seed, index))


class _ConsecutiveBatches(Sampler[list[int]]):
    def __init__(self, batch_size: int, start: int, rank: int, world_size: int):
        self.batch_size, self.start, self.rank, self.world_size = batch_size, start, rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        first = self.start + self.rank * self.batch_size
        while True:
            yield list(range(first, first + self.batch_size))
            first += self.world_size * self.batch_size
