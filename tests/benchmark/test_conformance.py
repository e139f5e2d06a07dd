"""One conformance test for every registered adapter, and proof that it notices broken ones."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.detectron2_mask_rcnn.presets import PRESETS as DETECTRON2_PRESETS
from benchmark.adapter import Adapter, Detections
from benchmark.conformance import check_adapter
from benchmark.models.registry import find_adapter
from tests.models import registered

FEW_PROPOSALS = {
    "torchvision-mask-rcnn": {"test_proposals": 20},
    "detectron2-mask-rcnn": {
        "overrides": (*DETECTRON2_PRESETS["smoke"].overrides, ("MODEL.RPN.POST_NMS_TOPK_TEST", 20))
    },
}
"""Changes to smoke presets: a network that has learned nothing takes each of its proposals for every class."""


@pytest.mark.parametrize("model", registered(slow=FEW_PROPOSALS))
def test_registered_adapters_conform(model, monkeypatch):
    presets = find_adapter(model).presets
    if model in FEW_PROPOSALS:
        monkeypatch.setitem(presets, "smoke", replace(presets["smoke"], **FEW_PROPOSALS[model]))
    assert check_adapter(model) == []


class _Base(Adapter):
    def detections(self, image_id):
        return Detections(np.ones((1, 64, 64), bool), np.array([0.5]), np.array([1]))

    def predict(self, dataset, run, variants):
        for image_id in dataset.image_ids:
            yield image_id, dict.fromkeys(variants, self.detections(image_id))


class Good(_Base):
    pass


class Noisy(_Base):
    def detections(self, image_id):
        scores = np.random.default_rng().random(1)
        return Detections(np.ones((1, 64, 64), bool), scores, np.array([1]))


class SkipsAnImage(_Base):
    def predict(self, dataset, run, variants):
        yield from list(super().predict(dataset, run, variants))[1:]


class Repeats(_Base):
    def predict(self, dataset, run, variants):
        yield from super().predict(dataset, run, variants)
        yield from super().predict(dataset, run, variants)


class FullResolution(_Base):
    def detections(self, image_id):
        return Detections(np.ones((1, 256, 256), bool), np.array([0.5]), np.array([1]))


class NotANumber(_Base):
    def detections(self, image_id):
        return Detections(np.ones((1, 64, 64), bool), np.array([np.nan]), np.array([1]))


class UnknownCategory(_Base):
    def detections(self, image_id):
        return Detections(np.ones((1, 64, 64), bool), np.array([0.5]), np.array([4]))


class ExtraImage(_Base):
    def predict(self, dataset, run, variants):
        yield from super().predict(dataset, run, variants)
        yield 99, dict.fromkeys(variants, self.detections(99))


class HalfAnOrder(_Base):
    def detections(self, image_id):
        return Detections(np.ones((1, 64, 64), bool), np.array([0.5]), np.array([1]), np.array([0.5]))


class Lists(_Base):
    def detections(self, image_id):
        return Detections([[[True]]], [0.5], [1])


class Raises(_Base):
    def predict(self, dataset, run, variants):
        raise KeyError("no such\nlayer")


def test_an_adapter_that_keeps_every_promise_conforms():
    assert check_adapter(f"{__name__}:Good") == []


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (Noisy, "differ"),
        (SkipsAnImage, "predicted nothing for 1 images"),
        (Repeats, "twice"),
        (FullResolution, "256"),
        (NotANumber, "score"),
        (UnknownCategory, "categor"),
        (ExtraImage, "found 99"),
        (HalfAnOrder, "order: found 0.5"),
        (Lists, "expected NumPy arrays"),
        (Raises, "prediction: KeyError: 'no such"),
    ],
)
def test_faults_are_found(broken, fault):
    assert fault in " ".join(check_adapter(f"{__name__}:{broken.__name__}"))
