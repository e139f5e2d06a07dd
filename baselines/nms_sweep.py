"""Many ways to suppress duplicate detections, from one pass through the network.

A box head scores (ROI, class) pairs; suppression only chooses among them, and a mask depends on box and class alone. So
the network runs once up to the box head, each variant picks its detections from the same candidates, and the mask head
runs once on the union of what the variants kept.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample
from torchvision.ops import batched_nms, box_iou

from benchmark.adapter import Detections, Reading
from datasets.scene import GRID, GRID_SIZE, IMAGE_SIZE


@dataclass(frozen=True)
class DetectionProtocol:
    """What happens around the suppression of detections.

    score_floor: detections score more than that. rpn_nms_threshold: IoU above which the RPN drops a proposal; 1 keeps
    all. detections_per_image: the best so many are kept after suppression. text: all this in words.
    """

    score_floor: float
    rpn_nms_threshold: float
    detections_per_image: int
    text: str


Suppression = Literal["box", "soft", "mask"]

PROTOCOLS = {
    # The paper's (docs/protocol.md "Mask R-CNN baseline"). A score above 0.7 leaves at most one class per ROI, since
    # the classes of a ROI sum to one.
    "paper": DetectionProtocol(
        score_floor=0.7,
        rpn_nms_threshold=1.0,
        detections_per_image=100,
        text="the limits of Table 1 (scores above 0.7, 100 detections, no NMS of proposals)",
    ),
    # Detectron2's own, with room for as many detections as the evaluator counts.
    "coco": DetectionProtocol(
        score_floor=0.05,
        rpn_nms_threshold=0.7,
        detections_per_image=1000,
        text="Detectron2's own limits (scores above 0.05, proposals' NMS at 0.7, up to 1,000 detections)",
    ),
}

THRESHOLDS = tuple(step / 10 for step in range(11))
MASK_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)

MASK_NMS_PREFILTER = 0.9
"""Box IoU above which two candidates of one class count as the same before their masks are compared."""

SOFT_NMS_SIGMA = 0.5
"""Width of the Gaussian by which soft-NMS lowers scores (Bodla et al. 2017, section 4)."""


@dataclass(frozen=True)
class Variant:
    """One way to suppress duplicates. threshold: IoU above which a detection of the same class is dropped. score_floor:
    in place of the protocol's, None for that."""

    protocol: str
    suppression: Suppression
    threshold: float = 0.0
    score_floor: float | None = None

    @property
    def floor(self) -> float:
        return PROTOCOLS[self.protocol].score_floor if self.score_floor is None else self.score_floor


VARIANTS: Mapping[str, Variant] = (
    {"nms-0.5": Variant("paper", "box", 0.5)}  # first: the one to rank a model by
    | {f"nms-{t}": Variant("paper", "box", t) for t in THRESHOLDS}
    | {f"coco-nms-{t}": Variant("coco", "box", t) for t in THRESHOLDS}
    | {f"mask-nms-{t}": Variant("paper", "mask", t) for t in MASK_THRESHOLDS}
    | {"soft-nms": Variant("paper", "soft")}
)

PREDICTED = tuple(name for name, variant in VARIANTS.items() if variant.threshold < 1)
"""What a run predicts unless other variants are named. At t = 1 nothing is suppressed: the masks of near copies cost
more than those of any other threshold (tests/baselines/test_speed.py), and no table shows them."""

FLOORS = (0.05, 0.3, 0.7)

TUNED: Mapping[Suppression, tuple[float, ...]] = {"box": (0.5, 0.6, 0.7, 0.8), "mask": (0.5, 0.6, 0.7), "soft": (0.0,)}
"""Thresholds of each kind of suppression."""

TUNING_GRID: Mapping[str, Variant] = {
    f"{protocol}-floor-{floor}-{kind}-nms" + (f"-{threshold}" if threshold else ""): Variant(
        protocol, kind, threshold, floor
    )
    for protocol in PROTOCOLS
    for floor in FLOORS
    for kind, thresholds in TUNED.items()
    for threshold in thresholds
    if kind != "mask" or floor > FLOORS[0]  # thousands of masks an image for what scores next to nothing
}
"""Among which `tune` chooses: what happens before suppression and after it, the score floor, kind and threshold."""

