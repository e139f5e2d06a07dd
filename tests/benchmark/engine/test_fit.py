"""The training loop, on a model of a few dozen parameters."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from benchmark.adapter import Run
from benchmark.engine.checkpoint import load_weights
from benchmark.engine.fit import fit, learning_rate
from benchmark.engine.optimizer import make_optimizer
from benchmark.engine.settings import TrainingSettings
from benchmark.runs.manifest import read_manifest
from datasets.errors import InputError
from datasets.scene import SceneParameters
from tests.robustness.tiny import render

ROOT = Path(__file__).parents[3]
SETTINGS = TrainingSettings(
    images=48, batch_size=4, learning_rate=1e-2, workers=0, log_every=8, checkpoint_every=16, schedule="cosine"
)


def step(model, batch):
    logits = model(batch["image"][:, None].float())[:, 0]
    loss = nn.functional.binary_cross_entropy_with_logits(logits, batch["target"])
    return {"loss": loss, "mean_logit": logits.mean()}


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, padding=2), nn.BatchNorm2d(4), nn.Dropout(0.2), nn.ReLU(), nn.Conv2d(4, 1, 5, padding=2)
    )


def one_convolution():
    torch.manual_seed(0)
    return nn.Conv2d(1, 1, 5, padding=2)


def make_run(folder, **options):
    folder.mkdir(exist_ok=True)
    return Run(folder, "test", "test", None, SceneParameters((2, 2, 2)), seed=5, **options)


def train(folder, settings=SETTINGS, **options):
    model = make_model()
    done = fit(make_run(folder, **options), model, render, step, settings)
    return done, model.state_dict()


def assert_same(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    done, weights = train(folder)
    assert done
    return folder, weights


def test_loss_falls_and_log_says_so(undisturbed):
    rows = pd.read_csv(undisturbed[0] / "training_log.csv")
    assert rows["images"].tolist() == [8, 16, 24, 32, 40, 48]
    assert rows["loss"].iloc[-1] < 0.95 * rows["loss"].iloc[0]
    assert (rows["images_per_second"] > 0).all() and rows["data_wait_share"].between(0, 1).all()
    assert rows["seconds"].is_monotonic_increasing


def test_weights_are_written_in_half_precision(undisturbed):
    folder, weights = undisturbed
    tensors = load_file(folder / "weights.safetensors")
    assert tensors["0.weight"].dtype == torch.float16 and tensors["1.running_var"].dtype == torch.float32
    model = make_model()
    load_weights(folder / "weights.safetensors", model)
    for name, value in model.state_dict().items():
        assert torch.allclose(value, weights[name], rtol=1e-3, atol=1e-4), name


def test_same_seed_same_weights(undisturbed, tmp_path):
    assert_same(train(tmp_path / "again")[1], undisturbed[1])


def test_stopped_runs_end_like_an_undisturbed_one(undisturbed, tmp_path):
    stops = 0
    while not (outcome := train(tmp_path / "run", max_minutes=0.0))[0]:
        stops += 1
    assert stops == 11  # once after every step but the last
    assert_same(outcome[1], undisturbed[1])
    rows = pd.read_csv(tmp_path / "run" / "training_log.csv")
    assert rows["images"].tolist() == list(range(4, 49, 4))


def test_a_part_of_the_budget_follows_the_schedule_of_the_whole(undisturbed, tmp_path):
    folder = tmp_path / "run"
    for _ in range(2):  # the second time there is nothing to do
        assert not train(folder, max_images=20)[0]
        rows = pd.read_csv(folder / "training_log.csv")
        assert rows["images"].tolist() == [8, 16, 20]
    assert rows["learning_rate"].iloc[-1] == learning_rate(SETTINGS, 16)
    assert (folder / "weights.safetensors").exists()
    done, weights = train(folder)
    assert done
    assert_same(weights, undisturbed[1])
    with pytest.raises(InputError, match=r"checkpoint.pt: has seen 48 images, expected at most 20"):
        train(folder, max_images=20)


@pytest.mark.parametrize("at_step", [1, 5, 9])
def test_killed_runs_end_like_an_undisturbed_one(undisturbed, tmp_path, at_step):
    calls = 0

    def killed_step(model, batch):
        nonlocal calls
        calls += 1
        if calls == at_step:
            raise KeyboardInterrupt
        return step(model, batch)

    with pytest.raises(KeyboardInterrupt):
        fit(make_run(tmp_path / "run"), make_model(), render, killed_step, SETTINGS)
    done, weights = train(tmp_path / "run")
    assert done
    assert_same(weights, undisturbed[1])
    rows = pd.read_csv(tmp_path / "run" / "training_log.csv")
    assert rows["images"].tolist() == [8, 16, 24, 32, 40, 48]
    assert not list((tmp_path / "run").glob("*.partial"))


def test_ctrl_c_ends_the_step_and_leaves_a_checkpoint(undisturbed, tmp_path, capsys):
    calls = 0

    def interrupted_step(model, batch):
        nonlocal calls
        calls += 1
        if calls == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return step(model, batch)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match="run: checkpoint after 12 images"):
        fit(make_run(tmp_path / "run"), make_model(), render, interrupted_step, SETTINGS)
    assert signal.getsignal(signal.SIGINT) is before
    done, weights = train(tmp_path / "run")
    assert done and "run: goes on after 12 images" in capsys.readouterr().err
    assert_same(weights, undisturbed[1])


def test_worker_processes_change_nothing(undisturbed, tmp_path):
    assert_same(train(tmp_path / "run", dataclasses.replace(SETTINGS, workers=2))[1], undisturbed[1])


def test_accumulated_parts_give_the_gradient_of_the_whole_batch(tmp_path):
    """Without normalisation and dropout, whose statistics see a part only."""

    models = one_convolution(), one_convolution()
    for parts, model in zip((1, 4), models, strict=True):
        settings = dataclasses.replace(SETTINGS, accumulate=parts, images=8)
        fit(make_run(tmp_path / str(parts)), model, render, step, settings)
    for left, right in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(left, right, atol=1e-5)


def test_batch_that_cannot_be_split(tmp_path):
    with pytest.raises(InputError, match="batch size: found 4, expected a multiple of 1 processes times 3"):
        train(tmp_path / "run", dataclasses.replace(SETTINGS, accumulate=3))


def test_diverged_loss_stops_and_keeps_the_last_checkpoint(tmp_path):
    calls = 0

    def diverging(model, batch):
        nonlocal calls
        calls += 1
        losses = step(model, batch)
        return {**losses, "loss": losses["loss"] * (math.nan if calls > 5 else 1)}

    with pytest.raises(InputError, match="loss is nan after 24 images"):
        fit(make_run(tmp_path / "run"), make_model(), render, diverging, SETTINGS)
    state = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert state["position"]["images"] == 16
    assert all(torch.isfinite(value).all() for value in state["model"].values())


def test_checkpoint_of_another_model(undisturbed):
    with pytest.raises(InputError, match="checkpoint.pt: not a checkpoint of this model"):
        fit(make_run(undisturbed[0]), nn.Conv2d(1, 1, 3), render, step, SETTINGS)


def test_missing_or_foreign_weights(undisturbed, tmp_path):
    with pytest.raises(InputError, match="no weights there"):
        load_weights(tmp_path / "weights.safetensors", make_model())
    with pytest.raises(InputError, match="not weights of this model"):
        load_weights(undisturbed[0] / "weights.safetensors", nn.Conv2d(1, 1, 3))
    (tmp_path / "weights.safetensors").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="not weights of this model"):
        load_weights(tmp_path / "weights.safetensors", make_model())


def test_bf16_and_channels_last_train_too(tmp_path):
    settings = dataclasses.replace(SETTINGS, precision="bf16", channels_last=True, optimizer="adamw", weight_decay=0.01)
    done, weights = train(tmp_path / "run", settings)
    assert done and all(torch.isfinite(value).all() for value in weights.values())
    assert weights["0.weight"].dtype == torch.float32


def muon_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv2d(8, 8, 5, padding=2), nn.ReLU(),
                         nn.Conv2d(8, 1, 5, padding=2))  # fmt: skip


def test_muon_resumes_too(tmp_path):
    settings = dataclasses.replace(SETTINGS, optimizer="muon", schedule="constant")
    whole, parts = muon_model(), muon_model()
    assert fit(make_run(tmp_path / "whole"), whole, render, step, settings)
    while not fit(make_run(tmp_path / "parts", max_minutes=0.0), parts, render, step, settings):
        parts = muon_model()
    assert_same(whole.state_dict(), parts.state_dict())


def test_a_step_of_muon_evens_out_the_singular_values():
    """The gradient's span a factor of 16; three iterations leave less than 3."""
    layer = nn.Conv2d(8, 8, 3)
    left, right = torch.linalg.qr(torch.randn(8, 8))[0], torch.linalg.qr(torch.randn(72, 8))[0]
    gradient = left @ torch.diag(torch.logspace(0, 4, 8, base=2)) @ right.T
    before = layer.weight.detach().clone()
    layer.weight.grad, layer.bias.grad = gradient.view_as(layer.weight), torch.ones(8)
    make_optimizer(layer, dataclasses.replace(SETTINGS, optimizer="muon")).step()
    values = torch.linalg.svdvals((layer.weight.detach() - before).flatten(1))
    assert values.max() < 3 * values.min()


