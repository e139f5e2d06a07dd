"""The loss: each instance is matched with one query, and each query learns its class and, if matched, its mask."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from baselines.mask2former.network import Output
from baselines.visible_targets import visible_classes
from benchmark.models.hints import NotNegative, Positive, Width


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms, in the matching too, and how many points of a mask count.

    class_weight, mask_weight, dice_weight, no_object_weight: Mask2Former's own. points: where a mask is compared with
    the truth; most lie where it is uncertain. visible_weight: of an auxiliary cross-entropy of the classes seen at each
    pixel.
    """

    class_weight: Positive = 2.0
    mask_weight: Positive = 5.0
    dice_weight: Positive = 5.0
    no_object_weight: Positive = 0.1
    points: Width = 1024
    visible_weight: NotNegative = 1.0


def set_loss(output: Output, batch: dict[str, Tensor], settings: LossSettings) -> dict[str, Tensor]:
    """All terms and, as "loss", their weighted sum. Those of the queries are means over what they say at first
    and after each layer, matched with the instances anew each time (Hungarian matching; Cheng et al. 2022, section 3).

    batch: from `collate`. Instances are whole objects and may overlap; nothing asks that a pixel be of one query.
    """
    categories = output.class_logits.shape[-1] - 1
    criterion = _criterion(settings, categories).to(output.class_logits.device)
    present = [labels > 0 for labels in batch["categories"]]
    labels = [labels[kept].long() - 1 for labels, kept in zip(batch["categories"], present, strict=True)]
    masks = [masks[kept].float() for masks, kept in zip(batch["masks"], present, strict=True)]
    of_layers = [
        criterion(mask_logits, class_logits, masks, labels)
        for mask_logits, class_logits in zip(output.mask_logits, output.class_logits, strict=True)
    ]
    terms = {
        name: torch.stack([layer[f"loss_{name}"] for layer in of_layers]).mean()
        for name in ("cross_entropy", "mask", "dice")
    }
    terms["visible"] = cross_entropy(output.visible_logits, visible_classes(batch))
    loss = (
        settings.class_weight * terms["cross_entropy"]
        + settings.mask_weight * terms["mask"]
        + settings.dice_weight * terms["dice"]
        + settings.visible_weight * terms["visible"]
    )
    return {"loss": loss, **terms}


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
