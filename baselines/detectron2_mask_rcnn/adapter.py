"""Detectron2's Mask R-CNN behind the benchmark's interface (paper section 5; protocol "Mask R-CNN baseline")."""

from collections.abc import Iterator, Sequence

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from baselines.box_targets import render_boxes
from baselines.detectron2_mask_rcnn.inference import detect
from baselines.detectron2_mask_rcnn.library import EventStorage
from baselines.detectron2_mask_rcnn.model import build_model
from baselines.detectron2_mask_rcnn.presets import PRESETS
from baselines.detectron2_mask_rcnn.targets import collate, model_input
from baselines.nms_sweep import VARIANTS
from benchmark.adapter import Adapter, Detections
from benchmark.engine.fit import fit
from benchmark.run import Run
from datasets.exported import ExportedDataset


class Detectron2MaskRCNN(Adapter):
    """Mask R-CNN trained on amodal masks; the variants sweep non-maximum suppression over one trained model."""

    presets = PRESETS
    variants = tuple(VARIANTS)

    def train(self, run: Run) -> bool:
        """Train on the scenes of `run`, which rendering turns into boxes and amodal masks in worker processes."""
        torch.manual_seed(run.seed)
        model = build_model(run.preset)
        return fit(run, model, render_boxes, training_step, run.preset.training, collate)

    def predict(
        self, dataset: ExportedDataset, run: Run, variants: Sequence[str]
    ) -> Iterator[tuple[int, dict[str, Detections]]]:
        """One forward pass per batch of images for all `variants`, in the precision of training."""
        settings = run.preset.training
        model = build_model(run.preset)
        model.load_state_dict(load_file(run.weights))
        memory_format = torch.channels_last if settings.channels_last else torch.preserve_format
        model.to(run.device, memory_format=memory_format).eval()
        for start in range(0, len(dataset.image_ids), run.preset.prediction_batch_size):
            image_ids = dataset.image_ids[start : start + run.preset.prediction_batch_size]
            inputs = [model_input(dataset.image(image_id)) for image_id in image_ids]
            with torch.autocast(run.device, torch.bfloat16, enabled=settings.precision == "bf16"):
                detections = detect(model, inputs, variants)
            yield from zip(image_ids, detections, strict=True)


def training_step(model: nn.Module, batch: list[dict]) -> dict[str, Tensor]:
    """Detectron2's losses of RPN, box head and mask head, and their sum as "loss"."""
    with EventStorage():
        losses = model(batch)
    return {"loss": sum(losses.values()), **losses}
