"""From an adapter's detections to COCO results files, one a variant."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as mask_utils

from benchmark.adapter import TUNED_VARIANT, Adapter, Detections, Run
from benchmark.evaluation.validate import GroundTruth, read_predictions
from benchmark.runs.folder import TUNED, read_tuned
from datasets.coco import encode_masks
from datasets.dataset import Dataset, ResultSize
from datasets.errors import InputError
from datasets.files import write_compact_json
from datasets.frame import Frame
from datasets.progress import progress
from datasets.rle import EncodedMasks
from datasets.scene import GRID_SIZE
from datasets.table import show

SCORE_DIGITS = 6
MASK_SHAPE = (GRID_SIZE, GRID_SIZE)


def predict(
    adapter: Adapter, dataset: Dataset, run: Run, variants: Sequence[str], size: ResultSize | None = None
) -> dict[str, list[dict[str, Any]]]:
    """COCO results of each of `variants`, sorted by image: the adapter's variants, readings of its grid, or "tuned".

    size: of the masks, None for that at which `dataset` is evaluated. Raises InputError if an image is missing or
    invalid, for a variant that does not exist, and if `dataset` has other categories than a trained `run`.
    """
    asked = {name: _name_for_adapter(adapter, run, name) for name in variants}
    _check_categories(dataset, run)
    category_ids = [category["id"] for category in dataset.categories]
    size = size or dataset.result_size
    results: dict[str, dict[int, list]] = {name: {} for name in variants}
    images = progress(
        adapter.predict(dataset, run, list(dict.fromkeys(asked.values()))),
        total=len(dataset),
        description=f"predict {run.model}",
        unit="image",
    )
    for image_id, outputs in images:
        for name in variants:
            if image_id in results[name]:
                raise InputError(f"{run.model}: predicted image {image_id} twice")
            if not isinstance(outputs, dict) or asked[name] not in outputs:
                raise InputError(
                    f"{run.model}: image {image_id}: found {show(outputs)}, expected variant {asked[name]}"
                )
            results[name][image_id] = detections_to_coco(
                image_id, outputs[asked[name]], category_ids, dataset.frame(image_id) if size == "image" else None
            )
    missing = sorted(set(dataset.image_ids) - set(results[variants[0]]))
    if missing:
        raise InputError(f"{run.model}: predicted nothing for {len(missing)} images, the first of them {missing[0]}")
    found = {
        name: [entry for image_id in sorted(by_image) for entry in by_image[image_id]]
        for name, by_image in results.items()
    }
    expected = _images_of(dataset, size)
    for name, entries in found.items():
        try:
            read_predictions(entries, expected)  # what the evaluator would refuse is not written
        except InputError as error:
            raise InputError(f"{run.model}: variant {name}: {error}") from None
    return found


def _images_of(dataset: Dataset, size: ResultSize) -> GroundTruth:
    """The images and categories that predictions for `dataset` may speak of, for the evaluator's validator."""
    frames = {image_id: dataset.frame(image_id) for image_id in dataset.image_ids}
    own_sizes = {image_id: [frame.height, frame.width] for image_id, frame in frames.items()}
    return GroundTruth(
        name=str(dataset.annotations_file),
        masks="amodal",
        image_sizes={image_id: list(MASK_SHAPE) for image_id in dataset.image_ids} if size == "grid" else own_sizes,
        category_ids=[category["id"] for category in dataset.categories],
        annotation_ids=(none := np.zeros(0, np.int64)),
        annotation_images=none,
        annotation_categories=none,
        segmentations=EncodedMasks.of([], []),
        occlusion_rates=np.zeros(0),
        orders=none,
    )


