"""torchvision's Mask R-CNN behind the benchmark's interface: an independent check on Detectron2's."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from baselines.box_targets import BoxSample, render_boxes
from baselines.nms_sweep import PREDICTED, READINGS, TUNING_GRID, DetectionProtocol
from baselines.prediction import predict_in_batches, propose_in_batches
from baselines.torchvision_mask_rcnn.inference import detect, propose
from baselines.torchvision_mask_rcnn.model import build_model
from baselines.torchvision_mask_rcnn.presets import PRESETS
from benchmark.adapter import Adapter, Detections, Run
from benchmark.engine.fit import fit
from benchmark.engine.pretrained import start_from
from datasets.dataset import Dataset
from datasets.render import as_rgb


class TorchvisionMaskRCNN(Adapter):
    """Mask R-CNN of the kind of ``maskrcnn_resnet50_fpn``, trained on amodal masks; variants as of Detectron2's."""

    presets = PRESETS
    variants = PREDICTED
    readings = READINGS
    grid = TUNING_GRID

    def train(self, run: Run) -> bool:
        """Train on the images of `run`, which rendering turns into boxes and amodal masks in worker processes."""
        torch.manual_seed(run.seed)
        model = build_model(run.preset, len(run.source.categories))
        if run.preset.weights is not None:
            from baselines.torchvision_mask_rcnn.weights import load_initial_weights

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


def collate(samples: Sequence[BoxSample]) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """A training batch: images, and per image ``boxes``, ``labels`` (category ids) and amodal ``masks``."""
    images = [model_input(as_rgb(sample.image)) for sample in samples]
    targets = [
        {
            "boxes": torch.from_numpy(sample.boxes),
            "labels": torch.from_numpy(sample.categories.astype(np.int64)),
            "masks": torch.from_numpy(sample.masks.view(np.uint8)),
        }
        for sample in samples
    ]
    return images, targets


def model_input(image: np.ndarray) -> Tensor:
    """image: (256, 256, 3) uint8. Returns (3, 256, 256) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255


def training_step(model: nn.Module, batch: tuple[list[Tensor], list[dict[str, Tensor]]]) -> dict[str, Tensor]:
    """torchvision's losses of RPN, box head and mask head, and their sum as "loss"."""
    losses = model(*batch)
    return {"loss": sum(losses.values()), **losses}
