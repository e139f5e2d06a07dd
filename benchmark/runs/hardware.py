"""What a manifest says of the machine and the software that made a number."""

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from datasets.errors import InputError
from datasets.processes import usable_cores

LIBRARIES = (
    "torch",
    "torchvision",
    "detectron2",
    "numpy",
    "opencv-python-headless",
    "pycocotools",
    "timm",
    "ultrafast-pycocotools",
)


def find_device(asked: str | None) -> str:
    """The device to compute on: "cpu" or "cuda" as asked, for None "cuda" where there is one.

    Raises InputError if CUDA is asked for and not there.
    """
    if asked == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise InputError("--device cuda: no CUDA device is available here; use --device cpu")
    return "cpu"


def hardware() -> dict[str, Any]:
    """{"cpu": name, "cores": usable ones, "gpu": name or None}."""
    torch = sys.modules.get("torch")  # importing it just to ask would cost seconds
    gpu = torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
    return {"cpu": _cpu_name(), "cores": usable_cores(), "gpu": gpu}


def libraries() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a number."""
    installed = {distribution.name: distribution.version for distribution in metadata.distributions()}
    return {"python": platform.python_version()} | {name: installed[name] for name in LIBRARIES if name in installed}


def code_version() -> str:
    """The commit of this checkout, "-dirty" where its code has changes; "unknown" outside git.

    What runs write themselves, ``results/`` and the README's tables, is no change of the code.
    """
    git = ["git", "-C", str(Path(__file__).parents[2])]
    status = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)results", ":(exclude)README.md"]
    try:
        commit, changes = (
            subprocess.run(git + command, capture_output=True, text=True, check=True).stdout.strip()
            for command in (["describe", "--always", "--abbrev=12"], status)
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}-dirty" if changes else commit


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
