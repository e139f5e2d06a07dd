"""Failures of each run, found by rule: pictures for the page, and one figure a run (paper Fig. 5 and beyond)."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from pycocotools import mask as coco_mask

from benchmark.analysis import cases as kinds
from benchmark.analysis.cases import CASE_KINDS, Case, Matched, box_iou, find_cases, reached_shares
from benchmark.analysis.errors import NO_ERROR
from benchmark.evaluation.validate import GroundTruth
from benchmark.report.case_pictures import Window, model_picture, truth_picture
from benchmark.report.outcomes import Evaluation, Outcome, read_unfiltered
from benchmark.report.pictures import Panel
from benchmark.report.plots import STYLE
from datasets.coco import decode_masks
from datasets.rle import mask_areas
from datasets.scene import CATEGORIES

PANELS_IN_ROW = 6

CHARACTERS = 23
"""Of a caption's line, below a panel of the figure."""

_BEST_SCORE = "Shown: the highest scores of a detection to blame"
TEXTS = {
    kinds.SUPPRESSED: (
        "Removed by NMS",
        "Found before non-maximum suppression (t = 1); at the threshold shown that detection is gone and no other "
        "finds the instance. Green on the right: the kept detection of the same class whose box is closest. Shown: the "
        "highest scores of a removed detection",
    ),
    kinds.MERGED: ("Two instances in one mask", f"One detection holds a second instance beside its own. {_BEST_SCORE}"),
    kinds.BEYOND_LAYERS: (
        "Beyond the layers",
        "Not found, and less than half of the instance lies within the model's layers, however well it fills them. "
        "Shown: the largest instances",
    ),
    kinds.SPLIT: ("Split", f"Several detections share one instance, and none finds it. {_BEST_SCORE}"),
    kinds.POOR_MASK: ("Poor mask", f"A detection of the right instance, at an IoU below 0.5. {_BEST_SCORE}"),
    kinds.MISSED: ("Missed", "No detection comes near. Shown: the largest visible parts"),
    kinds.DUPLICATE: ("Duplicate", f"One more detection of an instance that is found. {_BEST_SCORE}"),
}
"""Kind -> title, and what it is and which cases are shown."""


@dataclass(frozen=True)
class CasePicture:
    """One case: the truth and what the model says there."""

    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class FailureKind:
    """The cases of one kind. count: how many there are, in words. columns: of cases in a row."""

    title: str
    count: str
    text: str
    columns: int
    cases: tuple[CasePicture, ...]


@dataclass(frozen=True)
class Failures:
    """What one run does wrong. name: of its files. label, scenes, tier: for readers."""

    name: str
    label: str
    scenes: str
    tier: str
    kinds: tuple[FailureKind, ...]


def find_failures(evaluation: Evaluation) -> list[Failures]:
    """The failures of each trained run, in the order of CASE_KINDS."""
    trained = [outcome for outcome in evaluation.outcomes if outcome.run.trained]
    found = []
    for outcome in trained:
        drawn = _draw_kinds(evaluation, outcome)
        if drawn:
            tier = f"tier {outcome.run.tier}"
            found.append(Failures(f"failures-{outcome.run.name}", outcome.label, evaluation.scenes, tier, drawn))
    return found


def failure_figure(failures: Failures) -> Figure:
    """A row of pictures for each kind, captions below, for print."""
    size, gap, head, foot = 1.1, 0.06, 0.24, 0.34  # inches
    width = PANELS_IN_ROW * (size + gap) + (PANELS_IN_ROW // 2 - 1) * 2 * gap
    row_height = head + size + foot
    height = row_height * len(failures.kinds)
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(0, height))
        axes.axis("off")
        for row, kind in enumerate(failures.kinds):
            top = height - row * row_height
            axes.text(0, top - 0.16, f"{kind.title}: {kind.count}", fontsize=8, weight="bold")
            left = 0.0
            for case in kind.cases:
                caption = fill(case.caption, CHARACTERS * len(case.panels))
                axes.text(left, top - head - size - 0.05, caption, fontsize=5, va="top")
                for panel in case.panels:
                    box = (left, left + size, top - head - size, top - head)
                    axes.imshow(panel.image, extent=box, interpolation="none", zorder=1)
                    axes.plot(
                        [box[0], box[1], box[1], box[0], box[0]], [box[2], box[2], box[3], box[3], box[2]],
                        color="#999999", linewidth=0.4, clip_on=False,
                    )  # fmt: skip
                    left += size + gap
                left += 2 * gap
        axes.set(xlim=(0, width), ylim=(0, height), aspect="auto")
    return figure


