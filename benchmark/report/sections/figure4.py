"""The paper's Fig. 4: how a trained model comes from one image to instances, painted from its own pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.adapter import WEIGHTS, Picture
from benchmark.evaluation.sets import evaluation_set
from benchmark.models.registry import find_adapter
from benchmark.paper.tables import PaperTable
from benchmark.report.pictures.paint import (
    CATEGORY_COLORS,
    UNMATCHED_COLOR,
    Panel,
    enlarge,
    instance_colors,
    paint_instances,
    paint_labels,
    to_rgb,
)
from benchmark.runs.make import load_run, seed_everything
from benchmark.runs.record import ReleasedRun
from datasets.exported import ExportedDataset

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Steps:
    """A run's pictures of one image. rows: (title, panels)."""

    run: ReleasedRun
    rows: list[tuple[str, list[Panel]]]


def model_steps(runs: Sequence[ReleasedRun], data_folder: Path, naming: PaperTable) -> list[Steps]:
    """The steps of each trained run whose weights are in its folder, on the first image that it was evaluated on.

    Runs of models that show no steps are left out.
    """
    found = []
    for run in runs:
        # Without weights not even the adapter is imported: it may need libraries that the report does not.
        if not (run.trained and run.metrics and run.evaluation_scenes and (run.folder / WEIGHTS).exists()):
            continue
        loaded, described = load_run(run.folder), run.manifest["dataset"]
        dataset = evaluation_set(data_folder, run.evaluation_scenes, described["images"], described["seed"])
        image_id = dataset.image_ids[0]
        seed_everything(loaded.seed)
        pictures = find_adapter(run.model).pictures(dataset, loaded, image_id)
        if pictures:
            title = f"{naming.run_label(run)}, {run.tier_and_status}, N = {run.scenes}, image {image_id}"
            found.append(Steps(run, paint_steps(title, pictures, dataset, image_id)))
    return found


def paint_steps(
    title: str, pictures: Sequence[Picture], dataset: ExportedDataset, image_id: int
) -> list[tuple[str, list[Panel]]]:
    """Rows of panels: first the image with the amodal masks, true and found, then the rows of `pictures`.

    An instance has one colour throughout. A predicted one has that of the true one it matches at IoU 0.5.
    """
    truth = dataset.masks(image_id)
    layers = [picture.values for picture in pictures if picture.kind == "instances"]
    masks = _masks(np.stack(layers)) if layers else np.zeros((0, *truth.shape[1:]), bool)
    matched = match_masks(masks, truth)
    true_colors = instance_colors(truth)
    colors = np.concatenate([true_colors, to_rgb([UNMATCHED_COLOR])])[matched]
    palettes = {"classes": to_rgb(list(CATEGORY_COLORS.values())), "instances": colors, "truth": true_colors}
    hits = int((matched >= 0).sum())
    first = [
        Panel("Image", dataset.image(image_id), f"Evaluation image {image_id}"),
        Panel(f"Truth: {len(truth)} instances", paint_instances(truth, true_colors), "Amodal masks of the truth"),
        Panel(
            f"{hits} of {len(truth)} found, {len(masks)} masks",
            paint_instances(masks, colors),
            f"The {len(masks)} amodal masks that the model predicts, {hits} of which match an instance",
        ),
    ]
    rows = {title: first}
    for picture in pictures:
        text = f"{picture.caption}, {picture.row.lower()}"
        rows.setdefault(picture.row, []).append(Panel(picture.caption, _paint(picture, palettes), text))
    return list(rows.items())


def match_masks(masks: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The true mask that each predicted one matches, from the pair with the highest IoU downwards.

    masks: (D, 64, 64) bool. truth: (n, 64, 64) bool. Returns (D,) int, -1 for none.
    """
    matched = np.full(len(masks), -1)
    shared = np.tensordot(masks.astype(np.float32), truth.astype(np.float32), axes=((1, 2), (1, 2)))
    overlaps = shared / np.maximum(masks.sum(axis=(1, 2))[:, None] + truth.sum(axis=(1, 2)) - shared, 1)
    while overlaps.size and overlaps.max() >= MATCH_IOU:
        mask, instance = np.unravel_index(overlaps.argmax(), overlaps.shape)
        matched[mask] = instance
        overlaps[mask], overlaps[:, instance] = -1, -1
    return matched


def _paint(picture: Picture, palettes: dict[str, np.ndarray]) -> np.ndarray:
    if picture.kind == "colors":
        return np.moveaxis(enlarge(np.moveaxis(picture.values, -1, 0)), 0, -1)
    return paint_labels(picture.values, palettes[picture.kind])


def _masks(layers: np.ndarray) -> np.ndarray:
    """(L, 64, 64) numbers from 1 to D, 0 for none, as (D, 64, 64) bool, the first in front."""
    numbers = np.arange(1, layers.max(initial=0) + 1)
    return (layers[None] == numbers[:, None, None, None]).any(axis=1)
