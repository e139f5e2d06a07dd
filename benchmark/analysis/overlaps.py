"""Areas that the masks of one image share, from their run-length encodings: exact, whatever the image's size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from datasets.rle import mask_areas


@dataclass(frozen=True)
class Overlaps:
    """How D detections and G instances of one image overlap; all in pixels, int64.

    detection_area: (D,). instance_area: (G,). shared: (D, G) pixels of a detection in an instance. between: (G, G)
    pixels of two instances (amodal masks overlap). own: (D,) each detection's own instance, -1 for none: the one it
    matches, else the one of greatest IoU if that is above 0, the first among equals. in_own: (D, G) pixels of a
    detection that lie in both its own instance and another, 0 without an own one.
    """

    detection_area: np.ndarray
    instance_area: np.ndarray
    shared: np.ndarray
    between: np.ndarray
    own: np.ndarray
    in_own: np.ndarray

    @property
    def iou(self) -> np.ndarray:
        """(D, G) float64; 0 between empty masks."""
        union = self.detection_area[:, None] + self.instance_area - self.shared
        return self.shared / np.maximum(union, 1)

    def of_own(self, values: np.ndarray) -> np.ndarray:
        """(D,) float64: of values (D, G), each detection's with its own instance; 0 without one."""
        result = np.zeros(len(self.own))
        owning = np.flatnonzero(self.own >= 0)
        result[owning] = values[owning, self.own[owning]]
        return result


def measure(detections: Sequence[dict], instances: Sequence[dict], match: np.ndarray) -> Overlaps:
    """Overlaps of one image. detections, instances: RLE. match: (D,) int, the matched instance or -1."""
    detection_area, instance_area = mask_areas(detections), mask_areas(instances)
    shared = shared_areas(detections, instances)
    iou = Overlaps(detection_area, instance_area, shared, shared, match, shared).iou
    best = np.where(iou.max(axis=1, initial=0) > 0, iou.argmax(axis=1), -1) if len(instances) else match
    own = np.where(match >= 0, match, best)
    (owning,) = np.nonzero(own >= 0)
    in_own = np.zeros_like(shared)
    in_own[owning] = shared_areas(
        [coco_mask.merge([detections[d], instances[int(own[d])]], intersect=True) for d in owning.tolist()], instances
    )
    return Overlaps(detection_area, instance_area, shared, shared_areas(instances, instances), own, in_own)


def shared_areas(a: Sequence[dict], b: Sequence[dict]) -> np.ndarray:
    """(len(a), len(b)) int64 pixels that each two masks share."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), dtype=np.int64)
    share_of_a = coco_mask.iou(list(a), list(b), [1] * len(b))  # what COCO does with crowds
    return np.rint(share_of_a * mask_areas(a)[:, None]).astype(np.int64)
