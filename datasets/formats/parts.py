"""Which part of an amodal mask is visible, whichever way a file says it, and what in it contradicts itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np
from pycocotools import mask as mask_utils

from datasets.coco import decode_masks, encode_masks
from datasets.formats.masks import occlusion_rates
from datasets.keys import RATE_TOLERANCE
from datasets.rle import mask_areas
from datasets.table import Table

CUT = "parts of masks outside their amodal mask cut off"
RATES = "stated occlusion rates that their masks deny replaced"
HIDDEN = "hidden masks that contradict their visible mask ignored"


@dataclass(frozen=True)
class Parts:
    """visible: (N,) RLEs inside the amodal masks. occlusion_rates: (N,) float.
    notes: what was put right -> how often."""

    visible: list[dict]
    occlusion_rates: list[float]
    notes: dict[str, int]

    def info(self) -> dict[str, int]:
        """The notes as keys of a document's ``info``."""
        return {note.replace(" ", "_"): count for note, count in self.notes.items()}


def visible_parts(
    table: Table,
    amodal: Sequence[dict],
    visible: Sequence[dict | None],
    hidden: Sequence[dict | None],
    stated_rates: Sequence[float | None],
    rate_key: str,
) -> Parts:
    """Visible masks and occlusion rates of instances, None standing for what the file does not say.

    A hidden mask alone tells the visible one; an instance with neither is not occluded. What leaves the amodal mask is
    cut off. Rates are those of the masks. Both, and hidden masks that do not complement the visible ones, are counted
    in the notes. Raises InputError for a visible mask with no pixel in its amodal mask, and for a stated rate that no
    mask explains.
    """
    complete: list[dict] = []
    outside = 0
    for index, (whole, seen, unseen, rate) in enumerate(zip(amodal, visible, hidden, stated_rates, strict=True)):
        if seen is None and unseen is None and rate is not None and rate > RATE_TOLERANCE:
            raise table.fault(index, rate_key, "a visible or an invisible mask beside it, or a rate of 0")
        if seen is None and unseen is not None:
            outside += _leaves(unseen, whole)
            complete.append(encode_masks(decode_masks([whole]) & ~decode_masks([unseen]))[0])
        else:
            complete.append(whole if seen is None else seen)
    inside = [mask_utils.merge(pair, intersect=True) for pair in zip(complete, amodal, strict=True)]
    areas, areas_inside, areas_amodal = mask_areas(complete), mask_areas(inside), mask_areas(amodal)
    lost = np.flatnonzero((areas > 0) & (areas_inside == 0) & (areas_amodal > 0))
    if len(lost):
        raise table.fault(int(lost[0]), "visible mask", "one inside the amodal mask", "no pixel of it there")
    cut = areas_inside < areas
    seen_parts = [
        {"size": rle["size"], "counts": part["counts"].decode("ascii")} if is_cut else rle
        for rle, part, is_cut in zip(complete, inside, cut, strict=True)
    ]
    rates = occlusion_rates(amodal, seen_parts)
    denied = [
        rate is not None and abs(rate - found) > RATE_TOLERANCE for rate, found in zip(stated_rates, rates, strict=True)
    ]
    contradicting = [
        seen is not None and unseen is not None and _contradicts(whole, unseen, rate)
        for whole, seen, unseen, rate in zip(amodal, visible, hidden, rates, strict=True)
    ]
    counts = {CUT: outside + int(cut.sum()), RATES: sum(denied), HIDDEN: sum(contradicting)}
    return Parts(seen_parts, rates, {note: int(count) for note, count in counts.items() if count})


def orders_from_masks(
    amodal: Sequence[dict], visible: Sequence[dict], images: Sequence[Sequence[int]]
) -> list[int] | None:
    """Depth order of each instance as masks tell it: 1 = nothing in front, else one more than the longest chain there.

    What is visible where another instance is hidden lies in front of it. images: the positions of each image's
    instances. None where nothing is hidden behind anything, or where masks lie in front of each other in a circle.
    """
    orders = [1] * len(amodal)
    for places in images:
        if len(places) < 2:
            continue
        in_front = in_front_of([amodal[place] for place in places], [visible[place] for place in places])
        try:
            found = chain_orders({i: set(np.flatnonzero(in_front[:, i]).tolist()) for i in range(len(places))})
        except CycleError:
            return None
        for position, place in enumerate(places):
            orders[place] = found[position]
    return orders if max(orders, default=1) > 1 else None


def in_front_of(amodal: Sequence[dict], visible: Sequence[dict]) -> np.ndarray:
    """(n, n) bool, whether the first of two instances hides more of the second than the other way round.

    amodal, visible: RLEs of the n instances of one image."""
    covering = _shared(visible, amodal) - _shared(visible, visible)
    return covering > covering.T


def chain_orders(in_front: dict[int, set[int]]) -> dict[int, int]:
    """One more than the longest chain of instances in front of each. Raises CycleError for a circle.

    in_front: instance -> those in front of it.
    """
    orders: dict[int, int] = {}
    for number in TopologicalSorter(in_front).static_order():
        orders[number] = 1 + max((orders[front] for front in in_front[number]), default=0)
    return orders


def _shared(first: Sequence[dict], second: Sequence[dict]) -> np.ndarray:
    """(n, m) float: pixels that masks share. With "crowds" COCO's IoU is the shared area over the first one's."""
    shares = np.asarray(mask_utils.iou(list(first), list(second), [1] * len(second)), float).reshape(len(first), -1)
    return np.rint(shares * mask_areas(first)[:, None])


def _leaves(part: dict, whole: dict) -> bool:
    return int(mask_areas([part])[0]) > int(mask_areas([mask_utils.merge([part, whole], intersect=True)])[0])


def _contradicts(whole: dict, unseen: dict, rate: float) -> bool:
    area = int(mask_areas([whole])[0])
    hidden = int(mask_areas([mask_utils.merge([unseen, whole], intersect=True)])[0])
    return abs(hidden - rate * area) > max(1, RATE_TOLERANCE * area)
