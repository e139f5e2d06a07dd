"""Published weights of both libraries' Mask R-CNNs, from a stand-in for their servers."""

import hashlib
import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.models import Weights, WeightsEnum

from baselines.detectron2_mask_rcnn.library import model_zoo
from baselines.detectron2_mask_rcnn.model import build_model as build_detectron2
from baselines.detectron2_mask_rcnn.presets import PRESETS as DETECTRON2
from baselines.detectron2_mask_rcnn.weights import load_initial_weights as load_detectron2
from baselines.torchvision_mask_rcnn import weights as torchvision_weights
from baselines.torchvision_mask_rcnn.model import build_model as build_torchvision
from baselines.torchvision_mask_rcnn.presets import PRESETS as TORCHVISION
from benchmark.engine.pretrained import describe
from datasets.errors import InputError
from tests.loopback import serving

COCO = replace(DETECTRON2["smoke"], weights="coco", norm=None)
ZOO_PATH = "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x/137849600/model_final_f10217.pkl"
STEM, CLASSES, ANCHORS = (
    "backbone.bottom_up.stem.conv1.weight",
    "roi_heads.box_predictor.cls_score.weight",
    "proposal_generator.rpn_head.anchor_deltas.weight",
)


class TestDetectron2:
    @pytest.fixture(scope="class")
    def model(self):
        return build_detectron2(COCO, 3)

    @pytest.fixture
    def zoo(self, tmp_path, monkeypatch):
        """The files of the model zoo."""
        monkeypatch.setenv("FVCORE_CACHE", str(tmp_path / "cache"))
        files: dict[str, bytes] = {}
        with serving(files) as address:
            monkeypatch.setattr(model_zoo.model_zoo._ModelZooUrls, "S3_PREFIX", address)
            yield files

    def test_what_fits_is_copied_and_the_rest_is_named(self, model, zoo):
        own = model.state_dict()
        arrays = {STEM: np.full(own[STEM].shape, 0.25, np.float32), CLASSES: np.zeros((81, 256), np.float32),
                  ANCHORS: np.zeros((12, 256, 1, 1), np.float32)}  # fmt: skip
        zoo[ZOO_PATH] = pickle.dumps({"model": arrays, "__author__": "a test"}, protocol=2)
        loaded = load_detectron2(model, COCO)
        assert (model.state_dict()[STEM] == 0.25).all() and loaded.tensors == 1
        assert loaded.source.endswith(ZOO_PATH) and loaded.sha256 == hashlib.sha256(zoo[ZOO_PATH]).hexdigest()
        named = {misfit.split(":")[0]: misfit for misfit in loaded.misfits}
        assert set(named) == set(own) - {STEM}
        assert "found shape (81, 256), expected shape (4, 256)" in named[CLASSES] and ANCHORS in named
        assert "1 tensors loaded" in describe(loaded) and "more, all in the manifest" in describe(loaded)
        zoo.clear()
        assert load_detectron2(model, COCO) == loaded  # from the cache

    def test_a_file_that_would_run_code_is_refused(self, model, zoo):
        zoo[ZOO_PATH] = pickle.dumps({"model": {STEM: io.StringIO}})
        with pytest.raises(InputError, match=r"cannot be read \(found _?io.StringIO, expected arrays alone"):
            load_detectron2(model, COCO)

    def test_a_cached_file_that_changed_is_refused(self, model, zoo, tmp_path):
        zoo[ZOO_PATH] = pickle.dumps({"model": {STEM: np.zeros(model.state_dict()[STEM].shape, np.float32)}})
        load_detectron2(model, COCO)
        (cached,) = (tmp_path / "cache").rglob("*.pkl")
        cached.write_bytes(cached.read_bytes() + b" ")
        with pytest.raises(InputError, match="expected .* as when it was fetched"):
            load_detectron2(model, COCO)

    def test_without_a_network_one_line_says_what_to_do(self, model, zoo):
        with pytest.raises(InputError, match=r"weights coco: cannot be fetched .* give the file") as error:
            load_detectron2(model, COCO)
        assert "\n" not in str(error.value)
        with pytest.raises(InputError, match="the model zoo has none for"):
            load_detectron2(model, replace(COCO, config="Misc/mask_rcnn_R_50_FPN_9x.yaml"))


class TestTorchvision:
    PRESET = replace(TORCHVISION["smoke"], backbone="resnet50", norm="FrozenBN", weights="coco")

    @pytest.fixture(scope="class")
    def model(self):
        return build_torchvision(self.PRESET, 3)

    @pytest.fixture
    def publish(self, tmp_path, monkeypatch):
        """Serve a file of weights under a name with the hash given."""
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
        files: dict[str, bytes] = {}
        with serving(files) as address:

            def publish(state, digest=None):
                buffer = io.BytesIO()
                torch.save(state, buffer)
                name = f"small-{digest or hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.pth"
                files[name] = buffer.getvalue()
                published = WeightsEnum("Published", {"COCO_V1": Weights(address + name, lambda: None, {})})
                monkeypatch.setattr(torchvision_weights, "ENUM", published.COCO_V1)

            yield publish

    def test_what_fits_is_copied_and_the_rest_is_named(self, model, publish):
        classes = "roi_heads.box_predictor.cls_score.weight"
        publish({"backbone.body.conv1.weight": torch.full((64, 3, 7, 7), 0.25), classes: torch.zeros(91, 1024),
                 "backbone.body.bn1.weight": torch.full((64,), 0.5),
                 "backbone.body.bn1.running_mean": torch.zeros(64)})  # fmt: skip
        loaded = torchvision_weights.load_initial_weights(model, self.PRESET)
        assert (model.backbone.body.conv1.weight == 0.25).all() and (model.backbone.body.bn1.weight == 0.5).all()
        assert loaded.tensors == 3
        assert any(text == f"{classes}: found shape (91, 1024), expected shape (4, 256)" for text in loaded.misfits)

    def test_a_wrong_hash_or_backbone_is_refused(self, model, publish):
        publish({"backbone.body.conv1.weight": torch.zeros(64, 3, 7, 7)}, digest="01234567")
        with pytest.raises(InputError, match="weights coco: cannot be fetched .*hash"):
            torchvision_weights.load_initial_weights(model, self.PRESET)
        with pytest.raises(InputError, match="found backbone resnet18, expected resnet50"):
            torchvision_weights.load_initial_weights(model, replace(self.PRESET, backbone="resnet18"))
