"""What sbatch is told: checked first, then handed to stand-ins for the cluster."""

import os
import stat
import sys

import pytest
from submitit.slurm.slurm import _get_default_parameters

from benchmark.cli import paths
from benchmark.runs.manifest import read_manifest
from benchmark.studies.slurm import FIXED, PARAMETERS, default_parameters, minutes, slurm_parameters, with_defaults
from benchmark.studies.study import Choices, read_study, study_runs
from datasets.errors import InputError
from tests.benchmark.studies.trainable import PREEMPTED, STUDY

SBATCH = """#!/bin/sh
here=$(dirname "$0")
cp "$1" "$here/submitted"
tasks=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
for task in $(seq 0 "${tasks:-0}"); do
    (
    export SLURM_JOB_ID=7$task SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=1 SLURM_JOB_NODELIST=here SLURM_NODEID=0 \\
        SLURM_PROCID=0 SLURM_LOCALID=0
    [ -z "$tasks" ] && export SLURM_JOB_ID=7 || export SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task
    sh "$1"
    while [ -e "$here/requeued-$SLURM_JOB_ID" ] || [ -e "$here/requeued-7_$task" ]; do
        rm -f "$here/requeued-$SLURM_JOB_ID" "$here/requeued-7_$task"
        sh "$1"
    done
    ) > /dev/null 2>&1 &
done
echo "Submitted batch job 7"
"""
"""Starts the tasks of an array, or one job, and starts again what `scontrol` requeued once it has ended."""

SRUN = """#!/bin/sh
while [ "$1" != "$PYTHON" ]; do shift; done
"$@"
"""

SCONTROL = """#!/bin/sh
echo "$@" >> "$(dirname "$0")/scontrol-calls"
[ "$1" = requeue ] && touch "$(dirname "$0")/requeued-$2"
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    folder = tmp_path / "cluster"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("scontrol", SCONTROL), ("sacct", "#!/bin/sh\n")):
        (folder / name).write_text(text)
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", sys.executable)
    return folder


@pytest.mark.slow
def test_an_array_in_which_a_pre_empted_run_is_queued_again_and_goes_on(folders, cluster, reproduce, capsys):
    study = paths.RESULTS / "paper" / "studies" / "widths.toml"
    study.write_text(STUDY.replace("[1, 2]", f"[1, {PREEMPTED}]").replace("[2, 3]", "[2]"))
    options = ["--slurm", "partition=night", "--slurm", "time=10:00:00", "--parallel", 5]
    assert reproduce("--cluster", "slurm", *options) == 0
    flags = [line.removeprefix("#SBATCH --") for line in (cluster / "submitted").read_text().splitlines()]
    for flag in ("array=0-1%2", "partition=night", "time=600", "cpus-per-task=2", "mem-per-cpu=4G",
                 "job-name=widths-tiny"):  # fmt: skip
        assert flag in flags
    assert not any("gpus" in flag for flag in flags)
    assert (cluster / "scontrol-calls").read_text() == "requeue 7_1\n"
    for folder in folders.glob("*/metrics.json"):
        assert read_manifest(folder.parent)["images_seen"] == 20
    assert len(list(folders.glob("*/metrics.json"))) == 2
    assert "submitted to Slurm as job 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("partition", "NAME=VALUE"),
        ("colour=red", "colour: not known"),
        ("time=ten hours", "time: found ten hours"),
        ("time=0", "time: found 0"),
        ("cpus_per_task=four", "cpus_per_task: found four"),
        ("gpus_per_node=a100:none", "gpus_per_node"),
        ("mem=lots", "mem: found lots, expected an amount such as 16G"),
        ("nodes=2", "nodes: a run stays on one node"),
        ("array_parallelism=3", "array_parallelism"),
        ("signal_delay_s=-5", "signal_delay_s"),
        ("exclusive=maybe", "exclusive"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_is_submitted(folders, cluster, reproduce, capsys, setting, fault):
    assert reproduce("--cluster", "slurm", "--slurm", setting) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert fault in line and not folders.exists() and not (cluster / "submitted").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("10:00:00", 600), ("1-12", 2160), ("2-00:30", 2910), ("1-0:0:30", 1441), ("5:30", 6),
     ("1:2:3:4", None), ("-5", None), ("1h", None), ("", None), ("0:00", None)],
)  # fmt: skip
def test_time_limits(text, expected):
    assert minutes(text) == expected


def test_values_have_the_types_that_submitit_computes_with():
    assert slurm_parameters(["--cpus-per-task=4", "gpus_per_node=a100:2", "mem=32G", "exclusive=true"]) == {
        "cpus_per_task": 4, "gpus_per_node": "a100:2", "mem": "32G", "exclusive": True,
    }  # fmt: skip
    assert {*PARAMETERS, *FIXED} <= set(_get_default_parameters())
    with pytest.raises(InputError, match="expected one of time, cpus_per_task"):
        slurm_parameters(["reservation=mine"])


def test_resources_default_to_what_the_preset_needs(tmp_path):
    runs = study_runs(read_study("widths", paths.RESULTS / "paper" / "studies"), tmp_path,
                      Choices(settings=("training.workers=3",)))  # fmt: skip
    found = default_parameters(runs, "cuda", 2, 7200.0)
    assert found == {"time": 240, "cpus_per_task": 8, "mem_per_cpu": "4G", "gpus_per_node": 2}
    assert default_parameters(runs, "cpu", 1, None)["time"] == 1440
    asked = {"mem": "64G", "gres": "gpu:a100:2"}
    assert with_defaults(asked, found) == {"time": 240, "cpus_per_task": 8, **asked}