_BY_NAME: Mapping[str, Variant] = {**VARIANTS, **TUNING_GRID}

_SUPPRESSION_TEXTS = {
    "box": "box NMS",
    "mask": "NMS by the IoU of masks",
    "soft": "scores fall with overlap, nothing is removed;",
}


def _reading(name: str, variant: Variant) -> Reading:
    protocol = PROTOCOLS[variant.protocol]
    numbered = variant.suppression != "soft"
    own_floor = "" if variant.score_floor is None else f", scores above {variant.score_floor} instead"
    return Reading(
        family=name.removesuffix(f"-{variant.threshold}"),
        number=variant.threshold if numbered else None,
        text=f"{_SUPPRESSION_TEXTS[variant.suppression]} within {protocol.text}{own_floor}",
        paper=variant.protocol == "paper" and variant.suppression == "box" and variant.score_floor is None,
        suppression=variant.suppression,
        limits=variant.protocol + own_floor,
        score_floor=variant.floor,
        detections_per_image=protocol.detections_per_image,
    )


READINGS: Mapping[str, Reading] = {name: _reading(name, variant) for name, variant in _BY_NAME.items()}


@dataclass(frozen=True)
class Candidates:
    """All (ROI, class) pairs of one image that score above the floor, best first.

    boxes: (C, 4) float, x0, y0, x1, y1 in pixels, clipped to the image. scores: (C,). classes: (C,) from 0.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor


MaskHead = Callable[[list[Tensor], list[Tensor]], list[Tensor]]
"""Boxes (U, 4) and classes (U,) of each image -> mask probabilities (U, M, M) of each image."""


def sweep(
    variants: Sequence[str], detect_boxes: Callable[[DetectionProtocol], Sequence[Candidates]], mask_head: MaskHead
) -> list[dict[str, Detections]]:
    """The detections of every variant for each image of a batch; boxes and masks are predicted once per protocol.

    detect_boxes: the candidates of each image under a protocol's score floor and RPN. mask_head: see `MaskHead`.
    """
    outputs: list[dict[str, Detections]] = []
    for protocol_name, protocol in PROTOCOLS.items():
        wanted = [name for name in variants if _BY_NAME[name].protocol == protocol_name]
        if wanted:
            widest = replace(protocol, score_floor=min(_BY_NAME[name].floor for name in wanted))
            detections = _detections_of_protocol(detect_boxes(widest), wanted, mask_head)
            outputs = [
                earlier | found for earlier, found in zip(outputs or [{}] * len(detections), detections, strict=True)
            ]
    return outputs


def _detections_of_protocol(
    candidates: Sequence[Candidates], variants: Sequence[str], mask_head: MaskHead
) -> list[dict[str, Detections]]:
    kept = [
        {name: _kept_boxes(_BY_NAME[name], image_candidates) for name in variants} for image_candidates in candidates
    ]
    unions = [torch.unique(torch.cat([indices for indices, _ in image_kept.values()])) for image_kept in kept]
    probabilities = mask_head(
        [image_candidates.boxes[union] for image_candidates, union in zip(candidates, unions, strict=True)],
        [image_candidates.classes[union] for image_candidates, union in zip(candidates, unions, strict=True)],
    )
    return [
        _detections_of_image(*image) for image in zip(candidates, kept, unions, probabilities, strict=True)
    ]  # fmt: skip


def _detections_of_image(
    candidates: Candidates, kept: dict[str, tuple[Tensor, Tensor]], union: Tensor, probabilities: Tensor
) -> dict[str, Detections]:
    masks = paste_on_grid(probabilities, candidates.boxes[union])
    categories = (candidates.classes[union] + 1).cpu().numpy()
    numpy_masks = masks.cpu().numpy()
    detections = {}
    for name, (indices, scores) in kept.items():
        rows = torch.searchsorted(union, indices)
        variant = _BY_NAME[name]
        if variant.suppression == "mask":
            survivors = mask_nms(masks[rows], candidates.classes[indices], variant.threshold)
            survivors = survivors[: PROTOCOLS[variant.protocol].detections_per_image]
            rows, scores = rows[survivors], scores[survivors]
        positions = rows.cpu().numpy()
        detections[name] = Detections(
            numpy_masks[positions], scores.cpu().numpy().astype(np.float64), categories[positions]
        )
    return detections


def _kept_boxes(variant: Variant, candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Positions among the candidates and scores of what a variant keeps, best first; of mask NMS, what goes into it."""
    above = int((candidates.scores > variant.floor).sum())  # the best stand first
    boxes, scores, classes = candidates.boxes[:above].float(), candidates.scores[:above], candidates.classes[:above]
    limit = PROTOCOLS[variant.protocol].detections_per_image
    if variant.suppression == "soft":
        indices, scores = soft_nms(boxes, scores, classes, limit)
    elif variant.suppression == "mask":
        indices = batched_nms(boxes, scores, classes, MASK_NMS_PREFILTER)
        scores = scores[indices]
    else:
        indices = batched_nms(boxes, scores, classes, variant.threshold)[:limit]
        scores = scores[indices]
    has_area = (boxes[indices, 2:] > boxes[indices, :2]).all(dim=1)
    return indices[has_area], scores[has_area]


