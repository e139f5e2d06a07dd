"""What need not be computed again: numbers and files that still belong to what they were computed from.

``results/kept.json`` holds one digest for each: a hash of everything that it follows from (predictions, evaluation
images, the code that computes it) and of the result itself. While the digest is the same, nothing has changed on
either side. Results are thus not rewritten by another machine, whose last bits or fonts differ. `verify` does not look
at it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.runs.folder import read_object
from datasets.errors import InputError
from datasets.files import write_json

ROOT = Path(__file__).parents[2]

ANALYSING = ("benchmark/analysis", "benchmark/evaluation")
"""The code that metrics, intervals and errors follow from."""

PREDICTING = ("baselines", "benchmark", "datasets", "embedding_model")
"""The code that predictions of a model without training follow from."""

NAME = "kept.json"

_SOURCES = (".py", ".html", ".css", ".js")


class Kept:
    """The digests in a results folder. A damaged file counts as none: then everything is computed again."""

    def __init__(self, results: Path):
        self._path = results / NAME
        self._used: dict[str, str] = {}
        try:
            self._digests = read_object(self._path)
        except (FileNotFoundError, InputError):
            self._digests = {}

    def holds(self, name: str, digest: str) -> bool:
        """Whether what is called `name` still has this digest."""
        if self._digests.get(name) != digest:
            return False
        self._used[name] = digest
        return True

    def note(self, name: str, digest: str) -> None:
        """What is called `name` was computed and has this digest from now on."""
        self._used[name] = digest

    def carry(self, names: Iterable[str]) -> None:
        """What is called so follows from something that holds: the digests stay, and nobody computes them."""
        self._used.update((name, self._digests[name]) for name in names if name in self._digests)

    def write(self, *, all_known: bool = False) -> None:
        """Write the digests if that changes the file. all_known: forget those that nobody noted or asked for."""
        digests = dict(sorted({**({} if all_known else self._digests), **self._used}.items()))
        if digests != self._digests:
            write_json(self._path, digests)
            self._digests = digests


def digest_of(*parts: Any) -> str:
    """Hash of texts, bytes and anything that JSON can hold; of the content of files that are given as paths.

    A path that does not exist has a digest of its own.
    """
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            content = part.read_bytes() if part.is_file() else b"missing"
        elif isinstance(part, bytes):
            content = part
        else:
            content = json.dumps(part, sort_keys=True).encode()
        total.update(hashlib.sha256(content).digest())
    return total.hexdigest()


@lru_cache
def digest_of_code(*places: str) -> str:
    """Hash of the source files in folders of this project, whatever their line ends."""
    total = hashlib.sha256()
    for path in _sources(places):
        total.update(path.relative_to(ROOT).as_posix().encode())
        total.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def digest_of_files(files: Iterable[Path], folder: Path) -> str:
    """Hash of names below `folder` and contents, in the order of the names."""
    return digest_of(*(part for path in sorted(files) for part in (path.relative_to(folder).as_posix(), path)))


def _sources(places: Iterable[str]) -> Iterator[Path]:
    for place in places:
        yield from sorted(path for path in (ROOT / place).rglob("*") if path.suffix in _SOURCES)
