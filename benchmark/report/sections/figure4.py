"""The paper's Fig. 4: how a trained model comes from one image to instances, painted from what its run folder keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from benchmark.adapter import Picture
from benchmark.evaluation.sets import evaluation_set
from benchmark.report.facts import scenes_title
from benchmark.report.page.parts import PanelRow
from benchmark.report.pictures.colors import category_colors, to_rgb
from benchmark.report.pictures.paint import (
    UNMATCHED_COLOR,
    Panel,
    enlarge,
    instance_colors,
    paint_instances,
    paint_labels,
)
from benchmark.report.plots import Plot, panel_figure
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.words import UNMATCHED
from benchmark.runs.pictures import read_pictures
from benchmark.runs.record import ReleasedRun
from datasets.exported import ExportedDataset
from datasets.scene import CATEGORIES

MATCH_IOU = 0.5


@dataclass(frozen=True)
class Steps:
    """A run's pictures of one image. rows: (title, panels)."""

    run: ReleasedRun
    rows: list[tuple[str, list[Panel]]]


def pictures(inputs: Inputs) -> list[PanelRow]:
    """The rows of each run; those of all but the first are folded."""
    steps = model_steps(inputs)
    return [
        PanelRow(title, panels, fold=_title(inputs, of_run.run) if of_run is not steps[0] else "")
        for of_run in steps
        for title, panels in of_run.rows
    ]


def prints(inputs: Inputs) -> list[Plot]:
    return [Plot(f"figure4-{of_run.run.name}", panel_figure(of_run.rows)) for of_run in model_steps(inputs)]


@lru_cache(maxsize=1)
def model_steps(inputs: Inputs) -> list[Steps]:
    """The steps of each trained run that kept pictures, of one image of the set that it was evaluated on."""
    found = []
    for run in inputs.runs if inputs.data_folder else ():
        kept = read_pictures(run.folder) if run.trained and run.metrics and run.evaluation_scenes else None
        if kept and inputs.data_folder and run.evaluation_scenes:
            image_id, steps = kept
            described = run.manifest["dataset"]
            dataset = evaluation_set(inputs.data_folder, run.evaluation_scenes, described["images"], described["seed"])
            title = f"{_title(inputs, run)}, image {image_id}"
            found.append(Steps(run, paint_steps(title, steps, dataset, image_id)))
    return found


def paint_steps(
    title: str, pictures: Sequence[Picture], dataset: ExportedDataset, image_id: int
) -> list[tuple[str, list[Panel]]]:
    """Rows of panels: first the image with the amodal masks, true and found, then the rows of `pictures`.

    An instance has one colour throughout. A predicted one has that of the true one it matches at IoU 0.5.
    """
    truth = dataset.masks(image_id)
    layers = [picture.values for picture in pictures if picture.kind == "instances"]
    masks = _masks(np.stack(layers).astype(int)) if layers else np.zeros((0, *truth.shape[1:]), bool)
    matched = match_masks(masks, truth)
    true_colors = instance_colors(truth)
    colors = np.concatenate([true_colors, to_rgb([UNMATCHED_COLOR])])[matched]
    classes = to_rgb(list(category_colors([category["name"] for category in dataset.categories]).values()))
    palettes = {"classes": classes, "instances": colors, "truth": true_colors}
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


def _title(inputs: Inputs, run: ReleasedRun) -> str:
    return f"{inputs.table1.run_label(run)}, {run.tier_and_status}, {scenes_title(run.scenes)}"


SECTION = Section(
    "figure4",
    "From image to instances",
    "The paper's Fig. 4, for the first evaluation image: what a model predicts for each layer. The first three "
    "principal components of an embedding are drawn as red, green and blue, the same for all layers. Where classes "
    "are predicted, pixels with like embeddings become an instance, across layers. A true instance and the one found "
    "for it have one colour.",
    pictures=pictures,
    prints=prints,
    legend=[*((color, name) for name, color in category_colors(CATEGORIES).items()), (UNMATCHED_COLOR, UNMATCHED)],
    menu="Fig. 4",
)