def soft_nms(boxes: Tensor, scores: Tensor, classes: Tensor, limit: int) -> tuple[Tensor, Tensor]:
    """Gaussian soft-NMS: lower the scores of overlapping boxes of the same class instead of dropping them.

    boxes: (C, 4). Returns positions and lowered scores of the best `limit`, best first (Bodla et al. 2017, figure 2).
    """
    decay = torch.exp(-(box_iou(boxes, boxes) ** 2) / SOFT_NMS_SIGMA)
    decay = torch.where(classes[:, None] == classes, decay, 1.0).cpu().numpy()
    remaining = scores.cpu().numpy().copy()
    chosen, chosen_scores = [], []
    for _ in range(min(limit, len(remaining))):
        best = int(remaining.argmax())
        chosen.append(best)
        chosen_scores.append(remaining[best])
        remaining *= decay[best]
        remaining[best] = -1.0
    kept = torch.from_numpy(np.array(chosen_scores, dtype=remaining.dtype)).to(scores)
    return torch.tensor(chosen, dtype=torch.long, device=boxes.device), kept


def mask_nms(masks: Tensor, classes: Tensor, threshold: float) -> Tensor:
    """NMS by the IoU of masks instead of boxes. masks: (D, H, W) bool, best first. Returns positions of the kept."""
    pixels = masks.flatten(1).float()
    intersection = pixels @ pixels.T
    areas = pixels.sum(dim=1)
    iou = intersection / (areas[:, None] + areas - intersection).clamp(min=1)
    suppresses = ((iou > threshold) & (classes[:, None] == classes)).cpu().numpy()
    kept = np.ones(len(masks), dtype=bool)
    for detection in range(len(masks)):
        if kept[detection]:
            kept[detection + 1 :] &= ~suppresses[detection, detection + 1 :]
    return torch.from_numpy(np.flatnonzero(kept)).to(masks.device)


def paste_on_grid(probabilities: Tensor, boxes: Tensor) -> Tensor:
    """Mask probabilities in their boxes -> masks on the evaluation grid.

    probabilities: (U, M, M). boxes: (U, 4) in pixels, with an area. Returns (U, 64, 64) bool: what Detectron2 pastes
    into the 256x256 image (bilinear, at least 0.5), at the pixels of the grid and computed only there.
    """
    if not len(boxes):
        return torch.zeros((0, GRID_SIZE, GRID_SIZE), dtype=torch.bool, device=boxes.device)
    centres = torch.arange(IMAGE_SIZE, device=boxes.device, dtype=torch.float32)[GRID] + 0.5
    x0, y0, x1, y1 = boxes.float().unsqueeze(-1).unbind(1)  # each (U, 1)
    x = (centres - x0) / (x1 - x0) * 2 - 1
    y = (centres - y0) / (y1 - y0) * 2 - 1
    points = torch.stack(
        [x[:, None].expand(-1, GRID_SIZE, -1), y[:, :, None].expand(-1, -1, GRID_SIZE)], dim=-1
    )  # fmt: skip
    return grid_sample(probabilities.float()[:, None], points, align_corners=False)[:, 0] >= 0.5
