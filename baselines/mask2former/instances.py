"""From the queries of one image to its instances, and the readings among which `tune` chooses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from torch import Tensor

from baselines.depth_order import depth_order
from baselines.nms_sweep import mask_nms
from benchmark.adapter import Detections
from benchmark.models.hints import CountOrZero, Probability


@dataclass(frozen=True)
class InstanceSettings:
    """How queries become instances.

    certainty: whether a detection's score is the probability of its category times the mean probability inside its
    mask, or the probability of the category alone. mask_threshold: probability from which on a pixel belongs to the
    mask. nms_threshold: IoU of two masks of one category above which the better detection removes the other; 1 removes
    none. minimum_area: smaller masks are dropped; in pixels of the grid.
    """

    certainty: bool = True
    mask_threshold: Probability = 0.5
    nms_threshold: Probability = 1.0
    minimum_area: CountOrZero = 5


MASK_THRESHOLDS = (0.4, 0.5, 0.6)
NMS_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 1.0)

GRID: Mapping[str, InstanceSettings] = {
    f"{'certainty' if certainty else 'class'}-mask-{mask}-nms-{nms}": InstanceSettings(certainty, mask, nms)
    for certainty, mask, nms in product((True, False), MASK_THRESHOLDS, NMS_THRESHOLDS)
}
"""No floor of scores and no limit on their number: there are 64 queries, and leaving the last ones out costs AP."""


def find_instances(
    class_logits: Tensor, mask_logits: Tensor, shown_logits: Tensor, readings: Sequence[InstanceSettings]
) -> list[Detections]:
    """What the queries of one image say, best first, as each of `readings` takes it.

    class_logits: (Q, categories + 1), "no object" last: a query has its likeliest category, however likely "no object"
    is. mask_logits: (Q, 64, 64). shown_logits: (Q, 64, 64), whether an object is what one sees at a pixel of its mask.
    """
    probabilities, categories = class_logits.softmax(dim=1)[:, :-1].max(dim=1)
    inside, shown = mask_logits.sigmoid(), shown_logits.sigmoid()
    found = []
    for settings in readings:
        masks = inside > settings.mask_threshold
        areas = masks.flatten(1).sum(dim=1)
        scores = probabilities
        if settings.certainty:
            scores = scores * (inside * masks).flatten(1).sum(dim=1) / areas.clamp(min=1)
        best = scores.argsort(descending=True, stable=True)
        kept = best[areas[best] >= max(settings.minimum_area, 1)]
        if settings.nms_threshold < 1:
            kept = kept[mask_nms(masks[kept], categories[kept], settings.nms_threshold)]
        found.append(
            Detections(
                masks[kept].cpu().numpy(),
                scores[kept].double().clamp(0, 1).cpu().numpy(),
                (categories[kept] + 1).cpu().numpy(),
                depth_order(masks[kept], shown[kept], scores[kept]),
            )
        )
    return found
