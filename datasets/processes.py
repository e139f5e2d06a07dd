"""Worker processes: how many, and that they end with the process that started them, however that ends."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def worker_pool(workers: int, context: BaseContext | None = None) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes for the block. They end with it, at once where it is left by an exception such as Ctrl-C.

    context: how they start, from `multiprocessing.get_context`; None for the system's way.
    """
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def end_with_parent() -> None:
    """Let this worker process end as soon as its parent is gone, and not before; to be called once when it starts.

    Ctrl-C reaches all processes of a terminal: the parent decides what to do, and its workers work on.

    Without it the workers of a process that is killed wait for work for ever. The watch is a thread on the pipe that
    `multiprocessing` keeps to the parent, which works on every system.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def end_worker_with_parent(_: int) -> None:
    """`end_with_parent` as the ``worker_init_fn`` of a DataLoader."""
    end_with_parent()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
