"""Scenes on an 8x8 grid with the detections of one variant and of others, judged."""

from benchmark.analysis.errors import Errors, find_errors
from benchmark.analysis.reasons import Matched, Reasons, find_reasons
from benchmark.evaluation.match import match
from benchmark.evaluation.validate import GroundTruth, read_annotations, read_predictions
from tests.benchmark.evaluation.cases import annotation, box, dataset, detection

LEFT, RIGHT = box(0, 0, 4, 4), box(0, 4, 4, 4)
BOTTOM = box(4, 0, 4, 8)
SHIFTED = box(0, 1, 4, 4)
"""Overlaps LEFT by 12 of 20 pixels."""


def judge(
    instances, detections, others=None, reached=None
) -> tuple[GroundTruth, Matched, Errors, Reasons, dict[str, Matched]]:
    """instances: (image, mask) or (image, mask, rate). detections, and others by reason: (image, mask, score)."""
    truth = dataset(sorted({image for image, *_ in instances}), [annotation(*instance) for instance in instances])
    ground_truth = read_annotations(truth)

    def matched(found) -> Matched:
        predictions = read_predictions([detection(*one) for one in found], ground_truth)
        return Matched(predictions, match(ground_truth, predictions))

    shown, others = matched(detections), {reason: matched(found) for reason, found in (others or {}).items()}
    errors = find_errors(ground_truth, *shown)
    return ground_truth, shown, errors, find_reasons(ground_truth, shown, errors, others, reached), others
