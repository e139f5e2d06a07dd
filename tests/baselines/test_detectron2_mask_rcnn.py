"""Detectron2's Mask R-CNN: the config becomes our model, and the sweep is eleven of its own inferences."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import box_iou

from baselines.box_targets import render_boxes
from baselines.detectron2_mask_rcnn.adapter import training_step
from baselines.detectron2_mask_rcnn.inference import detect
from baselines.detectron2_mask_rcnn.library import ImageList
from baselines.detectron2_mask_rcnn.model import build_model, load_config
from baselines.detectron2_mask_rcnn.presets import PRESETS
from baselines.detectron2_mask_rcnn.targets import collate, model_input
from baselines.detectron2_mask_rcnn.weights import load_initial_weights
from baselines.nms_sweep import PROTOCOLS, THRESHOLDS, VARIANTS
from benchmark.engine.precision import has_bfloat16
from datasets.errors import InputError
from datasets.scene import GRID, SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED

PAPER, SMOKE = PRESETS["paper"], PRESETS["smoke"]
SCENES = SceneParameters((2, 2, 2))


def samples(count):
    return [render_boxes(sample_scene(SCENES, TUNING_SEED, index)) for index in range(count)]


def box_predictors(model):
    predictors = model.roi_heads.box_predictor
    return list(predictors) if isinstance(predictors, nn.ModuleList) else [predictors]


def confident_model(preset):
    """A network with heads so steep that random weights see many shapes of every class."""
    torch.manual_seed(1)
    model = build_model(preset, 3)
    for predictor in box_predictors(model):
        nn.init.normal_(predictor.cls_score.weight, std=1.0)
        nn.init.constant_(predictor.cls_score.bias[-1:], -1.0)
        nn.init.normal_(predictor.bbox_pred.weight, std=0.05)
    nn.init.normal_(model.roi_heads.mask_head.predictor.weight, std=1.0)
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return confident_model(SMOKE)


@pytest.fixture(scope="module")
def inputs():
    return [model_input(np.repeat(sample.image[..., None], 3, axis=2)) for sample in samples(2)]


def single_inference(model, inputs, variant):
    """What Detectron2 itself detects at one threshold."""
    protocol = PROTOCOLS[variant.protocol]
    model.proposal_generator.nms_thresh = protocol.rpn_nms_threshold
    for predictor in box_predictors(model):
        predictor.test_score_thresh = protocol.score_floor
        predictor.test_nms_thresh = variant.threshold
        predictor.test_topk_per_image = protocol.detections_per_image
    with torch.inference_mode():
        return [output["instances"] for output in model(inputs)]


@pytest.mark.parametrize(("prefix", "count", "thresholds"), [("", 2, THRESHOLDS[::2]), ("coco-", 1, THRESHOLDS[::5])])
def test_sweep_equals_an_inference_for_each_threshold(model, inputs, prefix, count, thresholds):
    inputs = inputs[:count]
    names = [f"{prefix}nms-{threshold}" for threshold in thresholds]
    swept = detect(model, inputs, names)
    counts = set()
    for name in names:
        for image, expected in zip(swept, single_inference(model, inputs, VARIANTS[name]), strict=True):
            detections = image[name]
            np.testing.assert_array_equal(detections.scores, expected.scores.numpy().astype(np.float64))
            np.testing.assert_array_equal(detections.categories, expected.pred_classes.numpy() + 1)
            np.testing.assert_array_equal(detections.masks, expected.pred_masks[..., GRID, GRID].numpy())
            counts.add(len(detections.scores))
    assert len(counts) >= len(thresholds) - 1 and max(counts) >= 100  # the thresholds made a difference


@pytest.mark.parametrize(
    "config", ["Misc/cascade_mask_rcnn_R_50_FPN_1x.yaml", "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml"]
)
def test_sweep_works_with_other_roi_heads(inputs, config):
    model = confident_model(replace(SMOKE, config=config, overrides=(("MODEL.RPN.POST_NMS_TOPK_TEST", 30),)))
    (image,) = detect(model, inputs[:1], ["coco-nms-0.3"])
    (expected,) = single_inference(model, inputs[:1], VARIANTS["coco-nms-0.3"])
    assert len(expected) > 3
    np.testing.assert_array_equal(image["coco-nms-0.3"].masks, expected.pred_masks[..., GRID, GRID].numpy())
    np.testing.assert_array_equal(image["coco-nms-0.3"].scores, expected.scores.numpy().astype(np.float64))


def test_both_protocols_together_equal_each_alone(model, inputs):
    together = detect(model, inputs, ["nms-0.5", "coco-nms-0.5"])
    for name in ("nms-0.5", "coco-nms-0.5"):
        for image, alone in zip(together, detect(model, inputs, [name]), strict=True):
            np.testing.assert_array_equal(image[name].masks, alone[name].masks)
            np.testing.assert_array_equal(image[name].scores, alone[name].scores)


def test_anchors_cover_the_shapes():
    generator = build_model(SMOKE, 3).proposal_generator.anchor_generator
    anchors = torch.cat(
        [boxes.tensor for boxes in generator([torch.zeros(1, 1, 256 // s, 256 // s) for s in (4, 8, 16, 32)])]
    )
    scenes = [render_boxes(sample_scene(SceneParameters((6, 6, 6)), TUNING_SEED, index)) for index in range(25)]
    boxes = torch.from_numpy(np.concatenate([scene.boxes for scene in scenes]))
    categories = np.concatenate([scene.categories for scene in scenes])
    best = box_iou(boxes, anchors).amax(dim=1).numpy()
    assert best.min() > 0.5
    for category in (1, 2, 3):
        assert (best[categories == category] > 0.7).mean() > 0.95
    diagonal = torch.tensor([[40.0, 50.0, 203.0, 213.0]])  # a whole rectangle at 45 degrees
    assert box_iou(diagonal, anchors).max() > 0.7


def test_batch_holds_amodal_masks_and_classes_from_zero():
    (sample,) = samples(1)
    (batch,) = collate([sample])
    assert batch["image"].shape == (3, 256, 256) and batch["image"].dtype == torch.float32
    np.testing.assert_array_equal(batch["image"][1].numpy(), sample.image)
    instances = batch["instances"]
    assert (instances.gt_classes.numpy() + 1).tolist() == sample.categories.tolist()
    np.testing.assert_array_equal(instances.gt_masks.tensor.numpy(), sample.masks)
    torch.testing.assert_close(instances.gt_boxes.tensor, instances.gt_masks.get_bounding_boxes().tensor)


@pytest.mark.parametrize(
    "precision",
    [
        torch.float32,
        pytest.param(torch.bfloat16, marks=pytest.mark.skipif(not has_bfloat16("cpu"), reason="emulated bfloat16")),
    ],
)
def test_training_step_reaches_every_parameter(precision):
    torch.manual_seed(0)
    model = build_model(SMOKE, 3)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
        losses = training_step(model, collate(samples(2)))
    assert set(losses) == {"loss", "loss_cls", "loss_box_reg", "loss_mask", "loss_rpn_cls", "loss_rpn_loc"}
    assert losses["loss"].dtype == torch.float32
    torch.testing.assert_close(losses["loss"], sum(value for name, value in losses.items() if name != "loss"))
    losses["loss"].backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert without == []


def test_images_are_not_resized(inputs):
    images = build_model(SMOKE, 3).preprocess_image(inputs)
    assert isinstance(images, ImageList) and images.tensor.shape == (2, 3, 256, 256)


@pytest.mark.parametrize(
    "config",
    [
        "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml",
        "COCO-InstanceSegmentation/mask_rcnn_R_50_C4_1x.yaml",
        "Misc/cascade_mask_rcnn_R_50_FPN_1x.yaml",
        "Misc/scratch_mask_rcnn_R_50_FPN_3x_gn.yaml",
    ],
)
def test_configs_of_the_model_zoo_build_by_name(config):
    model = build_model(replace(PAPER, config=config), 3)
    assert model.proposal_generator.anchor_generator.num_anchors[0] in (10, 40)
    norms = {type(module).__name__ for module in model.modules() if "Norm" in type(module).__name__}
    assert norms == {"GroupNorm"}


def test_paper_preset_follows_the_protocol():
    training = PAPER.training
    assert (training.optimizer, training.learning_rate, training.batch_size) == ("adam", 1e-4, 2)
    assert (training.schedule, training.images, training.precision) == ("constant", 100_000, "fp32")
    config = load_config(PAPER, 3)
    assert config.MODEL.ROI_HEADS.BATCH_SIZE_PER_IMAGE == 64
    assert config.MODEL.ROI_HEADS.NUM_CLASSES == 3


@pytest.mark.parametrize("name", PRESETS)
def test_configs_of_presets_are_valid(name):
    load_config(PRESETS[name], 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": "COCO-InstanceSegmentation/none.yaml"}, "mask_rcnn_R_50_FPN_1x.yaml"),
        ({"config": "COCO-Detection/faster_rcnn_R_50_FPN_1x.yaml"}, "no mask head"),
        ({"config": "COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.py"}, "YAML"),
        ({"overrides": (("MODEL.NO_SUCH_KEY", 1),)}, "NO_SUCH_KEY"),
        ({"norm": "none such"}, "none such"),
    ],
)
def test_wrong_configs_are_named(change, message):
    with pytest.raises(InputError, match=message):
        build_model(replace(PAPER, **change), 3)


class TestWeights:
    @pytest.fixture
    def state(self, model):
        """A donor for 80 classes: backbone and RPN fit, the class heads do not."""
        state = {name: torch.full_like(value, 0.25) for name, value in model.state_dict().items()}
        state["roi_heads.box_predictor.cls_score.weight"] = torch.zeros(81, 256)
        return state

    def write(self, state, path):
        if path.suffix == ".safetensors":
            save_file(state, path)
        elif path.suffix == ".pth":
            torch.save({"model": state, "iteration": 3}, path)
        else:
            arrays = {name: value.numpy() for name, value in state.items()}
            path.write_bytes(pickle.dumps({"model": arrays, "__author__": "a test"}))

    @pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pkl"])
    def test_fitting_tensors_are_copied(self, state, tmp_path, suffix):
        path = tmp_path / f"weights{suffix}"
        self.write(state, path)
        model = build_model(SMOKE, 3)
        load_initial_weights(model, replace(SMOKE, weights=str(path), trust_pickle=True))
        assert (model.backbone.bottom_up.stem.conv1.weight == 0.25).all()
        assert (model.roi_heads.box_predictor.cls_score.weight != 0).any()

    def test_pickles_need_to_be_trusted(self, model, tmp_path):
        path = tmp_path / "weights.pkl"
        path.write_bytes(b"never read")
        with pytest.raises(InputError, match="trust_pickle"):
            load_initial_weights(model, replace(SMOKE, weights=str(path)))

    def test_a_pth_file_that_would_run_code_is_refused(self, model, tmp_path):
        path = tmp_path / "weights.pth"
        torch.save({"model": np.random.default_rng}, path)
        with pytest.raises(InputError, match="weights.pth: cannot be read"):
            load_initial_weights(model, replace(SMOKE, weights=str(path), trust_pickle=True))

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("missing.pth", None, "no such file"),
            ("weights.onnx", b"", "expected .safetensors"),
            ("weights.safetensors", b"garbage", "cannot be read"),
            ("weights.pth", b"garbage", "cannot be read"),
            ("weights.pkl", b"garbage", "cannot be read"),
        ],
    )
    def test_unreadable_files_are_named(self, model, tmp_path, name, content, message):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_initial_weights(model, replace(SMOKE, weights=str(path), trust_pickle=True))

    def test_weights_of_another_network_are_refused(self, model, tmp_path):
        path = tmp_path / "other.safetensors"
        save_file({"encoder.weight": torch.zeros(3)}, path)
        with pytest.raises(InputError, match="no tensor that fits"):
            load_initial_weights(model, replace(SMOKE, weights=str(path)))
