"""The loss: each instance is matched with one query, and each query learns its class and, if matched, its mask."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus
from transformers import Mask2FormerConfig
from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss

from baselines.mask2former.network import Output
from baselines.visible_targets import visible_classes
from benchmark.models.hints import NotNegative, Positive, Width


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms, in the matching too, and how many points of a mask count.

    class_weight, mask_weight, dice_weight, no_object_weight: Mask2Former's own. points: where a mask is compared with
    the truth; most lie where it is uncertain. depth_weight: of the order of instances that overlap. visible_weight: of
    an auxiliary cross-entropy of the classes seen at each pixel.
    """

    class_weight: Positive = 2.0
    mask_weight: Positive = 5.0
    dice_weight: Positive = 5.0
    no_object_weight: Positive = 0.1
    points: Width = 1024
    depth_weight: NotNegative = 0.5
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
    terms["depth"] = depth_loss(output.depths.flatten(0, 1), masks, matched)
    terms["visible"] = cross_entropy(output.visible_logits, visible_classes(batch))
    loss = (
        settings.class_weight * terms["cross_entropy"]
        + settings.mask_weight * terms["mask"]
        + settings.dice_weight * terms["dice"]
        + settings.depth_weight * terms["depth"]
        + settings.visible_weight * terms["visible"]
    )
    return {"loss": loss, **terms}


def depth_loss(depths: Tensor, masks: Sequence[Tensor], matched: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Mean logistic loss of which of two instances is in front, over all pairs whose masks overlap; 0 without any.

    It is that of RankNet (Burges et al. 2005). depths: (B, Q), smaller in front. masks: (n, 64, 64) of 0 and 1 for each
    image, the front first. matched: for each image, some queries and the instances that they are matched with.
    """
    wrong = []
    for of_image, of_instances, (queries, instances) in zip(depths, masks, matched, strict=True):
        front_first = instances.argsort()
        depth = of_image[queries[front_first].to(of_image.device)]
        areas = of_instances[instances[front_first].to(of_image.device)].flatten(1)
        front, behind = (areas @ areas.t()).triu(diagonal=1).nonzero(as_tuple=True)
        wrong.append(softplus(depth[front] - depth[behind]))
    pairs = torch.cat(wrong)
    return pairs.sum() / max(len(pairs), 1)


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
