"""The readings of a trained network among which `tune` chooses."""

from collections.abc import Mapping
from itertools import product
from typing import Literal

from baselines.dynamic_masks.instances import InstanceSettings

STRIDES: tuple[Literal[2, 4], ...] = (2, 4)
NMS_THRESHOLDS = (0.6, 0.7, 0.8)
VISIBLE_THRESHOLDS = (1.0, 0.5)
VOTES = (1.0, 2.0, 4.0)
MINIMUM_AREAS = (5, 20)

GRID: Mapping[str, InstanceSettings] = {
    f"stride-{stride}-nms-{nms}-visible-{visible}-votes-{votes:g}-area-{area}": InstanceSettings(
        stride=stride, nms_threshold=nms, visible_threshold=visible, votes=votes, minimum_area=area
    )
    for stride, nms, visible, votes, area in product(STRIDES, NMS_THRESHOLDS, VISIBLE_THRESHOLDS, VOTES, MINIMUM_AREAS)
}
