"""Broken inputs, made by small generators: what users, disks and other programs hand over."""

import copy
import gzip
import io
import json
import math
import pickle
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

WRONG_VALUES = (None, True, -1, 0.5, math.nan, 2**70, "x", "", [], {}, [[]], "\ud800", "a\nb")
"""One of each kind; where one of them is right, the case is left out by who uses it."""

UNREADABLE = {
    "empty": b"",
    "half a document": b'{"images": [{"id": 1',
    "not UTF-8": b"\xff\xfe\x00{}",
    "binary": bytes(range(256)),
    "nested 100,000 deep": b"[" * 100_000,
    "dicts nested 100,000 deep": b'{"a":' * 100_000,
    "half a gzip": gzip.compress(b"[" + b"1," * 1000 + b"1]")[:40],
    "gzip of nothing": gzip.compress(b""),
    "gzip that unpacks to 70 MB": gzip.compress(b" " * 70_000_000, 1),
    "a number of 10,000 digits": b"[" + b"9" * 10_000 + b"]",
    "a pickle": pickle.dumps({"images": []}),
    "a list": b"[]",
    "a dict": b"{}",
    "null": b"null",
    "a number": b"3",
}
"""Contents that are no file of annotations."""

NUMBERS_FOR_SEEDS = ("-1", "1.5", "x", "", str(2**63), str(10**30), "nan", "1e3", "0x10")
NUMBERS_FOR_COUNTS = ("0", "-1", "1.5", "x", "", str(10**30), "nan", "inf")
MINUTES = ("nan", "inf", "-1", "x", "")
PATHS = ("", ".", "/", "..", "a\nb", "a\0b", "\ud800", "/proc/nowhere/x", "x" * 300)
"""Where nothing can be written."""

SCORES = ("-0.1", "1.1", "nan", "inf", "x", "")
WORDS = ("", " ", "x", "a\nb", "a\0b", "\ud800", "os:system", "no.such:Class", "$(x)", "x" * 300, "../x", "=", "a=b=c")
"""In place of a name that exists."""

HOSTILE_NAMES = (
    "$", "$x$", "$\\frac{", "a\nb", "<b>", "|", "\\", "\\input{x}", "%", "&", "#", "_", "a_b_c", "^", "~", "{", "}",
    "*a*", "`a`", "[a](b)", "<script>alert(1)</script>", "\x1b[0m", "\ud800", "\0", "\u202e", "&amp;", "a/b", "a\tb",
    "\u00e9", "--", "''", '"',
)  # fmt: skip
"""Of models, presets and runs, which people may call as they like."""

FILE_NAMES = (
    "/etc/passwd", "../annotations.json", "a/../../x.png", "", ".", "..", "\ud800.png", "a\nb.png", "a\0b.png",
    "C:\\x.png", "..\\x.png", None, 3, [], "missing.png",
)  # fmt: skip
"""That an image of a dataset must not have."""


