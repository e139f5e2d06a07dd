"""Hyperparameters that do not exist are refused in one line, and those that do are listed."""

from dataclasses import asdict, dataclass, replace
from typing import Literal

import pytest

from benchmark.cli import main
from benchmark.models.hints import check_preset, hyperparameters, pretraining
from benchmark.models.presets import preset_from_values, with_setting
from benchmark.models.registry import find_adapter
from datasets.errors import InputError
from embedding_model.loss import LossSettings
from embedding_model.presets import PRESETS
from tests.models import registered

COMPACT = PRESETS["compact"]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("training.schedule=linear", "one of constant, cosine"),
        ("network.decoder=unet", "one of deeplabv3plus, fpn"),
        ("training.precision=fp16", "one of fp32, bf16"),
        ("training.optimizer=sgd", "one of adam, adamw, muon"),
        ("training.batch_size=-4", "a whole number from 1 to 16,384"),
        ("training.batch_size=2.5", "a whole number from 1 to 16,384"),
        ("training.batch_size=true", "a whole number from 1 to 16,384"),
        ("training.images=" + "1" + 30 * "0", "a whole number from 1 to 1,000,000,000"),
        ("training.workers=1000000", "a whole number from 0 to 256"),
        ("training.clip_gradient_norm=ten", "a number above 0 to 1,000,000 or null"),
        ("training.learning_rate=NaN", "a number above 0 to 1,000,000"),
        ("training.learning_rate=1e999", "a number above 0 to 1,000,000"),
        ("training.channels_last=1", "true or false"),
        ("network.encoder=resnet9", "an encoder of segmentation_models_pytorch"),
        ("network.head_channels=[128, 0]", "a list, each a whole number from 1 to 16,384"),
        ("network.dropout=1", "a number from 0 to below 1"),
        ("instances.seeding=null", "one of first, densest-first"),
        ("instances=3", "expected one of its parts: instances.bandwidth"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(setting, expected):
    with pytest.raises(InputError) as error:
        with_setting(COMPACT, setting)
    assert str(error.value).startswith(f"setting {setting[:20]}") and expected in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


def test_values_keep_the_type_of_the_hint():
    assert with_setting(COMPACT, "training.learning_rate=1").training.learning_rate == 1.0
    assert with_setting(COMPACT, "network.head_channels=[8, 4]").network.head_channels == (8, 4)
    assert with_setting(COMPACT, "network.encoder_weights=7").network.encoder_weights == "7"
    assert with_setting(COMPACT, "network.encoder_weights=null").network.encoder_weights is None


def test_a_manifest_is_held_to_the_same():
    with pytest.raises(InputError, match=r"^manifest.json: schedule: found linear, expected one of constant, cosine$"):
        preset_from_values(COMPACT, {"training": {"schedule": "linear"}}, "manifest.json")


@dataclass(frozen=True)
class Head:
    depth: int
    width: int = 8


@dataclass(frozen=True)
class Grown:
    """A preset whose later fields an old manifest lacks."""

    head: Head
    seeding: Literal["first", "densest"] = "first"
    sizes: tuple[int, ...] = (1,)


def test_what_an_old_manifest_lacks_is_what_the_code_did_then():
    today = Grown(Head(2, width=99), seeding="densest", sizes=(5, 6))
    assert preset_from_values(today, {"head": {"depth": 3}}, "manifest.json") == Grown(Head(3, width=8), "first", (1,))
    with pytest.raises(InputError, match=r"^manifest.json: lacks the hyperparameter 'depth', which has no default"):
        preset_from_values(today, {"seeding": "first"}, "manifest.json")
    old = {**asdict(COMPACT), "loss": {"variance_margin": 0.25}}
    assert COMPACT.loss.variance_weight != LossSettings().variance_weight
    assert preset_from_values(COMPACT, old, "manifest.json").loss == LossSettings(variance_margin=0.25)


@pytest.mark.parametrize("model", registered())
def test_presets_hold_to_their_own_hints(model):
    for preset in find_adapter(model).presets.values():
        check_preset(preset, model)


def test_pretraining_is_the_file_that_a_preset_starts_from():
    assert pretraining(COMPACT) is None
    started = replace(COMPACT, network=replace(COMPACT.network, encoder_weights="files/xception.safetensors"))
    assert pretraining(started) == "xception.safetensors"


def test_models_lists_every_hyperparameter_with_choices_and_value(capsys):
    assert main(["models", "layered-embedding"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("layered-embedding ")
    for parameter in hyperparameters(COMPACT):
        assert any(line.split()[0] == parameter.name for line in lines), parameter.name
    (schedule,) = (line for line in lines if "training.schedule" in line)
    assert "one of constant, cosine" in schedule and schedule.endswith("constant; compact cosine; smoke cosine")
