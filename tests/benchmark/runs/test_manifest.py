import re
import subprocess

import pytest

from benchmark.runs import hardware
from benchmark.runs.manifest import tier


@pytest.mark.parametrize(
    ("preset", "budget", "name"),
    [
        (None, 0, "none"),
        ("smoke", 100_000, "smoke"),
        ("paper", 100_000, "full"),
        ("compact", 30_000, "short"),
        ("compact", 50_000, "50000 images"),
        ("external", 0, "unknown"),
    ],
)
def test_tier(preset, budget, name):
    assert tier(preset, budget) == name


def test_code_version_is_dirty_only_where_code_changed(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    monkeypatch.setattr(hardware, "__file__", str(tmp_path / "benchmark" / "runs" / "hardware.py"))
    for name in ("benchmark/runs/hardware.py", "results/metrics.json", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    assert hardware.code_version() == "unknown"
    git("init")
    git("add", ".")
    git("commit", "-m", "all")
    commit = hardware.code_version()
    assert re.fullmatch("[0-9a-f]{12}", commit)
    (tmp_path / "results" / "metrics.json").write_text("2")
    (tmp_path / "README.md").write_text("2")
    assert hardware.code_version() == commit
    (tmp_path / "benchmark" / "runs" / "hardware.py").write_text("2")
    assert hardware.code_version() == f"{commit}-dirty"
