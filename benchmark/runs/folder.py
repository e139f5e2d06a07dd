"""The folder of a run: the names of its files, and who writes them."""

import os


def is_main_process() -> bool:
    """Whether this process writes results: the only one, or the first that `torchrun` started."""
    return int(os.environ.get("RANK", 0)) == 0