def _name_for_adapter(adapter: Adapter, run: Run, variant: str) -> str:
    """What the adapter calls a variant: the tuned one is the reading of its grid that `tune` chose for this run."""
    if variant in adapter.variants or variant in adapter.grid or variant in adapter.readings:
        return variant
    if variant != TUNED_VARIANT:
        raise InputError(f"variant {variant!r}: {run.model} has {', '.join(adapter.variants)}")
    choice = read_tuned(run.folder)["choice"]
    if choice not in adapter.grid:
        raise InputError(
            f"{run.folder / TUNED}: {choice!r} is no reading of this version of {run.model}; tune it again"
        )
    return choice


def detections_to_coco(
    image_id: int, detections: Detections, category_ids: Sequence[int], frame: Frame | None = None
) -> list[dict[str, Any]]:
    """One COCO result per detection, with the box of its mask.

    category_ids: of the category numbers 1, 2, ... frame: the image's, for masks at its own size; None leaves them on
    the grid. Raises InputError where shapes, types or values are not what they should be.
    """
    check_detections(image_id, detections, len(category_ids))
    order = detections.order
    masks = encode_masks(detections.masks if frame is None else frame.restore(detections.masks))
    boxes = mask_utils.toBbox(masks).tolist() if masks else []
    entries = [
        {
            "image_id": image_id,
            "category_id": category_ids[int(category) - 1],
            "segmentation": rle,
            "bbox": box,
            "score": round(float(score), SCORE_DIGITS),
        }
        for category, rle, box, score in zip(detections.categories, masks, boxes, detections.scores, strict=True)
    ]
    if order is not None:
        entries = [{**entry, "order": place} for entry, place in zip(entries, order.tolist(), strict=True)]
    return entries


def _check_categories(dataset: Dataset, run: Run) -> None:
    """Numbers mean the same to the model and in the dataset only if both name the same categories in the same order."""
    names = tuple(category["name"] for category in dataset.categories)
    if run.preset is not None and names != run.source.categories:
        raise InputError(
            f"{dataset.annotations_file}: categories: found {', '.join(names)}, expected those that {run.folder} was "
            f"trained on, {', '.join(run.source.categories)}"
        )


def check_detections(image_id: int, detections: Detections, categories_known: int) -> None:
    """Raise InputError, naming the image and the field, unless `detections` is as its class documents."""
    if not isinstance(detections, Detections):
        raise InputError(f"image {image_id}: the adapter gave {show(detections)}, expected Detections")
    masks, scores, categories, order = detections.masks, detections.scores, detections.categories, detections.order
    arrays = (masks, scores, categories, *([] if order is None else [order]))
    if not all(isinstance(array, np.ndarray) and array.ndim for array in arrays):
        raise InputError(f"image {image_id}: the adapter gave {show(detections)}, expected NumPy arrays")
    count = len(scores)
    if masks.shape != (count, *MASK_SHAPE) or masks.dtype != bool:
        fault = f"masks of shape {masks.shape} {masks.dtype}, expected ({count}, 64, 64) bool"
    elif scores.dtype.kind not in "fiu" or not np.all((scores >= 0) & (scores <= 1)):
        fault = f"scores {scores}, expected numbers from 0 to 1"
    elif len(categories) != count or not np.isin(categories, np.arange(1, categories_known + 1)).all():
        fault = f"categories {categories}, expected {count} of 1 to {categories_known}"
    elif order is not None and len(order) != count:
        fault = f"an order of {len(order)} detections, expected {count}"
    else:
        return
    raise InputError(f"image {image_id}: the adapter gave {' '.join(fault.split())}")


def write_predictions(path: Path, entries: list[dict[str, Any]]) -> None:
    """A COCO results file, gzipped if `path` ends in .gz."""
    write_compact_json(path, entries)


def variant_path(path: Path, variant: str) -> Path:
    """``out.json.gz`` -> ``out.<variant>.json.gz``."""
    for ending in (".json.gz", ".json"):
        if path.name.endswith(ending):
            return path.with_name(f"{path.name.removesuffix(ending)}.{variant}{ending}")
    return path.with_name(f"{path.name}.{variant}.json")
