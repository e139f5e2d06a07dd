"""The first command writes what is not up to date, and nothing else."""

import pytest

from benchmark import regenerate as module
from benchmark.regenerate import regenerate
from benchmark.report.readme import BEGIN, END
from benchmark.runs.folder import WEIGHTS
from tests.benchmark.report.comparisons import add_compared_runs


@pytest.fixture
def run_it(results, tmp_path, monkeypatch, capsys):
    """A function that runs the first command and returns what it says; the report is one file here."""
    monkeypatch.setattr(module, "EVALUATION_INSTANCES_PER_CLASS", ())
    monkeypatch.setattr(module, "write_sections", lambda inputs, out: (out / "index.html").write_text("page"))
    (results.folder / "report").mkdir()
    (tmp_path / "README.md").write_text(f"# Head\n\n{BEGIN}\n{END}\n")
    add_compared_runs(results)

    def run() -> str:
        regenerate(results.folder, tmp_path / "data", tmp_path / "README.md")
        return "".join(capsys.readouterr())

    return run


def test_it_ends_with_the_tables_and_says_what_it_did(run_it):
    said = run_it()
    assert "report: written" in said and "Table 1" in said and "Table 2" in said


def test_the_second_time_nothing_is_written(run_it, results):
    run_it()
    files = {path: path.stat().st_mtime_ns for path in results.folder.rglob("*") if path.is_file()}
    assert "report: unchanged" in run_it()
    assert files == {path: path.stat().st_mtime_ns for path in results.folder.rglob("*") if path.is_file()}


def test_the_report_follows_what_it_shows(run_it, results):
    run_it()
    folder = next((results.folder / "released").iterdir())
    (folder / WEIGHTS).write_text("not shown")
    assert "report: unchanged" in run_it()
    for changed in (results.folder / "report" / "index.html", folder / "pictures.npz", results.folder / "speed.md"):
        changed.write_text("changed")
        assert "report: written" in run_it()
