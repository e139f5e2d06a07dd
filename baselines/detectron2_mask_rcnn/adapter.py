"""Detectron2's Mask R-CNN behind our interface (paper section 5; docs/protocol.md "Mask R-CNN baseline")."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from baselines.box_targets import render_boxes
from baselines.detectron2_mask_rcnn.inference import detect, propose
from baselines.detectron2_mask_rcnn.library import EventStorage
from baselines.detectron2_mask_rcnn.model import build_model
from baselines.detectron2_mask_rcnn.presets import PRESETS
from baselines.detectron2_mask_rcnn.targets import collate, model_input
from baselines.nms_sweep import PREDICTED, READINGS, TUNING_GRID, DetectionProtocol
from baselines.prediction import predict_in_batches, propose_in_batches
from benchmark.adapter import Adapter, Detections, Run
from benchmark.engine.fit import fit
from benchmark.engine.pretrained import start_from
from datasets.dataset import Dataset


class Detectron2MaskRCNN(Adapter):
    """Mask R-CNN trained on amodal masks; the variants sweep non-maximum suppression over one trained model."""

    presets = PRESETS
    variants = PREDICTED
    readings = READINGS
    grid = TUNING_GRID

    def train(self, run: Run) -> bool:
        """Train on the images of `run`, which rendering turns into boxes and amodal masks in worker processes."""
        torch.manual_seed(run.seed)
        model = build_model(run.preset, len(run.source.categories))
        if run.preset.weights is not None:
            from baselines.detectron2_mask_rcnn.weights import load_initial_weights

            start_from(run, lambda: load_initial_weights(model, run.preset))
        return fit(run, model, render_boxes, training_step, run.preset.training, collate)

    def predict(
        self, dataset: Dataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """One forward pass per batch of images for all `variants`."""
        model = build_model(run.preset, len(run.source.categories))
        return predict_in_batches(model, dataset, run, model_input, lambda *batch: detect(*batch, variants))

    def propose(self, images: Sequence[np.ndarray], run: Run, protocol: DetectionProtocol) -> Iterator[Tensor]:
        """The RPN's boxes (P, 4) for each of `images`, (256, 256, 3) uint8, best first."""
        model = build_model(run.preset, len(run.source.categories))
        return propose_in_batches(model, images, run, model_input, lambda *batch: propose(*batch, protocol))


def training_step(model: nn.Module, batch: list[dict]) -> dict[str, Tensor]:
    """Detectron2's losses of RPN, box head and mask head, and their sum as "loss"."""
    with EventStorage():
        losses = model(batch)
    return {"loss": sum(losses.values()), **losses}