def test_learning_rates():
    constant = TrainingSettings(images=100, batch_size=10, learning_rate=2.0)
    assert [learning_rate(constant, images) for images in (0, 50, 90)] == [2, 2, 2]
    cosine = dataclasses.replace(constant, schedule="cosine", warmup_images=20)
    assert [round(learning_rate(cosine, images), 3) for images in (0, 10, 20, 60, 100)] == [1, 2, 2, 1, 0]


def with_torchrun(steps):
    """Run commands on the command line, those of two processes through torchrun."""
    for processes, arguments in steps:
        launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"] if processes > 1 else []
        subprocess.run([sys.executable, *launcher, "run_benchmark.py", *arguments], cwd=ROOT, check=True, timeout=300)


def forked(steps):
    """The same from one process that imports everything once."""
    command = [sys.executable, "-m", "tests.benchmark.engine.forked", json.dumps(steps)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("run_all", [forked, with_torchrun])
def test_two_processes_train_like_one(tmp_path, monkeypatch, run_all):
    """On gloo: same batches, gradients averaged, one process writes; stopped and resumed as well."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone, pair = tmp_path / "alone", tmp_path / "pair"
    settings = ("batch_size=4", "workers=0", "log_every=8", "checkpoint_every=16", "learning_rate=0.01")
    train = ["train", "tests.robustness.tiny:Tiny", "--preset", "tiny", "--instances-per-class", "2", "--seed", "5",
             "--device", "cpu", "--evaluation-images", "1", "--images", "48",
             *(word for setting in settings for word in ("--set", f"training.{setting}")), "--out"]  # fmt: skip
    run_all([(1, [*train, str(alone)]), (2, [*train, str(pair), "--max-minutes", "0"]),
             (2, [*train, str(pair), "--resume"])])  # fmt: skip
    left, right = (load_file(folder / "weights.safetensors") for folder in (alone, pair))
    for name in left:
        assert torch.allclose(left[name].float(), right[name].float(), atol=1e-3), name
    rows = pd.read_csv(pair / "training_log.csv")
    assert rows["images"].tolist() == [4, 8, 16, 24, 32, 40, 48]
    assert read_manifest(pair)["finished"] and (pair / "metrics.json").exists()
