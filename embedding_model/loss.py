"""The loss: equations 1 to 3 of the paper for L layers, and one cross-entropy per class head.

The equations speak of a foreground and an occluded layer; here an instance's pixels are those of all L layers, and
its mean embedding is one mean over all of them. Distances are L1 throughout.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot, pad, relu

from benchmark.models.hints import NotNegative
from embedding_model.network import Output
from embedding_model.spatial_loss import SpatialLossSettings, spatial_terms


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms and the margins of the hinges.

    The paper gives 1 for all three weights; the released code uses .01 for the regularization. Margins as in both.
    With few instances 1 is as good, with many .01 is better, so that it is the default (docs/experiments.md).
    spatial: in place of all these for a network that learns its bandwidth.
    """

    variance_weight: NotNegative = 1.0  # alpha
    distance_weight: NotNegative = 1.0  # beta
    regularization_weight: NotNegative = 0.01  # gamma
    variance_margin: NotNegative = 0.5  # d_var
    distance_margin: NotNegative = 1.5  # d_dst
    spatial: SpatialLossSettings = field(default_factory=SpatialLossSettings)


def layered_embedding_loss(
    output: Output, layers: Tensor, categories: Tensor, settings: LossSettings
) -> dict[str, Tensor]:
    """All terms and, as "loss", their weighted sum: scalars, means over the images of the batch.

    layers: (B, L, 64, 64) uint8, 0 background, else instance number. categories: (B, n) uint8, category ids of
    instances 1 to n, padded with 0 where an image has fewer. An instance without a pixel in any layer does not count.
    """
    with torch.autocast(output.embeddings.device.type, enabled=False):  # means over thousands of pixels need float32
        cross = class_cross_entropy(output.class_logits, layers, categories)
        if output.grouping is not None:
            weights = settings.spatial
            terms = spatial_terms(output.embeddings, output.grouping, layers, categories, weights)
            loss = cross + weights.mask_weight * terms["mask"] + weights.seed_weight * terms["seed"]
            loss = loss + weights.smoothness_weight * terms["smoothness"]
            return {"loss": loss, **terms, "cross_entropy": cross}
        terms = embedding_terms(output.embeddings, layers, categories, settings)
        terms["cross_entropy"] = cross
    loss = (
        terms["cross_entropy"]
        + settings.variance_weight * terms["variance"]
        + settings.distance_weight * terms["distance"]
        + settings.regularization_weight * terms["regularization"]
    )
    return {"loss": loss, **terms}


def embedding_terms(
    embeddings: Tensor, layers: Tensor, categories: Tensor, settings: LossSettings
) -> dict[str, Tensor]:
    """l_var, l_dst and l_reg (equations 1, 2 and 3) of embeddings (B, L, C, 64, 64).

    l_dst is normalised by N_k (N_k - 1) as the paper writes it, and is 0 for a class with a single instance, which
    has no pair; the released code adds 1 to the normaliser, which only weakens the term (by 3 % for six instances).
    An image without instances has 0 for all three.
    """
    instances = categories.shape[1]
    pixels = embeddings.transpose(1, 2).flatten(2)  # (B, C, P): all layers of an image side by side
    member = one_hot(layers.flatten(1).long(), instances + 1)[..., 1:].to(pixels.dtype)  # (B, P, n)
    sizes = member.sum(dim=1)  # (B, n)
    present = sizes > 0
    share = member / sizes.clamp(min=1)[:, None]  # column n: 1 / |R^n| on the pixels of instance n
    means = pixels @ share  # (B, C, n)
    count = present.sum(dim=1).clamp(min=1)

    # a background pixel has the mean 0 and weight 0
    to_mean = (means @ member.transpose(1, 2) - pixels).abs().sum(dim=1)  # (B, P)
    hinge = relu(to_mean - settings.variance_margin).square()
    variance = (hinge * share.sum(dim=2)).sum(dim=1) / count

    between = (means[..., :, None] - means[..., None, :]).abs().sum(dim=1)  # (B, n, n)
    push = relu(2 * settings.distance_margin - between).square()
    both = present[..., None] & present[:, None]
    same_class = ((categories[..., None] == categories[:, None]) & both).to(pixels.dtype)  # (B, n, n)
    of_class = same_class.sum(dim=2, keepdim=True)  # (B, n, 1): N_k of each instance's class
    pair_weight = same_class / (of_class * (of_class - 1)).clamp(min=1)
    pair_weight = pair_weight - torch.diag_embed(pair_weight.diagonal(dim1=1, dim2=2))
    distance = (push * pair_weight).sum(dim=(1, 2))

    regularization = (means.abs().sum(dim=1) * present).sum(dim=1) / count
    return {"variance": variance.mean(), "distance": distance.mean(), "regularization": regularization.mean()}


def class_cross_entropy(class_logits: Tensor, layers: Tensor, categories: Tensor) -> Tensor:
    """Mean over all pixels for each class head, summed over the heads (docs/protocol.md "Embedding model")."""
    classes = classes_of(layers, categories)
    mean_over_all = cross_entropy(class_logits.flatten(0, 1), classes.flatten(0, 1))
    return mean_over_all * class_logits.shape[1]


def classes_of(layers: Tensor, categories: Tensor) -> Tensor:
    """Class layers (B, L, 64, 64) int64: 0 background, else the category id of the instance there."""
    table = pad(categories, (1, 0)).long()
    return table.gather(1, layers.flatten(1).long()).view(layers.shape)
