"""One process at a time: locks of the folders that commands write, free again when their process ends or dies."""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from datasets.errors import InputError

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Held(InputError):
    """Another process holds the lock."""


@contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock of `folder`, a hidden file beside it, during the block; the same process may hold it twice.

    wait: until another process has let it go, which a line on standard error announces. Otherwise raises `Held`
    that says who holds it. Where nobody may write beside `folder`, nobody can harm it, and there is no lock.
    """
    place = folder.absolute()
    path = place.parent.resolve() / f".{place.name}.lock"
    lock = FileLock(path, is_singleton=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            holder = _holder(path)
            raise Held(f"{folder}: {holder} works on it, expected one process at a time") from None
        print(f"{folder}: {_holder(path)} works on it; waiting", file=sys.stderr, flush=True)
        lock.acquire()
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        yield
        return
    try:
        with suppress(OSError):  # a full disk: the lock holds without a name
            path.write_text(f"process {os.getpid()} on {socket.gethostname()} ({' '.join(sys.argv)})")
        yield
    finally:
        if lock.lock_counter == 1:
            # Safe before the release: who has opened this file meanwhile finds it without a name and opens a new one.
            with suppress(OSError):
                path.unlink()
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether another process holds the lock of `folder` now."""
    if not (folder.absolute().parent / f".{folder.name}.lock").exists():
        return False
    try:
        with locked(folder):
            return False
    except Held:
        return True


def _holder(path: Path) -> str:
    try:
        text = " ".join(path.read_text(errors="replace").split())
    except OSError:
        text = ""
    return text or "another process"
