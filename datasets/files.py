"""Writing files and folders so that a reader, a kill, a full disk or a second process never leaves half of one."""

import errno
import gzip
import json
import os
import re
import shutil
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from datasets.errors import InputError

_GZIP = 31
"""What zlib calls a stream with gzip's header."""

_NO_SPACE = {errno.ENOSPC, errno.EFBIG, *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else [])}


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with the path of a temporary file beside `path`, then rename it to `path`.

    Raises InputError, naming `path`, where the disk is full.
    """
    with naming_full_disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, path.name)
        temporary = _temporary(path)
        try:
            write(temporary)
            os.replace(temporary, path)
        except OSError as error:
            if error.errno in _NO_SPACE:
                raise
            raise OSError(error.errno, error.strerror or str(error), str(path)) from None
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `folder`, which becomes `folder` when the block has ended without an error.

    If another process has put a folder of that name there meanwhile, that one stays, unless `overwrite`: who calls
    this then looks at what is there. Raises InputError, naming `folder`, where the disk is full.
    """
    with naming_full_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder.parent, folder.name)
        temporary = _temporary(folder)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            if overwrite and folder.exists():
                _replace_folder(temporary, folder)
            else:
                _keep_first(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Delete a folder in one step as seen by its name, so that a kill never leaves a part of it under that name."""
    replaced = _replaced(folder)
    os.rename(folder, replaced)
    shutil.rmtree(replaced)


def remove_leftovers(folder: Path, name: str | None = None) -> None:
    """Delete from `folder` the temporary files and folders that dead processes of this machine left there.

    name: only those that were to become the file or folder of that name, or were replaced by it.
    """
    pattern = re.compile(
        rf"\.{'.+' if name is None else re.escape(name)}(\.replaced)?\.(?P<machine>[^.]+)-(?P<process>\d+)\.partial"
    )
    for entry in os.scandir(folder) if folder.is_dir() else ():
        found = pattern.fullmatch(entry.name)
        if found and found["machine"] == _machine() and not _is_alive(int(found["process"])):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn the many errors of libraries on a full disk into an InputError that names `path` and the space left."""
    try:
        yield
    except Exception as error:
        if not _says_full(error):
            raise
        free = shutil.disk_usage(next(folder for folder in path.absolute().parents if folder.exists())).free
        raise InputError(f"{path}: found no space to write it, {free / 2**20:.1f} MiB are free there") from None


def rounded(value: Any, digits: int) -> Any:
    """A JSON value with its numbers to so many decimals: null for NaN, and no negative zero."""
    if isinstance(value, Mapping):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, digits) for item in value]
    if isinstance(value, float):
        return None if value != value else round(value, digits) + 0.0
    return value


def write_json(path: Path, value: Any) -> None:
    """Indented JSON. Raises InputError for NaN and infinity, which JSON does not have."""
    text = _as_json(path, value, indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text))


def write_compact_json(path: Path, value: Any) -> None:
    """JSON without white space, gzipped if `path` ends in .gz, the same bytes for the same value.

    Raises InputError for NaN and infinity, which JSON does not have.
    """
    data = _as_json(path, value, separators=(",", ":")).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def write_compact_list(path: Path, blocks: Iterable[list]) -> None:
    """What `write_compact_json` writes of the one list that `blocks` make, which never stands in memory as a whole."""

    def write(temporary: Path) -> None:
        packer = zlib.compressobj(level=6, wbits=_GZIP) if path.suffix == ".gz" else None
        with open(temporary, "wb") as file:
            before = "["
            for block in filter(None, blocks):
                text = before + _as_json(path, block, separators=(",", ":"))[1:-1]
                file.write(packer.compress(text.encode()) if packer else text.encode())
                before = ","
            end = b"]" if before == "," else b"[]"
            file.write(packer.compress(end) + packer.flush() if packer else end)

    write_atomically(path, write)


def _as_json(path: Path, value: Any, **options: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False, **options)
    except ValueError as error:
        raise InputError(f"{path}: found a number to write that JSON does not have ({error})") from None


def _temporary(path: Path) -> Path:
    """A name beside `path` that is this process's own; `remove_leftovers` reads it."""
    if path.name in ("", ".."):
        raise InputError(f"{path}: found a path without a name, expected that of a file or folder to write")
    return path.with_name(f".{path.name}.{_machine()}-{os.getpid()}.partial")


def _replaced(folder: Path) -> Path:
    return _temporary(folder.with_name(f"{folder.name}.replaced"))


def _machine() -> str:
    """The name of this machine, of which `remove_leftovers` knows the processes; without dots."""
    return re.sub(r"[^\w-]", "_", socket.gethostname()) or "localhost"


def _is_alive(process: int) -> bool:
    if os.name == "nt":
        return True  # os.kill would end it there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _keep_first(temporary: Path, folder: Path) -> None:
    if os.name == "nt" and folder.is_dir():
        with suppress(OSError):
            folder.rmdir()  # an empty one, which the rename replaces elsewhere
    try:
        os.rename(temporary, folder)
    except OSError:
        if not folder.is_dir():
            raise


def _replace_folder(temporary: Path, folder: Path) -> None:
    """No system renames a folder over another one, so `folder` is away for a moment; what is left of it is removed."""
    replaced = _replaced(folder)
    os.rename(folder, replaced)
    try:
        os.rename(temporary, folder)
    except OSError:
        os.rename(replaced, folder)
        raise
    if replaced.is_dir():
        shutil.rmtree(replaced, ignore_errors=True)
    else:
        replaced.unlink()


def _says_full(error: BaseException | None) -> bool:
    """Whether `error`, or one that it was raised from, says that there is no space."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _NO_SPACE:
            return True
        error = error.__cause__ or error.__context__
    return False
