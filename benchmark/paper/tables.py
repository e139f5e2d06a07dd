"""The paper's tables as data: its numbers, and which model and variant each row is compared with.

The paper's files say so, so that no code knows a model or a variant.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.adapter import DEFAULT
from benchmark.runs.record import ReleasedRun
from datasets.errors import InputError

MAIN_METRICS = ("AP", "AP50", "AP75", "AR100", "AR_none", "AR_partial", "AR_heavy")
ALL_METRICS = (*MAIN_METRICS, "AR1", "AR10", "AR1000", "order_accuracy")

PAPER_TABLES = {
    "table1": ("Model", MAIN_METRICS),
    "table2": ("Layers", MAIN_METRICS),
    "ablation": ("Setting", ("AP", "AR100")),
}
"""Name of the paper's file -> head of the label column, metrics."""


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper, to be filled in with runs.

    rows: its CSV file, metrics as floats (NaN where the paper has none), the rest as text.
    """

    name: str
    label_head: str
    metrics: tuple[str, ...]
    rows: pd.DataFrame

    def run_label(self, run: ReleasedRun) -> str:
        """Model, layers if the paper's rows ask for a number of them, and preset."""
        layered = self.rows["run_layers"][self.rows["run_model"] == run.model].any()
        return row_label(run.model, run.layers if layered else "", run)

    def variant_label(self, run: ReleasedRun, variant: str) -> str:
        """`run_label` with the variant, where the model has several."""
        return self.run_label(run) if variant == DEFAULT else f"{self.run_label(run)}, {variant}"


def read_paper(folder: Path) -> dict[str, PaperTable]:
    """The paper's tables from `folder` (``results/paper``) by name."""
    tables = {}
    for name, (label_head, metrics) in PAPER_TABLES.items():
        path = folder / f"{name}.csv"
        try:
            rows = pd.read_csv(path, dtype=str, keep_default_na=False)
            for metric in metrics:
                rows[metric] = pd.to_numeric(rows[metric])
        except FileNotFoundError:
            raise InputError(f"{path}: not found, expected the paper's numbers") from None
        except (ValueError, KeyError) as error:
            raise InputError(f"{path}: {' '.join(str(error).split())}") from None
        tables[name] = PaperTable(name, label_head, metrics, rows)
    return tables


def row_label(name: str, layers: int | str, run: ReleasedRun | None) -> str:
    """Name of a row: with layers where they are the model's own, and with the run's preset."""
    label = f"{name}, L = {layers}" if layers else name
    return f"{label} ({run.preset})" if run and run.preset else label
