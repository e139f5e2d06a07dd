"""Annotations of images of any size on the 64x64 grid that models draw on."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from datasets.coco import decode_masks, encode_masks
from datasets.formats.instances import DOCUMENT, Instances
from datasets.formats.masks import occlusion_rates
from datasets.frame import Frame
from datasets.scene import GRID_SIZE

UNSEEN = "instances_that_nobody_sees_on_the_grid_left_out"


def on_grid(instances: Instances) -> Instances:
    """The same instances on the grid of the square that models see (`Frame.fitting`), by nearest pixel.

    Images become 64x64 and occlusion rates are those of the grid. As in scenes, an instance without a visible pixel on
    the grid is left out, and counted in ``info``.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _columns(instances)}
    for image_id, places in instances.by_image().items():
        if not places:
            continue
        frame = Frame.fitting(*instances.sizes[image_id])
        amodal = _sampled(frame, [instances.amodal[place] for place in places])
        visible = _sampled(frame, [instances.visible[place] for place in places]) & amodal
        seen = np.flatnonzero(visible.any(axis=(1, 2)))
        of_image = {name: [column[places[i]] for i in seen] for name, column in _columns(instances).items()}
        of_image |= {"amodal": encode_masks(amodal[seen]), "visible": encode_masks(visible[seen])}
        for name, values in of_image.items():
            columns[name] += values
    left_out = len(instances.amodal) - len(columns["amodal"])
    columns["occlusion_rates"] = occlusion_rates(columns["amodal"], columns["visible"])
    return replace(
        instances,
        info={**instances.info, "grid": GRID_SIZE, **({UNSEEN: left_out} if left_out else {})},
        images=[{**image, "width": GRID_SIZE, "height": GRID_SIZE} for image in instances.images],
        **columns,
    )


def _columns(instances: Instances) -> dict[str, Sequence[Any]]:
    columns = {field.name: getattr(instances, field.name) for field in fields(instances) if field.name not in DOCUMENT}
    return {name: column for name, column in columns.items() if column is not None}


def _sampled(frame: Frame, rles: list[dict]) -> np.ndarray:
    return frame.grid_masks(decode_masks(rles))
