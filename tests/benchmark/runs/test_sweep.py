"""The sweep: runs as jobs of submitit, resumed, skipped and reported."""

import os
import stat
import sys
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import submitit

from benchmark import cli
from benchmark.adapter import Adapter, Detections
from benchmark.cli import main
from benchmark.engine.settings import TrainingSettings
from benchmark.paper.figure3 import figure3_runs, read_figure3
from benchmark.runs.make import read_metrics
from benchmark.runs.manifest import read_manifest
from benchmark.runs.sweep import Job, _visible_gpus
from datasets.errors import InputError
from tests.robustness.holder import held_by_another_process

UNLUCKY, DEADLY = 13, 14

FIGURE = f"""
model = "{__name__}:Trainable"
setting = "width"
channels = [1, 2]
classes = ["rectangle"]
instances_per_class = [2, 3]
"""


@dataclass(frozen=True)
class Preset:
    width: int = 3
    training: TrainingSettings = field(default_factory=lambda: TrainingSettings(images=20))


class Trainable(Adapter):
    """Counts images, five in a sitting with a time limit; "predicts" the annotated masks."""

    presets = {"tiny": Preset()}
    variants = ("default", "other")

    def train(self, run):
        if run.preset.width == UNLUCKY:
            raise ValueError("thirteen\nof them")
        if run.preset.width == DEADLY:
            os._exit(9)
        (run.folder / "threads").write_text(os.environ.get("OMP_NUM_THREADS", "none"))
        seen = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
        seen = seen + 5 if run.max_minutes is not None else run.preset.training.images
        run.checkpoint.write_text(str(seen))
        run.training_log.write_text(f"images,seconds\n{seen},{seen / 10}\n")
        run.weights.write_text("weights")
        return seen >= run.preset.training.images

    def predict(self, dataset, run, variants):
        for image_id in dataset.image_ids:
            masks = dataset.masks(image_id)
            ones = np.ones(len(masks), int)
            yield image_id, {name: Detections(masks, 1.0 * ones, ones) for name in variants}


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    for name in ("RESULTS", "DATA"):
        monkeypatch.setattr(cli.paths, name, tmp_path / name.lower())
    (tmp_path / "results" / "paper").mkdir(parents=True)
    (tmp_path / "results" / "paper" / "figure3.toml").write_text(FIGURE)
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 0)  # how long to wait for the result of a dead job
    return tmp_path / "results" / "figure3"


def sweep(*options):
    return main(["sweep", "--preset", "tiny", "--device", "cpu", "--evaluation-images", "2", *map(str, options)])


def jobs(out, *, channels=(1,), preset="tiny", images=None, max_minutes=None, figure=None):
    figure = figure or read_figure3(cli.paths.RESULTS / "paper")
    runs = figure3_runs(figure, out, preset, channels=channels, instances=[2], images=images, layers=2,
                        max_minutes=max_minutes)  # fmt: skip
    return [Job(run, cli.paths.DATA, 2, "cpu", None) for run in runs]


