"""What a study is expected to cost, from runs that were measured."""

import json

from benchmark.cli import paths
from benchmark.runs.hardware import hardware
from benchmark.studies.job import Job
from benchmark.studies.plan import expect, longest, measurements, plan_text
from benchmark.studies.study import Choices, read_study, study_runs
from tests.benchmark.studies.trainable import Trainable


def add_run(folder, *, n, seconds, precision="fp32", **machine):
    """A run of 1,000 images that took so many seconds, and 20 for each of 100 evaluation images."""
    manifest = {
        "model": f"{Trainable.__module__}:Trainable", "preset": "small", "hyperparameters": {}, "layers": 2, "seed": 0,
        "scenes": {"counts": [0, 0, n], "label": str(n)}, "images_seen": 1000, "precision": precision,
        "hardware": {**hardware(), **machine}, "wall_time_seconds": {"training": seconds, "prediction": 2000},
        "dataset": {"images": 100},
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "weights").write_bytes(bytes(10_000))


def test_hours_come_from_the_likest_run_on_like_hardware(tmp_path, folders):
    released = paths.RESULTS / "released"
    add_run(released / "a", n=3, seconds=100)
    add_run(released / "b", n=9, seconds=500)
    add_run(released / "of-another-processor", n=2, seconds=1, cpu="Abacus 1")
    add_run(released / "of-another-precision", n=2, seconds=1, precision="bf16")
    study = read_study("widths", paths.RESULTS / "paper" / "studies")
    runs = study_runs(study, folders, Choices(images=3600, evaluation_images=2))
    jobs = [Job(run, paths.DATA, "cpu") for run in runs]
    expected = expect(jobs, measurements(released), here=True)
    assert {entry.source.folder.name for entry in expected} == {"a"}
    assert {entry.seconds for entry in expected} == {3600 / 10 + 2 * 20} and longest(expected) == 400
    text = plan_text(study, folders, expected, here=True)
    assert "14,400 images to train on; 0.4 hours, one run after another" in text and str(released / "a") in text
    assert "> 10 kB" in text and "checkpoints of 4 runs" in text
    # on a cluster nobody knows the hardware, but what ran there
    assert longest(expect(jobs, measurements(released), here=False)) is None
    text = plan_text(study, folders, expect(jobs, measurements(released), here=False), here=False)
    assert f"~ measured in fp32 on {hardware()['cpu']}, {hardware()['cores']} cores: 0.2 hours there" in text
    assert "~10.0" in text and "~ measured in bf16 on" in text  # three rectangles, and two
    add_run(folders / "there", n=2, seconds=1000, cpu="of the cluster")
    assert longest(expect(jobs, measurements(folders), here=False)) == 3640
