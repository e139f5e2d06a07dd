"""Runs as jobs of submitit: resumed, skipped, watched and reported."""

import json
import os
import time
from dataclasses import replace

import pytest
import submitit
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from benchmark.cli import main, paths
from benchmark.runs.folder import read_metrics
from benchmark.runs.manifest import read_manifest
from benchmark.studies.job import Job, _train_together
from benchmark.studies.runner import _shares_of_gpus, _visible_gpus
from benchmark.studies.study import Choices, read_study, study_runs
from datasets.locks import is_held
from datasets.scene import SceneParameters
from tests.benchmark.studies.trainable import DEADLY, STUDY, UNLUCKY
from tests.robustness.holder import held_by_another_process


@pytest.fixture
def job(folders):
    """The first run of the study, twenty images long."""
    study = read_study("widths", paths.RESULTS / "paper" / "studies")
    (planned, *_) = study_runs(study, folders, Choices(images=20, evaluation_images=2))
    return Job(planned, paths.DATA, "cpu")


def with_run(job, **changes):
    return replace(job, planned=replace(job.planned, run=replace(job.planned.run, **changes)))


@pytest.mark.slow
def test_a_study_from_its_plan_to_its_report(folders, capsys, monkeypatch, reproduce):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    study = paths.RESULTS / "paper" / "studies" / "widths.toml"
    study.write_text(STUDY.replace("[1, 2]", f"[{UNLUCKY}, {DEADLY}, 2]").replace("[2, 3]", "[3]"))
    assert reproduce("--parallel", 3) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"widths: Two widths; 3 runs in {folders}"
    assert any(line.endswith("3 runs of unknown duration: no run of their preset was measured on like hardware")
               for line in lines)  # fmt: skip
    name = "Trainable-small-ncircle0-triangle0-rectangle3-{}-tiny"
    assert any(f"] {name.format(2)}: AP 1.0000, AR100 1.0000" in line for line in lines)
    failures = {line.split(": ")[1]: line for line in lines if line.startswith("failed: ")}
    assert set(failures) == {name.format(UNLUCKY), name.format(DEADLY)}
    assert "ValueError: thirteen of them (log: " in failures[name.format(UNLUCKY)]
    assert all(".err" in line for line in failures.values())

    folder = folders / name.format(2)
    manifest = read_manifest(folder)
    assert manifest["finished"] and manifest["images_seen"] == 20 and manifest["hyperparameters"]["width"] == 2
    assert manifest["command"].startswith("run_benchmark.py reproduce widths --device cpu")
    assert list(read_metrics(folder)) == ["default"]
    assert (folder / "threads").read_text() == str(max(1, len(os.sched_getaffinity(0)) // 3))
    assert "Trainable" in (folders / "report" / "runs.md").read_text()

    assert main(["status", str(folders)]) == 0
    text = capsys.readouterr().out
    assert "3 runs: 2 failed, 1 done" in text and f"{name.format(UNLUCKY)}: ValueError: thirteen of them" in text
    assert main(["verify", "--results", str(folders)]) == 0
    metrics = folder / "metrics.json"
    metrics.write_text(metrics.read_text().replace("1.0", "0.9", 1))
    assert main(["verify", "--results", str(folders)]) == 1
    metrics.write_text(metrics.read_text().replace("0.9", "1.0", 1))

    monkeypatch.setattr(submitit, "LocalExecutor", None)
    capsys.readouterr()
    assert reproduce("--only", name.format(2)) == 0
    text = capsys.readouterr().out
    assert "1 runs, 1 of them finished already" in text and "finished" in text.splitlines()[2]


def test_a_dry_run_writes_nothing(folders, reproduce, capsys):
    assert reproduce("--dry-run", "--seeds", 2) == 0
    assert "8 runs in" in capsys.readouterr().out and not folders.exists()


def test_a_stopped_run_goes_on(job):
    stopped = with_run(job, max_minutes=1.0)
    assert stopped().state == "stopped" and not stopped.is_finished()
    assert main(["status", str(job.planned.run.folder.parent)]) == 0
    outcome = job()
    assert outcome.state == "done" and outcome.metrics["AP"] == 1.0 and job.is_finished()
    assert read_manifest(job.planned.run.folder)["images_seen"] == 20


def test_another_evaluation_set_is_evaluated_without_training(job):
    job()
    other = replace(job, planned=replace(job.planned, evaluation_images=3))
    assert not other.is_finished()
    job.planned.run.weights.write_text("as trained")
    assert other().metrics["AP"] == 1.0 and other.is_finished()
    assert job.planned.run.weights.read_text() == "as trained"


def test_a_run_evaluated_on_another_data_set_is_evaluated_again(job):
    job()
    folder = job.planned.run.folder
    manifest = read_manifest(folder)
    manifest["dataset"] = {"content_hash": "of photographs", "images": 2, "seed": None, "parameters": None}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert not job.is_finished()
    assert job().state == "done" and job.is_finished()


def test_two_processes_do_not_work_on_the_same_run(job):
    folder = job.planned.run.folder
    with held_by_another_process(folder):
        assert is_held(folder) and job().state == "elsewhere"
    assert not is_held(folder) and job().state == "done"


def test_a_local_job_sees_the_gpus_it_is_given(job, monkeypatch):
    """submitit empties ``CUDA_VISIBLE_DEVICES`` for local jobs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5")
    assert _visible_gpus() == ["2", "3", "5"]
    assert _shares_of_gpus(replace(job, device="cuda"), 4) == [("2",), ("3",), ("5",), ("2",)]
    assert _shares_of_gpus(replace(job, device="cuda", processes=2), 2) == [("2", "3"), ("2", "3")]
    assert _shares_of_gpus(job, 2) == [None, None]
    asked = []
    monkeypatch.setattr("benchmark.studies.job.find_device", lambda device: asked.append(device) or "cuda")
    assert replace(job, device="cuda", gpus=("3",))().state == "done"
    assert asked == ["cuda"] and os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_runs_of_another_budget_are_refused(folders, job, capsys, reproduce):
    job()
    assert reproduce("--set", "training.learning_rate=0.5") == 2
    assert f"{job.planned.name}/manifest.json" in capsys.readouterr().err
    assert len(list(folders.glob("*/manifest.json"))) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--gpus-per-run", 2], "GPUs per run: found 2, expected at most the 0 GPUs"),
        (["--slurm", "partition=gpu"], "without a Slurm cluster"),
        (["--cluster", "slurm"], "no srun"),
        (["--preset", "huge"], "small"),
    ],
)
def test_bad_options_are_one_line(folders, capsys, options, named, monkeypatch, reproduce):
    monkeypatch.setenv("PATH", "")
    assert reproduce(*options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and named in line and not (folders / "jobs").exists()


def test_the_first_process_that_fails_is_named(job, tmp_path, monkeypatch):
    said = {"message": {"message": "ValueError: thirteen", "extraInfo": {"timestamp": "1"}}}
    (tmp_path / "error.json").write_text(json.dumps(said))
    failure = ProcessFailure(local_rank=1, pid=7, exitcode=1, error_file=str(tmp_path / "error.json"))

    def launch(config, train):
        raise ChildFailedError("_train", {1: failure})

    monkeypatch.setattr("torch.distributed.launcher.api.elastic_launch", launch)
    with pytest.raises(RuntimeError, match="^process 1 of 2: ValueError: thirteen$"):
        _train_together(job.planned.run, replace(job, processes=2))


@pytest.mark.slow
def test_several_processes_train_a_run_together(job):
    """As on the GPUs of one machine: the smoke preset of a real model, eight images."""
    from benchmark.models.presets import with_images
    from benchmark.models.registry import find_adapter

    preset = with_images(find_adapter("layered-embedding").presets["smoke"], 8)
    run = with_run(job, model="layered-embedding", preset_name="smoke", preset=preset,
                   source=SceneParameters((2, 2, 2))).planned.run  # fmt: skip
    started = time.monotonic()
    assert _train_together(run, replace(job, processes=2))
    print(f"{time.monotonic() - started:.0f} s")
    assert run.weights.exists() and read_manifest(run.folder)["finished"]
