"""Folders of a study, and the command that runs it."""

import pytest
import submitit

from benchmark.cli import main
from benchmark.report import write
from benchmark.report.formats import to_markdown
from benchmark.studies import runner
from datasets.files import write_atomically
from tests.benchmark.studies.trainable import STUDY


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch, own_folders):
    """Results, data and runs of a test; the folder of its runs is returned."""
    (tmp_path / "results" / "paper" / "studies").mkdir(parents=True)
    (tmp_path / "results" / "paper" / "studies" / "widths.toml").write_text(STUDY)
    monkeypatch.setattr(runner, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(submitit.Job, "_results_timeout_s", 0)  # how long to wait for the result of a dead job
    return tmp_path / "runs" / "widths-tiny"


@pytest.fixture
def reproduce(monkeypatch):
    """The command on the study of this file, on the CPU, with twenty images to train on and two to evaluate on; of its
    report only the tables are made, which is quick."""
    monkeypatch.setattr(write, "write_sections", write_runs)

    def command(*options):
        small = ["--device", "cpu", "--evaluation-images", "2", "--images", "20"]
        return main(["reproduce", "widths", *small, *map(str, options)])

    return command


def write_runs(inputs, out):
    """The table of all runs and variants."""
    write_atomically(
        out / "runs.md", lambda path: path.write_text(to_markdown(write.build_tables(inputs.results)["runs"]))
    )
