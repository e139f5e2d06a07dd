"""What the annotation files of amodal data sets call the same things, and whether a file is in our own form."""

from collections.abc import Iterable

AMODAL_KEYS = ("amodal_segm", "amodal_mask", "a_segm", "segmentation")
"""Names of the amodal mask; the first that an entry has counts. AIStron's `segmentation` may be the visible one."""

VISIBLE_KEYS = ("visible_mask", "visible_segm", "inmodal_seg", "i_segm")
HIDDEN_KEYS = ("invisible_mask", "occluded_mask")
RATE_KEYS = ("occlude_rate", "occluded_rate")

RATE_TOLERANCE = 0.05
"""Share of an amodal mask up to which a stated rate or a second mask may differ from what the masks say: polygons of
the same outline differ by about so much when they are small."""

FOREIGN_KEYS = frozenset((*AMODAL_KEYS[:-1], *VISIBLE_KEYS[1:], *HIDDEN_KEYS[1:], *RATE_KEYS[1:]))
"""Names that the benchmark's own files do not use."""


def is_own_form(blocks: Iterable[list]) -> bool:
    """Whether the evaluator reads a file as it is: RLEs and `occlude_rate` under the benchmark's names.

    blocks: the file's annotations, some at a time. A file that is damaged or has none counts as its own, too: the
    evaluator says what is wrong.
    """
    empty, rated = True, False
    for block in blocks:
        entries = [entry for entry in block if isinstance(entry, dict)]
        if any(isinstance(entry.get("segmentation"), list) or not FOREIGN_KEYS.isdisjoint(entry) for entry in entries):
            return False
        empty = empty and not entries
        rated = rated or any("occlude_rate" in entry for entry in entries)
    return empty or rated
