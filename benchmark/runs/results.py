"""Where a results folder keeps its runs and the paper's numbers: the checkout's ``results``, or the folder of a study.

The checkout's has ``paper``, ``released`` and ``figure3``. A study's holds its run folders themselves, and is shown
beside the paper's numbers of the checkout.
"""

from pathlib import Path

from benchmark.runs.folder import run_folders

PAPER, RELEASED, FIGURE3 = "paper", "released", "figure3"

_CHECKOUT = Path(__file__).parents[2] / "results"


def paper_folder(results: Path) -> Path:
    """The paper's numbers."""
    own = results / PAPER
    return own if own.is_dir() else _CHECKOUT / PAPER


def runs_folder(results: Path) -> Path:
    """The folder of the run folders that tables show."""
    return results if is_of_study(results) else results / RELEASED


def figure3_folder(results: Path) -> Path:
    """The folder of the run folders that Fig. 3 shows, if they are runs of it."""
    return results if is_of_study(results) else results / FIGURE3


def is_of_study(results: Path) -> bool:
    """Whether `results` holds run folders itself."""
    divided = any((results / name).is_dir() for name in (PAPER, RELEASED))
    return not divided and bool(run_folders(results))
