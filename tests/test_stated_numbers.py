"""Numbers that somebody typed into the pages are those that can be measured here."""

import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOLERANCE = 0.1


def stated(page, pattern):
    """The numbers in `page` where the words are those of `pattern`, which has a group for each."""
    (found,) = re.findall(pattern, (ROOT / page).read_text())
    return [float(number) for number in (found if isinstance(found, tuple) else (found,))]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone: git cannot say which files are in one")
def test_what_a_clone_weighs():
    """Compressed as git does, it is downloaded; compressed and as it is, it lies on the disk."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [path for path in (ROOT / name for name in listed.split("\0")) if path.is_file()]
    unpacked = sum(path.stat().st_size for path in files) / 1e6
    dense = (".gz", ".safetensors", ".pdf")  # nothing makes these smaller
    packed = (
        sum(path.stat().st_size if path.suffix in dense else len(zlib.compress(path.read_bytes(), 1)) for path in files)
        / 1e6
    )
    download, disk = stated("README.md", r"some (\d+) MB of download and (\d+) MB of disk")
    assert [download, disk] == pytest.approx([packed, packed + unpacked], rel=TOLERANCE)


@pytest.mark.skipif(
    sys.platform != "linux" or Path(sys.prefix) != ROOT / ".venv", reason="not the environment that `uv run` makes"
)
def test_what_the_environment_weighs():
    (gigabytes,) = stated("README.md", r"the environment about (\d+) GB")
    files = (path for path in Path(sys.prefix).rglob("*") if path.is_file() and not path.is_symlink())
    assert gigabytes == pytest.approx(sum(path.stat().st_size for path in files) / 1e9, rel=TOLERANCE)


def test_how_long_a_run_of_the_short_tier_takes():
    manifest = ROOT / "results" / "released" / "layered-embedding-compact-n6-l3-short" / "manifest.json"
    minutes = json.loads(manifest.read_text())["wall_time_seconds"]["training"] / 60
    assert stated("docs/training.md", r"A run of the short tier takes (\d+) minutes") == pytest.approx(
        [minutes], rel=TOLERANCE
    )