def _draw_kinds(evaluation: Evaluation, outcome: Outcome) -> tuple[FailureKind, ...]:
    truth = evaluation.ground_truth
    unfiltered = read_unfiltered(outcome, truth)
    limits = {kind: PANELS_IN_ROW // (3 if kind == kinds.SUPPRESSED else 2) for kind in CASE_KINDS}
    reached = _reached(evaluation, outcome) if outcome.layers else None
    draw = _Drawing(evaluation, outcome, unfiltered, reached)
    found = find_cases(truth, outcome.shown, outcome.errors, limits, unfiltered, reached)
    return tuple(
        FailureKind(
            TEXTS[kind][0],
            _count(cases.total, "detection" if kind == kinds.DUPLICATE else "instance", len(evaluation.dataset)),
            f"{TEXTS[kind][1]}, at most one case an image.",
            limits[kind],
            tuple(draw.case(kind, case) for case in cases.shown),
        )
        for kind, cases in found.items()
    )


def _reached(evaluation: Evaluation, outcome: Outcome) -> np.ndarray:
    """(G,) share of each amodal mask in the run's layers; 1 where it is not needed.

    What one sees lies in the first layer. Hence layers are drawn only for images with an instance that is not found and
    is hidden by more than half.
    """
    matches = outcome.shown.matches
    areas = mask_areas(evaluation.ground_truth.segmentations)
    reached = np.ones(len(areas))
    needed = (outcome.errors.instance_kind != NO_ERROR) & (matches.occlusion_rates > 0.5)
    for image in np.unique(matches.ground_truth_image[needed]):
        instances = np.flatnonzero(matches.ground_truth_image == image)
        layers = evaluation.dataset.layers(int(matches.image_ids[image]), outcome.layers)
        reached[instances] = reached_shares(layers, areas[instances])
    return reached


@dataclass(frozen=True)
class _Drawing:
    """Pictures and captions of an outcome's cases."""

    evaluation: Evaluation
    outcome: Outcome
    unfiltered: Matched | None
    reached: np.ndarray | None

    def case(self, kind: str, case: Case) -> CasePicture:
        truth, predictions = self.evaluation.ground_truth, self.outcome.shown.predictions
        matches = self.outcome.shown.matches
        image_id = int(matches.image_ids[case.image])
        image = self.evaluation.dataset.image(image_id)
        masks = decode_masks([truth.segmentations[g] for g in case.instances])
        detections = _decode([predictions.segmentations[place] for place in case.detections])
        matched = (matches.detection_image == case.image) & (self.outcome.match >= 0)
        others = [place for place in matches.detection_index[matched] if place not in case.detections]
        others = _decode([predictions.segmentations[place] for place in others])
        shown = [masks, detections]
        if case.removed is not None:
            removed = _decode([self.unfiltered.predictions.segmentations[case.removed]])
            shown.append(removed)
        window = Window.around(np.concatenate(shown))

        instance = _describe(truth, matches.occlusion_rates, case.instances[0])
        caption = f"Image {image_id}: {instance}. {self._say(kind, case)}"
        panels = [Panel("Truth", truth_picture(image, masks, self._visible(case), window), f"Truth: {caption}")]
        if case.removed is not None:
            nothing = np.zeros((0, *masks.shape[1:]), bool)
            picture = model_picture(image, removed, nothing, masks, window)
            panels.append(Panel("t = 1, without NMS", picture, f"Without non-maximum suppression: {caption}"))
        picture = model_picture(image, detections, others, masks, window)
        name = "Model" if case.removed is None else f"t = {self.outcome.variant.rpartition('-')[2]}"
        panels.append(Panel(name, picture, f"{self.outcome.label}: {caption}"))
        return CasePicture(caption, tuple(panels))

    def _say(self, kind: str, case: Case) -> str:
        """The numbers that tell what happened."""
        truth, predictions = self.evaluation.ground_truth, self.outcome.shown.predictions
        instance = truth.segmentations[case.instances[0]]
        scores = [f"{predictions.scores[place]:.2f}" for place in case.detections]
        rles = [predictions.segmentations[place] for place in case.detections]
        ious = [f"{float(coco_mask.iou([rle], [instance], [0])[0, 0]):.2f}" for rle in rles]
        if kind == kinds.SUPPRESSED:
            removed = self.unfiltered.predictions
            text = f"Removed: score {removed.scores[case.removed]:.2f}"
            if rles:
                boxes = [coco_mask.toBbox(rle) for rle in (removed.segmentations[case.removed], rles[0])]
                text += f"; kept: score {scores[0]}, IoU of the boxes {box_iou(boxes[0], boxes[1][None])[0]:.2f}"
            return text
        if kind == kinds.MERGED:
            other = CATEGORIES[truth.annotation_categories[case.instances[1]] - 1]
            return f"In one mask with the {other} (orange): score {scores[0]}"
        if kind == kinds.BEYOND_LAYERS:
            text = f"{_percent(self.reached[case.instances[0]])} of it in {self.outcome.layers} layers"
            return f"{text}; best IoU {ious[0]}" if ious else f"{text}; no detection of its own"
        if kind == kinds.MISSED:
            return f"Best IoU {ious[0]}" if ious else "No detection of its own"
        if len(rles) > 1:
            return f"Scores {', '.join(scores)}; IoU {', '.join(ious)}"
        return f"Score {scores[0]}, IoU {ious[0]}"

    def _visible(self, case: Case) -> np.ndarray:
        """(n, H, W) bool: what one sees of the case's instances. An exported file lists the instances by image."""
        matches = self.outcome.shown.matches
        first = int(np.searchsorted(matches.ground_truth_image, case.image))
        top = self.evaluation.dataset.layers(int(matches.image_ids[case.image]), 1)[0]
        return top == np.array([g - first + 1 for g in case.instances])[:, None, None]


def _count(total: int, what: str, images: int) -> str:
    return f"{total:,} {what}{'' if total == 1 else 's'} in {images:,} images"


def _decode(rles: Sequence[dict]) -> np.ndarray:
    return decode_masks(list(rles)) if rles else np.zeros((0, 64, 64), bool)


def _describe(truth: GroundTruth, occlusion_rates: np.ndarray, g: int) -> str:
    """ "circle, 71 % hidden"."""
    name = CATEGORIES[truth.annotation_categories[g] - 1]
    return f"{name}, {_percent(occlusion_rates[g])} hidden"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", "\u202f%")