def test_runs_become_folders_failures_are_told_and_nothing_is_done_twice(folders, capsys, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(sys, "argv", ["run_benchmark.py", "sweep", "--parallel", "3"])
    channels = f"{UNLUCKY},{DEADLY},2"
    assert sweep("--parallel", 3, "--channels", channels, "--instances", 3) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("3 runs, 0 of them finished already")
    assert any("] c2-n3: AP 1.0000, AR100 1.0000" in line for line in lines)
    failures = {line.split(": ")[1]: line for line in lines if line.startswith("failed: ")}
    assert set(failures) == {f"c{UNLUCKY}-n3", f"c{DEADLY}-n3"}
    assert failures[f"c{UNLUCKY}-n3"].endswith("ValueError: thirteen of them")
    assert ".err" in failures[f"c{DEADLY}-n3"]

    folder = folders / "c2-n3"
    manifest = read_manifest(folder)
    assert manifest["finished"] and manifest["images_seen"] == 20 and manifest["hyperparameters"]["width"] == 2
    assert manifest["scenes"]["counts"] == [0, 0, 3] and manifest["dataset"]["images"] == 2
    assert manifest["command"] == "run_benchmark.py sweep --parallel 3"
    assert list(read_metrics(folder)) == ["default"]
    assert (folder / "predictions.default.json.gz").exists()
    assert (folder / "threads").read_text() == str(max(1, len(os.sched_getaffinity(0)) // 3))

    monkeypatch.setattr(submitit, "LocalExecutor", None)
    assert sweep("--channels", 2, "--instances", 3) == 0
    assert "1 runs, 1 of them finished already" in capsys.readouterr().out


def test_a_stopped_run_goes_on(folders):
    (stopped,) = jobs(folders, max_minutes=1.0)
    outcome = stopped()
    assert outcome.error is None and outcome.metrics is None and not stopped.is_finished()
    (rest,) = jobs(folders)
    assert rest().metrics["AP"] == 1.0 and rest.is_finished()
    assert read_manifest(rest.run.folder)["images_seen"] == 20


def test_another_evaluation_set_is_evaluated_without_training(folders):
    (job,) = jobs(folders)
    job()
    other = replace(job, evaluation_images=3)
    assert not other.is_finished()
    job.run.weights.write_text("as trained")
    assert other().metrics["AP"] == 1.0 and other.is_finished()
    assert job.run.weights.read_text() == "as trained"


def test_two_sweeps_do_not_work_on_the_same_run(folders):
    (job,) = jobs(folders)
    with held_by_another_process(job.run.folder):
        assert "works on it" in job().error
    assert job().error is None


def test_a_local_job_sees_the_gpu_it_is_given(folders, monkeypatch):
    """submitit empties ``CUDA_VISIBLE_DEVICES`` for local jobs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert _visible_gpus() == ["2", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    asked = []
    monkeypatch.setattr("benchmark.runs.sweep.find_device", lambda device: asked.append(device) or "cuda")
    job = replace(jobs(folders)[0], device="cuda", gpu="3")
    assert job().error is None and asked == ["cuda"] and os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_runs_of_another_budget_are_refused(folders, capsys):
    jobs(folders)[0]()
    assert sweep("--images", 30) == 2
    assert "c1-n2/manifest.json" in capsys.readouterr().err
    assert not (folders / "c2-n2").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--channels", "1,x"], "--channels: found 1,x"),
        (["--instances", "0"], "--instances: found 0"),
        (["--instances", "900"], "scene counts"),
        (["--preset", "huge"], "tiny"),
        (["--parallel", 0], "--parallel: found 0"),
        (["--layers", 0], "--layers: found 0"),
        (["--images", 0], "--images: found 0"),
        (["--evaluation-images", 0], "--images: found 0"),
        (["--slurm", "partition=gpu"], "--cluster slurm"),
        (["--slurm", "partition"], "NAME=VALUE"),
        (["--cluster", "slurm"], "no srun"),
    ],
)
def test_bad_options_are_one_line(folders, capsys, options, named, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert sweep(*options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and named in line


def test_a_damaged_description_of_the_figure(folders, capsys):
    (cli.paths.RESULTS / "paper" / "figure3.toml").write_text("model = 3")
    assert sweep() == 2
    assert "figure3.toml" in capsys.readouterr().err
    with pytest.raises(InputError, match="not found"):
        read_figure3(folders)


SBATCH = """#!/bin/sh
grep '^#SBATCH' "$1" > "$(dirname "$0")/flags"
for task in 0 1; do
    SLURM_JOB_ID=7$task SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 \\
    SLURM_JOB_NODELIST=here SLURM_NODEID=0 SLURM_PROCID=0 SLURM_LOCALID=0 sh "$1" > /dev/null 2>&1 &
done
echo "Submitted batch job 7"
"""
SRUN = """#!/bin/sh
while [ "$1" != "$PYTHON" ]; do shift; done
"$@"
"""


def test_slurm_gets_a_job_array(folders, capsys, tmp_path, monkeypatch):
    """A stand-in for the cluster: `sbatch` starts the tasks, `srun` drops its own options, `sacct` is not there."""
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", "#!/bin/sh\n")):
        (cluster / name).write_text(text)
        (cluster / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{cluster}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", sys.executable)
    options = ["--slurm", "partition=night", "--slurm", "time=90", "--parallel", 5, "--instances", 2]
    assert sweep("--cluster", "slurm", *options) == 0
    flags = (cluster / "flags").read_text()
    assert "--array=0-1%2" in flags and "--partition=night" in flags and "--time=90" in flags
    assert (folders / "c1-n2" / "metrics.json").exists() and (folders / "c2-n2" / "metrics.json").exists()
    assert sweep("--cluster", "slurm", "--slurm", "colour=red", "--channels", 5) == 2
    assert "colour" in capsys.readouterr().err


def test_the_paper_s_figure(tmp_path, monkeypatch):
    """The real description, with the smoke preset: two dimensions, eight images, three to evaluate on."""
    figure = read_figure3(cli.paths.ROOT / "results" / "paper")
    assert figure.channels == (1, 2, 3, 4, 5, 6) and figure.instances_per_class == (6, 12, 18, 24, 30)
    for channels, job in zip(
        (1, 6), jobs(tmp_path, channels=(1, 6), preset="smoke", images=8, figure=figure), strict=True
    ):
        outcome = job()
        assert outcome.error is None and set(outcome.metrics) >= {"AP", "AR100"}
        assert read_manifest(job.run.folder)["hyperparameters"]["network"]["embedding_channels"] == channels
    with pytest.raises(InputError, match="embedding_channels=99: found 99, expected a whole number from 1 to 16"):
        jobs(tmp_path, channels=(99,), preset="smoke", figure=figure)


def test_further_hyperparameters(tmp_path, capsys):
    runs = figure3_runs(read_figure3(cli.paths.RESULTS / "paper"), tmp_path, "tiny", channels=[1], instances=[2],
                        images=None, layers=2, max_minutes=None, settings=["training.learning_rate=0.5"])  # fmt: skip
    assert [(run.preset.width, run.preset.training.learning_rate) for run in runs] == [(1, 0.5)]
    assert sweep("--set", "training.height=3") == 2
    assert "training.height" in capsys.readouterr().err
