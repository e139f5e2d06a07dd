"""Many compressed run-length encodings at once, without decoding a single mask: kept, checked, measured.

A compressed RLE (COCO's mask API) is a string of characters chr(48 + x) with 0 <= x < 64. Each number is written in
groups of five bits, lowest first; 0x20 says that more groups follow, 0x10 of the last one is the sign. The numbers are
run lengths, background first, column by column; from the fourth on, each is the difference to the one two before.
Decoders trust such a string, so that a bad one gives a wrong mask instead of an error.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import SupportsIndex, overload

import numpy as np
from pycocotools import mask as coco_mask

MAX_GROUPS = 6
"""Groups of five bits in the longest number read: runs below 2^29 pixels, more than any image here has."""

AT_ONCE = 10_000
"""RLEs of a stream that are held as dicts at the same time."""


class EncodedMasks(Sequence[dict]):
    """Any number of compressed RLEs in little memory: indexed, it gives dicts with size and counts (str).

    counts: all counts one after the other. starts, ends: (n,) int64 places of each one's counts. sizes: (n, 2) int32,
    height and width.
    """

    def __init__(self, counts: bytes, starts: np.ndarray, ends: np.ndarray, sizes: np.ndarray):
        self.counts, self.starts, self.ends, self.sizes = counts, starts, ends, sizes

    @classmethod
    def of(cls, counts: Sequence[str], sizes: Sequence[Sequence[int]]) -> "EncodedMasks":
        """The masks with these counts, checked by `find_fault`, and sizes [height, width]."""
        ends = np.cumsum([len(string) for string in counts], dtype=np.int64)
        starts = np.concatenate([[0], ends])[:-1].astype(np.int64)
        shape = (len(counts), 2)
        return cls("".join(counts).encode("ascii"), starts, ends, np.array(sizes, dtype=np.int32).reshape(shape))

    @classmethod
    def of_rles(cls, rles: Sequence[dict]) -> "EncodedMasks":
        """The masks of compressed RLEs, with counts of bytes or str."""
        counts = (rle["counts"] for rle in rles)
        strings = [of_one if isinstance(of_one, str) else of_one.decode("ascii") for of_one in counts]
        return cls.of(strings, [rle["size"] for rle in rles])

    @classmethod
    def of_stream(cls, rles: Iterable[dict]) -> "EncodedMasks":
        """The masks of any number of compressed RLEs, which are never held as dicts all at once."""
        rest, parts = iter(rles), []
        while block := list(islice(rest, AT_ONCE)):
            parts.append(cls.of_rles(block))
        return cls.joined(parts)

    @classmethod
    def joined(cls, parts: Sequence["EncodedMasks"]) -> "EncodedMasks":
        """The masks of all parts, one part after the other."""
        before = np.cumsum([0, *(len(part.counts) for part in parts)])
        return cls(
            b"".join(part.counts for part in parts),
            np.concatenate([np.zeros(0, np.int64), *(part.starts + b for part, b in zip(parts, before, strict=False))]),
            np.concatenate([np.zeros(0, np.int64), *(part.ends + b for part, b in zip(parts, before, strict=False))]),
            np.concatenate([np.zeros((0, 2), np.int32), *(part.sizes for part in parts)]),
        )

    def take(self, places: np.ndarray) -> "EncodedMasks":
        """Those at `places`, (m,) int or (n,) bool, which share the memory of their counts with these."""
        return EncodedMasks(self.counts, self.starts[places], self.ends[places], self.sizes[places])

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    @overload
    def __getitem__(self, place: SupportsIndex) -> dict: ...
    @overload
    def __getitem__(self, place: slice) -> list[dict]: ...
    def __getitem__(self, place):
        if not isinstance(place, slice):
            return self._entry(self.sizes[place].tolist(), int(self.starts[place]), int(self.ends[place]))
        rows = zip(self.sizes[place].tolist(), self.starts[place].tolist(), self.ends[place].tolist(), strict=True)
        return [self._entry(*row) for row in rows]

    def _entry(self, size: list[int], start: int, end: int) -> dict:
        return {"size": size, "counts": self.counts[start:end].decode("ascii")}


def find_fault(counts: list[str], areas: list[int]) -> tuple[int, str] | None:
    """An encoding that is no RLE of an image with so many pixels: (its index, what is wrong), or None.

    counts: n compressed encodings. areas: n times height x width in pixels.
    """
    if not counts:
        return None
    if "" in counts:
        return counts.index(""), "an empty RLE"
    text = "".join(counts)
    if not text.isascii():
        return next(i for i, string in enumerate(counts) if not string.isascii()), "a character outside RLE's alphabet"
    codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8) - np.uint8(48)
    string_ends = np.cumsum([len(string) for string in counts])
    if codes.max() > 63:
        return _place(string_ends, int((codes > 63).argmax())), "a character outside RLE's alphabet"
    last_group = codes < 0x20
    if not last_group[string_ends - 1].all():
        return int(last_group[string_ends - 1].argmin()), "an RLE that ends within a number"
    number_ends = np.flatnonzero(last_group) + 1
    groups = np.diff(number_ends, prepend=0)
    if groups.max() > MAX_GROUPS:
        return _place(string_ends, number_ends[groups.argmax()] - 1), "an RLE with a number beyond any image"

    numbers = codes[number_ends - 1].astype(np.int64)
    numbers -= (numbers & 0x10) << 1
    for more in range(1, groups.max()):
        longer = np.flatnonzero(groups > more)
        numbers[longer] = numbers[longer] * 32 + (codes[number_ends[longer] - 1 - more] & 0x1F)
    lengths, firsts = _run_lengths(numbers, np.searchsorted(number_ends, string_ends, side="right"))
    if lengths.min() < 0:
        return _place(firsts[1:], (lengths.min(axis=1) < 0).argmax()), "an RLE with a negative run length"
    sums = np.add.reduceat(lengths[:, 0] + lengths[:, 1], firsts[:-1])
    wrong = sums != areas
    return (int(wrong.argmax()), f"an RLE of {sums[wrong.argmax()]} pixels") if wrong.any() else None


def mask_areas(rles: Sequence[dict]) -> np.ndarray:
    """Pixels of any number of compressed RLEs: (n,) int64.

    With NumPy 2, pycocotools' own function (2.0.11) raises OverflowError for more than 255 of them.
    """
    parts = [coco_mask.area(list(rles[start : start + 255])) for start in range(0, len(rles), 255)]
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def _place(ends: np.ndarray, position: int) -> int:
    """Which of the consecutive pieces that end at `ends` holds `position`."""
    return int(np.searchsorted(ends, position, side="right"))


def _run_lengths(numbers: np.ndarray, run_ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undo the differences: (lengths (K, 2) of background and foreground runs, firsts (n + 1,)).

    numbers: (R,) of n encodings, of which encoding i has those up to run_ends[i]. It then fills the rows
    firsts[i]:firsts[i + 1] of lengths, with a foreground run of 0 at the end where the last run is background.
    """
    runs = np.diff(run_ends, prepend=0)
    odd = runs % 2
    firsts = np.concatenate([[0], np.cumsum((runs + odd) // 2)])
    padding = 2 * firsts[1:][odd == 1] - 1
    filled = np.ones(2 * firsts[-1], dtype=bool)
    filled[padding] = False
    pairs = np.zeros(2 * firsts[-1], dtype=np.int64)
    pairs[filled] = numbers
    pairs = pairs.reshape(-1, 2)

    # Foreground runs are cumulative sums within their encoding, background runs are from their second one on.
    starts = firsts[:-1]
    first_runs = pairs[starts, 0].copy()
    pairs[starts, 0] = 0
    sums = np.cumsum(pairs, axis=0)
    before = sums[starts] - pairs[starts]
    lengths = sums - np.repeat(before, np.diff(firsts), axis=0)
    lengths[starts, 0] = first_runs
    lengths.reshape(-1)[padding] = 0
    return lengths, firsts
