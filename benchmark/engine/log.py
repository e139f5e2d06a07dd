"""The training log: a CSV that survives resuming, TensorBoard scalars, and the progress bar."""

import csv
from pathlib import Path

import pandas as pd
from torch.utils.tensorboard import SummaryWriter

from benchmark.adapter import Run
from datasets.progress import progress


class TrainingLog:
    """Where the numbers of a training run go. Rows after `images` in an existing log are dropped: they are redone."""

    def __init__(self, run: Run, description: str, images: int, budget: int):
        self._path: Path = run.training_log
        self._fields: list[str] | None = None
        if images and self._path.exists():
            rows = pd.read_csv(self._path)
            rows[rows["images"] <= images].to_csv(self._path, index=False)
            self._fields = list(rows.columns)
        else:
            self._path.unlink(missing_ok=True)
        self._board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=images)
        self.bar = progress(total=budget, initial=images, description=description, unit="image")

    def write(self, row: dict[str, float]) -> None:
        """Append a row; its key "images" is the position."""
        first = self._fields is None
        with self._path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self._fields or list(row))
            if first:
                writer.writeheader()
                self._fields = list(row)
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})
        for key, value in row.items():
            self._board.add_scalar(f"training/{key}", value, int(row["images"]))
        self.bar.set_postfix_str(f"loss {row['loss']:.3f}", refresh=False)

    def close(self) -> None:
        self.bar.close()
        self._board.close()