def with_changes(document: dict[str, Any], keys: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, `document` with one thing changed): each list of `keys` replaced, each key of its first entry replaced or
    left out."""
    for table, names in keys.items():
        for value in WRONG_VALUES:
            if value != []:
                yield f"{table} {value!r}", {**document, table: value}
        yield f"no {table}", {key: value for key, value in document.items() if key != table}
        for value in (None, 3, "x", []):
            yield f"{table}[0] {value!r}", {**document, table: [value, *document[table][1:]]}
        for name in names:
            for value in WRONG_VALUES:
                changed = copy.deepcopy(document)
                if changed[table][0].get(name) != value:
                    changed[table][0][name] = value
                    yield f"{table}[0].{name} {value!r}", changed
            without = copy.deepcopy(document)
            del without[table][0][name]
            yield f"{table}[0] without {name}", without


def mutated(document: Any, number: int, seed: int = 0) -> Iterator[tuple[str, Any]]:
    """(name, `document` with one value somewhere in it replaced or left out), so many times, the same every time."""
    chance = random.Random(seed)
    for _ in range(number):
        changed = copy.deepcopy(document)
        place, path = changed, []
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            path.append(chance.choice(keys))
            inner = place[path[-1]]
            if not inner or not isinstance(inner, dict | list) or chance.random() < 0.2:
                break
            place = inner
        value = chance.choice((*WRONG_VALUES, "left out"))
        if value == "left out":
            del place[path[-1]]
        else:
            place[path[-1]] = value
        yield f"{'.'.join(map(str, path))} {value!r}", changed


def bad_masks(size: int = 64) -> dict[str, Any]:
    """RLEs that are no masks of size x size pixels."""
    pixels = size * size
    return {
        "polygon": [[0, 0, 9, 0, 9, 9]],
        "other size": {"size": [size, size + 1], "counts": [pixels + size]},
        "size of floats": {"size": [float(size), 0.5], "counts": [pixels]},
        "no counts": {"size": [size, size]},
        "too few pixels": {"size": [size, size], "counts": [pixels - 1]},
        "negative run": {"size": [size, size], "counts": [pixels + 5, -5]},
        "boolean run": {"size": [size, size], "counts": [True, pixels - 1]},
        "huge run": {"size": [size, size], "counts": [2**70]},
        "garbage": {"size": [size, size], "counts": "not an RLE"},
        "empty": {"size": [size, size], "counts": ""},
        "non-ASCII": {"size": [size, size], "counts": "\u00e9\ud800"},
        "number without an end": {"size": [size, size], "counts": "oooooooooooo"},
    }


def png(width: int, height: int, depth: int = 1, data: bytes = b"") -> bytes:
    """The bytes of a PNG whose header says so much; `data` are its packed lines."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def bad_images(good: bytes) -> dict[str, bytes]:
    """Files that are no image of 256x256 pixels; `good` is one that is."""
    return {
        "no bytes": b"",
        "text": b"not an image",
        "half of it": good[: len(good) // 2],
        "30000x30000": png(30_000, 30_000),
        "2147483647 wide": png(2**31 - 1, 1),
        "no pixels": png(0, 0),
        "without data": png(256, 256),
        "255x256": png(255, 256, data=b"\0" * 33 * 256),
        "512x512": png(512, 512, data=b"\0" * 65 * 512),
        "a wrong checksum": good[:40] + bytes([good[40] ^ 255]) + good[41:],
        "a depth of 7": png(256, 256, 7),
    }


def bad_manifests(manifest: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Manifests of no run."""
    yield from UNREADABLE.items()
    for key in ("model", "preset", "hyperparameters", "scenes", "layers", "seed"):
        yield f"no {key}", json.dumps({name: value for name, value in manifest.items() if name != key}).encode()
        for value in (3.5, [], "\ud800", -1, {"counts": [1], "label": "1"}):
            yield f"{key} {value!r}", json.dumps({**manifest, key: value}).encode()
    for key, value in (
        ("scenes", {"counts": [10**9, 0, 0], "label": "x"}),
        ("scenes", {"label": "x"}),
        ("hyperparameters", {"training": {"images": "many"}}),
        ("hyperparameters", {"training": {"workers": 1_000_000}}),
        ("hyperparameters", {"unheard": 1}),
        ("model", "os:system"),
        ("model", ""),
        ("dataset", [1]),
        ("wall_time_seconds", {"training": "long"}),
    ):
        yield f"{key} {value!r}", json.dumps({**manifest, key: value}).encode()


BAD_LOGS = {
    "empty": b"",
    "only a header": b"loss\n",
    "text": b"hello\nworld\n",
    "binary": bytes(range(256)),
    "no numbers": b"images,seconds\nmany,long\n",
    "two headers": b"images,seconds\n2,1\nimages,seconds\n4,2\n",
    "rows twice": b"images,seconds\n2,1\n4,2\n2,1\n4,2\n",
    "half a row": b"images,seconds\n2,1\n4",
    "a long row": b"images,seconds\n2,1,5,6\n",
    "NaN": b"images,seconds\nnan,1\n",
    "a column twice": b"images,seconds,images\n2,1,4\n",
    "an open quote": b'images,seconds\n"2,1\n',
}
"""Training logs that cannot be gone on with."""


def malicious_pickle(marker: str) -> bytes:
    """A pickle that makes the file `marker` if it is ever loaded as one."""

    class Evil:
        def __reduce__(self):
            return open, (marker, "w")

    buffer = io.BytesIO()
    pickle.dump({"model": Evil(), "optimizer": {}, "position": {}}, buffer)
    return buffer.getvalue()
