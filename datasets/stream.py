"""The training stream: endless, seeded, the same for any number of workers, resumable at any image."""

from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from datasets.scene import Scene, SceneParameters, sample_scene


def scene_stream(
    parameters: SceneParameters,
    seed: int,
    render: Callable[[Scene], Any],
    batch_size: int,
    *,
    start: int = 0,
    workers: int = 0,
    rank: int = 0,
    world_size: int = 1,
    collate: Callable[[list], Any] = default_collate,
    pin_memory: bool = False,
) -> DataLoader:
    """Batches of rendered scenes without end, beginning at image `start` of the sequence that `seed` names.

    render: from a scene to a sample; runs in `workers` processes (0: in this one). With several ranks each gets its
    `batch_size` images of every consecutive block of ``world_size * batch_size``.
    """
    return DataLoader(
        _Scenes(parameters, seed, render),
        batch_sampler=_ConsecutiveBatches(batch_size, start, rank, world_size),
        num_workers=workers,
        collate_fn=collate,
        pin_memory=pin_memory,
        prefetch_factor=4 if workers else None,
    )


class _Scenes(Dataset):
    def __init__(self, parameters: SceneParameters, seed: int, render: Callable[[Scene], Any]):
        self.parameters, self.seed, self.render = parameters, seed, render

    def __getitem__(self, index: int) -> Any:
        return self.render(sample_scene(self.parameters, self.seed, index))


class _ConsecutiveBatches(Sampler[list[int]]):
    def __init__(self, batch_size: int, start: int, rank: int, world_size: int):
        self.batch_size, self.start, self.rank, self.world_size = batch_size, start, rank, world_size

    def __iter__(self) -> Iterator[list[int]]:
        first = self.start + self.rank * self.batch_size
        while True:
            yield list(range(first, first + self.batch_size))
            first += self.world_size * self.batch_size
