"""Starting from weights that others trained: fetched, checked, copied where they fit, and told in full."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, nn

from benchmark.adapter import Run
from benchmark.runs.folder import INITIAL_WEIGHTS, is_main_process
from datasets.errors import InputError, one_line
from datasets.files import write_atomically, write_json

SHOWN = 5
"""Tensors that a message names; the manifest names all."""


@dataclass(frozen=True)
class Loaded:
    """What became of a file of weights. source: address or path. sha256: of the file. tensors: how many were copied.
    misfits: the others, "name: found ..., expected ..."; those keep their random or initial values."""

    source: str
    sha256: str
    tensors: int
    misfits: tuple[str, ...]


def start_from(run: Run, load: Callable[[], Loaded]) -> None:
    """Load the initial weights of `run` and note in its folder, for the manifest, what was loaded; one line on standard
    error says what did not fit. A run that goes on from its checkpoint needs them no more."""
    if run.checkpoint.exists():
        return
    loaded = load()
    if is_main_process():
        write_json(run.folder / INITIAL_WEIGHTS, asdict(loaded))
        print(describe(loaded), file=sys.stderr, flush=True)


def describe(loaded: Loaded) -> str:
    """One line: how many tensors were copied, and the first that were not."""
    text = f"{loaded.source}: {loaded.tensors} tensors loaded"
    if not loaded.misfits:
        return text
    more = len(loaded.misfits) - SHOWN
    shown = "; ".join(loaded.misfits[:SHOWN]) + (f"; and {more} more, all in the manifest" if more > 0 else "")
    return f"{text}, {len(loaded.misfits)} did not fit: {shown}"


def copy_fitting(
    module: nn.Module, given: Mapping[str, Tensor], source: str, sha256: str,
    alias: Callable[[str], str] = lambda name: name,
) -> Loaded:  # fmt: skip
    """Copy into `module` what fits by name and shape.

    alias: brings a name of either side into the form that both share. A normalisation layer of another kind than the
    file's keeps its own values: its weights have the same shapes there, and another meaning. Raises InputError if
    nothing fits.
    """
    given = {alias(name): tensor for name, tensor in given.items()}
    own = module.state_dict()
    names = {alias(name): name for name in own}
    misfits, copied = [], 0
    for shared, name in names.items():
        found, expected = given.get(shared), own[name]
        layer = shared.rpartition(".")[0]
        if found is None:
            misfits.append(f"{name}: found nothing, expected shape {tuple(expected.shape)}")
        elif found.shape != expected.shape:
            misfits.append(f"{name}: found shape {tuple(found.shape)}, expected shape {tuple(expected.shape)}")
        elif (f"{layer}.running_mean" in given) != (f"{layer}.running_mean" in names):
            misfits.append(f"{name}: found another kind of normalisation")
        else:
            expected.copy_(found)
            copied += 1
    extra = [name for name in given if name not in names]
    if not copied:
        raise InputError(f"{source}: found no tensor that fits the model by name and shape; {misfits[0]}")
    misfits += [f"{name}: found shape {tuple(given[name].shape)}, expected no such tensor" for name in extra]
    return Loaded(source, sha256, copied, tuple(misfits))


def fetched(what: str, address: str, fetch: Callable[[], Path]) -> tuple[Path, str]:
    """The file that a library's own loader fetches from `address`, or has in its cache, and the file's SHA-256.

    The hash is kept beside the file when it is first seen, and a file that changed since is refused; the loaders check
    the hashes that publishers state. Raises InputError, which says how to do without a network, if there is no such
    file to be had.
    """
    try:
        path = fetch()
        digest = sha256_of(path)
    except Exception as error:  # every library has its own kinds
        raise InputError(
            f"{what}: cannot be fetched from {address} ({one_line(error)}); "
            f"without a network, fetch it elsewhere and give the file"
        ) from None
    note = path.with_name(f"{path.name}.sha256")
    if not note.exists():
        write_atomically(note, lambda temporary: temporary.write_text(digest))
    elif note.read_text().strip() != digest:
        expected = note.read_text().strip()
        raise InputError(f"{path}: found SHA-256 {digest}, expected {expected} as when it was fetched; delete both")
    return path, digest


def sha256_of(path: Path) -> str:
    """Of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
