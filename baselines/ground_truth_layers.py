"""The oracle of Table 2: instance masks as complete as the first L ground-truth layers allow (paper section 5)."""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmark.adapter import Adapter, Detections, Reading, Run
from datasets.dataset import Dataset
from datasets.layers import masks_from_layers

MOST_LAYERS = 5


class GroundTruthLayers(Adapter):
    """Upper bound of any model with L layers; variant "layers-L".

    Each mask is scored by its IoU with its own instance: with equal scores AP would depend on the order of the images
    (docs/protocol.md "Tables to regenerate").
    """

    readings = {
        f"layers-{layers}": Reading(
            "layers", layers, "masks made of so many layers of ground truth",
            paper=True, uses_ground_truth=True, layers=layers,
        )
        for layers in range(1, MOST_LAYERS + 1)
    }  # fmt: skip
    variants = tuple(readings)

    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """Detections from the first L layers of ground truth, with its categories and depth order."""
        depths = {name: self.readings[name].layers or 0 for name in variants}
        for image_id in dataset.image_ids:
            annotations = dataset.annotations(image_id)
            amodal = dataset.masks(image_id)
            layers = dataset.layers(image_id, max(depths.values()))
            categories = np.array([annotation["category_id"] for annotation in annotations], int)
            order = np.array([annotation["order"] for annotation in annotations], int)
            outputs = {}
            for name, depth in depths.items():
                masks = masks_from_layers(layers[:depth], len(annotations))
                # the masks lie within their instances, so that the IoU is a ratio of areas
                scores = masks.sum(axis=(1, 2)) / amodal.sum(axis=(1, 2))
                outputs[name] = Detections(masks, scores, categories, order)
            yield image_id, outputs
