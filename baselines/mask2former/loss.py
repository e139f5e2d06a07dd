"""The loss: each instance is matched with one query, and each query learns its class and, if matched, its mask."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from baselines.mask2former.network import Output
from baselines.visible_targets import visible_classes
from benchmark.models.hints import NotNegative, Positive, Width


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms, in the matching too, and how many points of a mask count.

    class_weight, mask_weight, dice_weight, no_object_weight: Mask2Former's own. points: where a mask is compared with
    the truth; most lie where it is uncertain. shown_weight: of what is seen of each mask. visible_weight: of an
    auxiliary cross-entropy of the classes seen at each pixel.
    """

    class_weight: Positive = 2.0
    mask_weight: Positive = 5.0
    dice_weight: Positive = 5.0
    no_object_weight: Positive = 0.1
    points: Width = 1024
    shown_weight: NotNegative = 1.0
    visible_weight: NotNegative = 1.0


def set_loss(output: Output, batch: dict[str, Tensor], settings: LossSettings) -> dict[str, Tensor]:
    """All terms and, as "loss", their weighted sum. Those of the queries are means over what they say at first
    and after each layer, matched with the instances anew each time (Hungarian matching; Cheng et al. 2022, section 3).

    batch: from `collate`. Instances are whole objects and may overlap; nothing asks that a pixel be of one query.
    """
    layers, _, _, classes = output.class_logits.shape
    criterion = _criterion(settings, classes - 1).to(output.class_logits.device)
    present = [labels > 0 for labels in batch["categories"]]
    labels = [labels[kept].long() - 1 for labels, kept in zip(batch["categories"], present, strict=True)]
    masks = [masks[kept].float() for masks, kept in zip(batch["masks"], present, strict=True)]
    # a layer is as good as another image to the library: all have the same instances, so that means stay means
    mask_logits, class_logits = output.mask_logits.flatten(0, 1), output.class_logits.flatten(0, 1)
    masks, labels = masks * layers, labels * layers
    matched = criterion.matcher(mask_logits, class_logits, masks, labels)
    count = criterion.get_num_masks(labels, mask_logits.device)
    found = {
        **criterion.loss_masks(mask_logits, masks, matched, count),
        **criterion.loss_labels(class_logits, labels, matched),
    }
    terms = {name: found[f"loss_{name}"] for name in ("cross_entropy", "mask", "dice")}
    images = len(output.shown_logits)
    terms["shown"] = shown_loss(output.shown_logits, masks[-images:], batch["instance_map"], matched[-images:])
    terms["visible"] = cross_entropy(output.visible_logits, visible_classes(batch))
    loss = (
        settings.class_weight * terms["cross_entropy"]
        + settings.mask_weight * terms["mask"]
        + settings.dice_weight * terms["dice"]
        + settings.shown_weight * terms["shown"]
        + settings.visible_weight * terms["visible"]
    )
    return {"loss": loss, **terms}


def shown_loss(
    shown_logits: Tensor, masks: Sequence[Tensor], instance_map: Tensor, matched: Sequence[tuple[Tensor, Tensor]]
) -> Tensor:
    """Mean cross-entropy of whether an instance is what one sees, over the pixels of all amodal masks; 0 without any.

    shown_logits: (B, Q, 64, 64). masks: (n, 64, 64) of 0 and 1 for each image. instance_map: (B, 64, 64), number of the
    instance seen at each pixel, from 1. matched: for each image, some queries and the instances that they are matched
    with.
    """
    logits, truth = [], []
    for of_image, of_instances, seen, pair in zip(shown_logits, masks, instance_map, matched, strict=True):
        queries, instances = (places.to(of_image.device) for places in pair)
        inside = of_instances[instances] > 0
        logits.append(of_image[queries][inside])
        truth.append((seen == instances[:, None, None] + 1)[inside])
    each = binary_cross_entropy_with_logits(torch.cat(logits), torch.cat(truth).float(), reduction="sum")
    return each / max(sum(map(len, truth)), 1)


@cache
def _criterion(settings: LossSettings, categories: int) -> Mask2FormerLoss:
    return Mask2FormerLoss(
        Mask2FormerConfig(
            num_labels=categories, class_weight=settings.class_weight, mask_weight=settings.mask_weight,
            dice_weight=settings.dice_weight, no_object_weight=settings.no_object_weight,
            train_num_points=settings.points,
        ),
        {},
    )  # fmt: skip
