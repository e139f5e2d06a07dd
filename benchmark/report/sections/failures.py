"""Failures of each run, found by rule: pictures for the page, and one figure a run (paper Fig. 5 and beyond)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from pycocotools import mask as coco_mask

from benchmark.analysis import reasons
from benchmark.analysis.cases import CASE_KINDS, DUPLICATE, Case, box_iou, find_cases
from benchmark.evaluation.validate import GroundTruth
from benchmark.released.outcomes import Evaluation, Outcome
from benchmark.report import escape
from benchmark.report.formats import format_percent
from benchmark.report.page.parts import CasePicture, FailureKind, Failures
from benchmark.report.pictures.cases import Window, model_picture, truth_picture
from benchmark.report.pictures.paint import Panel
from benchmark.report.plots import STYLE, Plot
from benchmark.report.sections.section import Inputs, Section
from datasets.coco import decode_masks

PANELS_IN_ROW = 6

CHARACTERS = 23
"""A line of a caption, below a panel of the figure, has so many characters at most."""

_BEST_SCORE = "Shown: the highest scores of a detection to blame"
TEXTS = {
    reasons.SUPPRESSED: (
        "Removed by NMS",
        "A variant within the same limits that suppresses less (in the middle) finds the instance by a detection that "
        "is gone here, and no other finds it. Green on the right: the kept detection of the same class whose box is "
        "closest. Shown: the highest scores of a removed detection",
    ),
    reasons.CUT_OFF: (
        "Cut off by the limits",
        "Within wider limits on detections, such as a lower score floor (in the middle), the model finds the instance. "
        "Shown: the largest visible parts",
    ),
    reasons.MERGED: (
        "Two instances in one mask",
        f"One detection holds a second instance beside its own. {_BEST_SCORE}",
    ),
    reasons.BEYOND_LAYERS: (
        "Beyond the layers",
        "Not found, and less than half of the instance lies within the model's layers, however well it fills them. "
        "Shown: the largest instances",
    ),
    reasons.SPLIT: ("Split", f"Several detections share one instance, and none finds it. {_BEST_SCORE}"),
    reasons.POOR_MASK: ("Poor mask", f"A detection of the right instance, at an IoU below 0.5. {_BEST_SCORE}"),
    reasons.NEVER_FOUND: ("Never found", "No detection comes near. Shown: the largest visible parts"),
    DUPLICATE: ("Duplicate", f"One more detection of an instance that is found. {_BEST_SCORE}"),
}
"""Kind -> title, and what it is and which cases are shown."""


@lru_cache(maxsize=1)
def failures(inputs: Inputs) -> list[Failures]:
    return [of_run for evaluation in inputs.evaluations for of_run in find_failures(evaluation)]


def prints(inputs: Inputs) -> list[Plot]:
    return [Plot(of_run.name, failure_figure(of_run)) for of_run in failures(inputs)]


def find_failures(evaluation: Evaluation) -> list[Failures]:
    """The failures of each trained run, in the order of CASE_KINDS."""
    trained = [outcome for outcome in evaluation.outcomes if outcome.run.trained]
    found = []
    for outcome in trained:
        drawn = _draw_kinds(evaluation, outcome)
        if drawn:
            tier = f"tier {outcome.run.tier_and_status}"
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
                caption = fill(escape.plot(case.caption), CHARACTERS * len(case.panels))
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
    columns = {kind: PANELS_IN_ROW // (3 if kind in outcome.others else 2) for kind in CASE_KINDS}
    others = {reason: matched for reason, (_, matched) in outcome.others.items()}
    draw = _Drawing(evaluation, outcome)
    found = find_cases(truth, outcome.shown, outcome.errors, outcome.reasons, others, columns)
    return tuple(
        FailureKind(
            TEXTS[kind][0],
            _count(cases.total, "detection" if kind == DUPLICATE else "instance", len(evaluation.dataset)),
            f"{TEXTS[kind][1]}, at most one case an image.",
            columns[kind],
            tuple(draw.case(kind, case) for case in cases.shown),
        )
        for kind, cases in found.items()
    )


@dataclass(frozen=True)
class _Drawing:
    """Pictures and captions of an outcome's cases."""

    evaluation: Evaluation
    outcome: Outcome

    def case(self, kind: str, case: Case) -> CasePicture:
        truth, predictions = self.evaluation.ground_truth, self.outcome.shown.predictions
        matches = self.outcome.shown.matches
        image_id = int(matches.image_ids[case.image])
        image = self.evaluation.dataset.image(image_id)
        masks = decode_masks([truth.segmentations[g] for g in case.instances])
        detections = _decode([predictions.segmentations[place] for place in case.detections])
        matched = (matches.detection_image == case.image) & (self.outcome.match >= 0)
        places = [place for place in matches.detection_index[matched] if place not in case.detections]
        others = _decode([predictions.segmentations[place] for place in places])
        other, elsewhere = None, detections[:0]
        if case.elsewhere is not None:
            other, (predictions, _) = self.outcome.others[kind]
            elsewhere = _decode([predictions.segmentations[case.elsewhere]])
        window = Window.around(np.concatenate([masks, detections, elsewhere]))

        instance = _describe(truth, matches.occlusion_rates, case.instances[0])
        caption = f"Image {image_id}: {instance}. {self._say(kind, case)}"
        panels = [Panel("Truth", truth_picture(image, masks, self._visible(case), window), f"Truth: {caption}")]
        if other:
            picture = model_picture(image, elsewhere, masks[:0], masks, window)
            panels.append(Panel(other, picture, f"As {other} has it: {caption}"))
        picture = model_picture(image, detections, others, masks, window)
        name = self.outcome.variant if other else "Model"
        panels.append(Panel(name, picture, f"{self.outcome.label}: {caption}"))
        return CasePicture(caption, tuple(panels))

    def _say(self, kind: str, case: Case) -> str:
        """The numbers that tell what happened."""
        truth, predictions = self.evaluation.ground_truth, self.outcome.shown.predictions
        instance = truth.segmentations[case.instances[0]]
        scores = [f"{predictions.scores[place]:.2f}" for place in case.detections]
        rles = [predictions.segmentations[place] for place in case.detections]
        ious = [f"{float(coco_mask.iou([rle], [instance], [0])[0, 0]):.2f}" for rle in rles]
        if kind in self.outcome.others and case.elsewhere is not None:
            name, (other, _) = self.outcome.others[kind]
            text = f"{name} has it, score {other.scores[case.elsewhere]:.2f}"
            if rles:
                boxes = [coco_mask.toBbox(rle) for rle in (other.segmentations[case.elsewhere], rles[0])]
                text += f"; kept: score {scores[0]}, IoU of the boxes {box_iou(boxes[0], boxes[1][None])[0]:.2f}"
            return text
        if kind == reasons.MERGED:
            neighbour = truth.category_names[truth.annotation_categories[case.instances[1]]]
            return f"In one mask with the {neighbour} (orange): score {scores[0]}"
        if kind == reasons.BEYOND_LAYERS and self.outcome.reasons.reached is not None:
            reached = self.outcome.reasons.reached[case.instances[0]]
            text = f"{format_percent(reached)} of it in {self.outcome.layers} layers"
            return f"{text}; best IoU {ious[0]}" if ious else f"{text}; no detection of its own"
        if kind == reasons.NEVER_FOUND:
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
    name = truth.category_names[truth.annotation_categories[g]]
    return f"{name}, {format_percent(occlusion_rates[g])} hidden"


SECTION = Section(
    "failures",
    "Failure cases",
    "Found in all evaluation images by rule, not picked: the rule stands with each kind. Left, the truth: the amodal "
    "outline on the image, what one sees of it tinted more strongly. Right, what the model says there: detections to "
    "blame in colour, those that match an instance in grey, the truth dashed.",
    failures=failures,
    prints=prints,
    menu="Failures",
)
