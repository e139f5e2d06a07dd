"""Average precision of hidden parts: does a model know what it does not see? (docs/protocol.md "Metrics of the field")

The hidden part of an instance is its amodal mask without its visible one. That of a detection is its amodal mask
without the visible mask that it carries or, where predictions carry none, the pixels of its amodal mask that detections
in front of it cover.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
from pycocotools import mask as coco_mask

from benchmark.evaluation.evaluate import evaluate_with_matches
from benchmark.evaluation.validate import GroundTruth, Predictions
from datasets.coco import decode_masks, encode_masks
from datasets.rle import EncodedMasks

PartsFrom = Literal["visible masks", "depth order"]
"""What hidden parts of detections are made from."""


class HiddenPrecision(NamedTuple):
    """AP, AP50: of hidden parts, None without instances that have one, or predictions that tell theirs. instances: that
    have one. parts_from: what the predictions tell them by, None for neither."""

    AP: float | None
    AP50: float | None
    instances: int
    parts_from: PartsFrom | None


class Parts(NamedTuple):
    """Hidden parts of some of n masks. places: (m,) int64, ascending, which of the n have one. masks: these m parts."""

    places: np.ndarray
    masks: EncodedMasks


def hidden_precision(
    ground_truth: GroundTruth, visible: Mapping[int, dict[str, Any]], predictions: Predictions
) -> HiddenPrecision:
    """Of one results file. visible: annotation id -> visible mask, RLE, of all instances that have one; none for
    annotations without visible masks. Detections without a hidden part claim none and do not take part."""
    truth = hidden_truth(ground_truth, visible)
    instances = len(truth.places)
    parts, parts_from = hidden_parts(predictions)
    if not instances or parts_from is None:
        return HiddenPrecision(None, None, instances, parts_from)
    metrics, _ = evaluate_with_matches(_of_parts(ground_truth, truth), _of_parts(predictions, parts))
    return HiddenPrecision(metrics["AP"], metrics["AP50"], instances, parts_from)


def hidden_truth(ground_truth: GroundTruth, visible: Mapping[int, dict[str, Any]]) -> Parts:
    """The hidden parts of the instances that have one. An instance that nobody sees is hidden whole."""
    if not visible:
        return _collected(())
    masks = enumerate(zip(ground_truth.annotation_ids, ground_truth.segmentations, strict=True))
    return _collected((place, without(mask, visible[key]) if key in visible else mask) for place, (key, mask) in masks)


def hidden_parts(predictions: Predictions) -> tuple[Parts, PartsFrom | None]:
    """The hidden parts of the detections that have one, and what they were made from."""
    masks = predictions.segmentations
    if predictions.visible_masks is not None:
        pairs = enumerate(zip(masks, predictions.visible_masks, strict=True))
        return _collected((place, without(*pair)) for place, pair in pairs), "visible masks"
    if predictions.orders is None:
        return _collected(()), None
    return _collected(_covered_by_image(masks, predictions.image_ids, predictions.orders)), "depth order"


def _collected(parts: Iterable[tuple[int, dict[str, Any] | None]]) -> Parts:
    """parts: places, in any order, and the part of each, None where it has none."""
    places: list[int] = []

    def kept() -> Iterator[dict[str, Any]]:
        for place, part in parts:
            if part is not None:
                places.append(place)
                yield part

    masks = EncodedMasks.of_stream(kept())
    order = np.argsort(np.array(places, dtype=np.int64))
    return Parts(np.array(places, dtype=np.int64)[order], masks.take(order))


def _covered_by_image(
    masks: Sequence[dict[str, Any]], images: np.ndarray, orders: np.ndarray
) -> Iterator[tuple[int, dict[str, Any] | None]]:
    """Place and hidden part of all detections, image by image."""
    by_image = np.argsort(images, kind="stable")
    for group in np.split(by_image, np.flatnonzero(np.diff(images[by_image])) + 1):
        yield from zip(group.tolist(), _covered([masks[i] for i in group], orders[group]), strict=True)


def without(mask: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any] | None:
    """A mask without the pixels of another of its size, None if nothing is left."""
    left = decode_masks([mask]) & ~decode_masks([seen])
    return encode_masks(left)[0] if left.any() else None


def _covered(masks: Sequence[dict[str, Any]], orders: np.ndarray) -> list[dict[str, Any] | None]:
    """Of each detection of one image, what all those in front of it cover; one of the same order does not."""
    parts: list[dict[str, Any] | None] = [None] * len(masks)
    nearer: list[dict[str, Any]] = []
    for order in np.unique(orders):
        here = np.flatnonzero(orders == order).tolist()
        for place in here if nearer else ():
            part = coco_mask.merge([masks[place], *nearer], intersect=True)
            parts[place] = part if coco_mask.area(part) else None
        nearer = [coco_mask.merge([*nearer, *(masks[place] for place in here)])]
    return parts


def _of_parts(whole: Any, parts: Parts) -> Any:
    """Annotations or predictions with hidden parts as their masks, those without one left out, and without orders."""
    columns = (
        ("annotation_ids", "annotation_images", "annotation_categories", "occlusion_rates")
        if isinstance(whole, GroundTruth)
        else ("image_ids", "category_ids", "scores")
    )
    chosen: dict[str, Any] = {name: getattr(whole, name)[parts.places] for name in columns}
    return replace(whole, **chosen, segmentations=parts.masks, orders=None)
