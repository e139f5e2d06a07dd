"""The readings of a trained network among which `tune` chooses."""

from collections.abc import Mapping
from itertools import product
from typing import Literal

from baselines.dynamic_masks.instances import InstanceSettings

STRIDES: tuple[Literal[2, 4], ...] = (2, 4)
NMS_THRESHOLDS = (0.6, 0.7, 0.8)
VISIBLE_THRESHOLDS = (1.0, 0.5)
VOTES = (1.0, 2.0, 4.0)
MEMBERS = (1, 4)

GRID: Mapping[str, InstanceSettings] = {
    f"stride-{stride}-nms-{nms}-visible-{visible}-votes-{votes:g}-members-{members}": InstanceSettings(
        stride=stride, nms_threshold=nms, visible_threshold=visible, votes=votes, members=members
    )
    for stride, nms, visible, votes, members in product(STRIDES, NMS_THRESHOLDS, VISIBLE_THRESHOLDS, VOTES, MEMBERS)
}
