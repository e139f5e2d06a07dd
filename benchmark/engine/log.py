"""The training log: a CSV that survives kills and resuming, TensorBoard scalars, and the progress bar."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from benchmark.adapter import Run
from benchmark.engine.rows import read_log, write_log
from datasets.files import naming_full_disk
from datasets.progress import progress


class TrainingLog:
    """Where the numbers of a training run go. Rows after `images` in an existing log are dropped: they are redone."""

    def __init__(self, run: Run, description: str, images: int, budget: int):
        self._path: Path = run.training_log
        self._rows = [row for row in read_log(self._path) if row["images"] <= images] if images else []
        self._folder = run.folder / "tensorboard"
        with naming_full_disk(self._folder):
            self._board = SummaryWriter(str(self._folder), purge_step=images)
        self.bar = progress(total=budget, initial=images, description=description, unit="image")

    def write(self, row: dict[str, float]) -> None:
        """Add a row; its key "images" is the position. The file is replaced as a whole, so that a kill or a full disk
        leaves the one before."""
        self._rows.append(row)
        write_log(self._path, self._rows)
        with naming_full_disk(self._folder):
            for key, value in row.items():
                self._board.add_scalar(f"training/{key}", value, int(row["images"]))
        self.bar.set_postfix_str(f"loss {row['loss']:.3f}", refresh=False)

    def close(self) -> None:
        self.bar.close()
        with naming_full_disk(self._folder):
            self._board.close()
