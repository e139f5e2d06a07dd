"""Numbers that somebody typed into the pages are those that can be measured here."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOLERANCE = 0.1


def stated(page, pattern):
    """The numbers in `page` where the words are those of `pattern`, which has a group for each."""
    (found,) = re.findall(pattern, (ROOT / page).read_text())
    return [float(number) for number in (found if isinstance(found, tuple) else (found,))]


def git(*arguments, **options):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, **options).stdout


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no clone: git cannot say what one weighs")
def test_what_a_clone_weighs():
    """Packed as git packs it, it is downloaded; packed and unpacked, it lies on the disk."""
    objects = {line.split()[2] for line in git("ls-tree", "-r", "HEAD").splitlines()}
    sizes = git("cat-file", "--batch-check=%(objectsize) %(objectsize:disk)", input="\n".join(objects))
    unpacked, packed = (sum(map(int, column)) / 1e6 for column in zip(*map(str.split, sizes.splitlines()), strict=True))
    download, disk = stated("README.md", r"some (\d+) MB of download and (\d+) MB of disk")
    assert [download, disk] == pytest.approx([packed, packed + unpacked], rel=TOLERANCE)


def test_how_long_a_run_of_the_short_tier_takes():
    manifest = ROOT / "results" / "released" / "layered-embedding-compact-n6-l3-short" / "manifest.json"
    minutes = json.loads(manifest.read_text())["wall_time_seconds"]["training"] / 60
    assert stated("docs/training.md", r"A run of the short tier takes (\d+) minutes") == pytest.approx(
        [minutes], rel=TOLERANCE
    )
