"""A damaged file of a run is named in one line, and what reads several runs goes on with the others."""

import io
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmark.engine.checkpoint import load_checkpoint, load_weights, save_checkpoint
from benchmark.engine.rows import read_log
from benchmark.report.write import build_tables
from benchmark.studies.status import read_status
from datasets.errors import InputError
from tests.robustness.corpus import BAD_LOGS, UNREADABLE, bad_manifests, malicious_pickle, mutated

RELEASED = Path(__file__).parents[2] / "results" / "released"
RUN = RELEASED / "layered-embedding-smoke-n2"
MANIFEST = {
    "model": "layered-embedding", "preset": "smoke", "hyperparameters": {}, "layers": 2, "seed": 0, "finished": True,
    "scenes": {"counts": [2, 2, 2], "label": "2"},
}  # fmt: skip
NO_OBJECT = {name: content for name, content in UNREADABLE.items() if name != "a dict"}


@pytest.fixture
def study(tmp_path):
    """A folder of two runs, of which "damaged" is there to be damaged."""
    for name in ("damaged", "whole"):
        shutil.copytree(RUN, tmp_path / "study" / name)
    return tmp_path / "study"


@pytest.mark.area("manifest.json: train, predict")
def test_manifests(corpus, refused, exported, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name, content in corpus.some(bad_manifests(MANIFEST)):
        (run / "manifest.json").write_bytes(content)
        refused(name, "predict", run, "--dataset", exported, "--out", tmp_path / "out.json")
    for name, content in corpus.some(bad_manifests(MANIFEST)):
        (run / "manifest.json").write_bytes(content)
        refused(f"tune: {name}", "tune", run)


def changes(path):
    """(name, content) of damaged versions of a JSON file."""
    yield from NO_OBJECT.items()
    for name, changed in mutated(json.loads(path.read_text()), 60):
        yield name, json.dumps(changed).encode()


@pytest.mark.area("files of runs: report, verify, status, compare")
@pytest.mark.parametrize("file", ["manifest.json", "metrics.json", "analysis.json"])
def test_files_of_runs(corpus, handled, study, tmp_path, capfd, file):
    path = study / "damaged" / file
    for name, content in corpus.some(changes(RUN / file)):
        path.write_bytes(content)
        with corpus.case(f"tables of {file}: {name}"):
            capfd.readouterr()
            assert build_tables(study)
            lines = capfd.readouterr().err.splitlines()
            assert len(lines) <= 1 and all(file in line and "left out" in line for line in lines), lines
        for command in (("status", study), ("verify", "--results", study),
                        ("compare", study / "damaged", study / "whole")):  # fmt: skip
            handled(f"{command[0]}: {file}: {name}", *command)


@pytest.mark.area("training_log.csv")
def test_training_logs(corpus, study, handled):
    path = study / "damaged" / "training_log.csv"
    for name, content in BAD_LOGS.items():
        path.write_bytes(content)
        with corpus.case(name), pytest.raises(InputError, match=r"training_log\.csv") as error:
            read_log(path)
        with corpus.case(f"tables: {name}"):
            assert "\n" not in str(error.value)
            assert build_tables(study)
        handled(f"status: {name}", "status", study)
        with corpus.case(f"status goes on: {name}"):
            states = {status.name: status.state for status in read_status(study)}
            assert states["whole"] == "done" and states["damaged"] in ("damaged", "done"), states
    path.write_text("images,seconds,loss\n2,1,nan\n4,2,\n")
    assert [row["images"] for row in read_log(path)] == [2, 4]


def bad_checkpoints(state, marker):
    """Checkpoints of no use; `state` is a good one."""
    yield from ((name, content) for name, content in UNREADABLE.items())
    yield "code", malicious_pickle(marker)
    position, optimizer = state["position"], state["optimizer"]
    group = optimizer["param_groups"][0]
    wrong = [
        [], {}, {"model": state["model"]}, {**state, "model": []}, {**state, "model": {"weight": "x"}},
        {**state, "model": {**state["model"], "weight": torch.zeros(7)}}, {**state, "optimizer": None},
        {**state, "optimizer": {"state": {}, "param_groups": []}},
        {**state, "optimizer": {**optimizer, "state": {0: "x"}}},
        {**state, "optimizer": {**optimizer, "state": {0: {"exp_avg": torch.zeros(3), "step": "x"}}}},
        *({**state, "position": value} for value in (None, {}, {**position, "images": "x"}, {**position, "images": -1},
                                                     {**position, "seconds": float("nan")})),
        {**state, "optimizer": {**optimizer, "param_groups": [{**group, "betas": "x"}]}},
    ]  # fmt: skip
    for index, content in enumerate(wrong):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        yield f"content {index}", buffer.getvalue()


@pytest.mark.area("checkpoints and weights")
def test_checkpoints_and_weights(corpus, tmp_path):
    def make():
        model = torch.nn.Linear(2, 3)
        return model, torch.optim.Adam(model.parameters())

    path, marker = tmp_path / "checkpoint.pt", tmp_path / "marker"
    model, optimizer = make()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    position = {"images": 4, "seconds": 1.5, "seconds_waiting_for_data": 0.0}
    save_checkpoint(path, model, optimizer, position)
    whole = path.read_bytes()
    state = torch.load(path, weights_only=True)
    assert load_checkpoint(path, *make(), "cpu") == position
    damaged = [(f"cut to {part}/40", whole[: len(whole) * part // 40]) for part in range(1, 40)]
    for name, content in corpus.some([*bad_checkpoints(state, str(marker)), *damaged]):
        path.write_bytes(content)
        with corpus.case(name):
            with pytest.raises(InputError, match="checkpoint.pt: not a checkpoint") as error:
                load_checkpoint(path, *make(), "cpu")
            assert "\n" not in str(error.value) and len(str(error.value)) > len(f"{path}: not a checkpoint")
        with corpus.case(f"weights: {name}"), pytest.raises(InputError, match="checkpoint.pt: not weights"):
            load_weights(path, make()[0])
    assert not marker.exists()
    save_file({"weight": torch.zeros(3, 3)}, path)
    with pytest.raises(InputError, match="checkpoint.pt: not weights"):
        load_weights(path, make()[0])
