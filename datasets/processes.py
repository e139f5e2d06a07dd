"""Worker processes: how many, and that they end with the process that started them, however that ends."""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent() -> None:
    """Let this worker process end as soon as its parent is gone; to be called once when the worker starts.

    Without it the workers of a process that is killed wait for work for ever. The watch is a thread on the pipe that
    `multiprocessing` keeps to the parent, which works on every system.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def end_worker_with_parent(_: int) -> None:
    """`end_with_parent` as the ``worker_init_fn`` of a DataLoader."""
    end_with_parent()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
