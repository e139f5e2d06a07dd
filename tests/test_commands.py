"""Every command of README and guides runs, in the order in which a reader comes to it, with budgets of a few images."""

import re
from importlib.util import find_spec

import pytest

from benchmark import cli
from benchmark.cli import main, make_parser
from tests.pages import ROOT, blocks, broken_links, commands, pages

GUIDES = ("README.md", "docs/data.md", "docs/training.md", "docs/experiments.md", "docs/reproduce.md")
SMALL = {
    "--images": "8", "--evaluation-images": "2", "--preset": "smoke", "--tier": "smoke", "--seeds": "1",
    "--device": "cpu", "--instances-per-class": "2", "--parallel": "1", "--only": "*-n2-*",
}  # fmt: skip
SMALL_FOLDERS = {"runs/table1-short": "runs/table1-smoke"}
"""Where the runs of a tier lie."""
RELEASED = "results/released/layered-embedding-compact-n6-l3-short"


def with_small_budgets(arguments):
    """The command with a few images in place of thousands, and the smallest preset."""
    if arguments[:1] == ["predict"] and "--images" in arguments:
        return arguments  # pictures, not a budget
    small = SMALL | ({"--images": "2"} if arguments[:1] == ["export"] else {})
    words = [SMALL_FOLDERS.get(word, word) for word in arguments]
    found = [small.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    if arguments[:1] in (["train"], ["reproduce"]) and "--evaluation-dataset" not in arguments:
        found += ["--evaluation-images", "2"]
    if arguments[:1] in (["train"], ["reproduce"]) and "--images" not in arguments:
        found += ["--images", "8"]
    if arguments[:1] == ["train"] and "--resume" not in arguments:
        found += ["--overwrite"]  # what differs in preset or N has one folder here
    return found + (["--dry-run"] if "slurm" in arguments and "--dry-run" not in arguments else [])


@pytest.mark.parametrize("guide", [*GUIDES, "CONTRIBUTING.md", "baselines/README.md", "docs/protocol.md"])
def test_every_command_exists(guide):
    found = commands(guide) or [["--help"]]
    for arguments in found:
        if arguments != ["--help"]:
            make_parser().parse_known_args(arguments)
    assert guide == "CONTRIBUTING.md" or len(found) > 1


def test_no_page_is_forgotten():
    """Each page with a block of commands is run here or by a test of its own, and each module that one names exists."""
    own = {"baselines/README.md", "docs/use-with.md"}  # tests/baselines/test_guide.py and tests/test_docs.py
    assert {page for page in pages() if commands(page)} == {*GUIDES, "docs/protocol.md"} | own
    modules = {name for page in pages() for name in re.findall(r"python -m ([\w.]+)", (ROOT / page).read_text())}
    assert "baselines.proposal_recall" in modules and all(map(find_spec, modules))


@pytest.mark.parametrize("page", pages())
def test_links_exist(page):
    assert broken_links(page) == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with what the guides take for granted: a released run, and files of one's own."""
    for name in ("DATA", "RUNS"):
        monkeypatch.setattr(cli.paths, name, tmp_path / name.lower())
    (tmp_path / "results" / "released").mkdir(parents=True)
    (tmp_path / RELEASED).symlink_to(ROOT / RELEASED)
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--instances-per-class", "2", "--images", "2", "--out", "own"]) == 0
    own = ["--from", "benchmark", "--to", "kins", "--annotations", "own/annotations_64.json"]
    assert main(["convert", *own, "--out", "update_test_2020.json"]) == 0
    (tmp_path / "kins_predictions.json").write_text("[]")
    (tmp_path / "picture.jpg").write_bytes((tmp_path / "own/images/000001.png").read_bytes())
    (tmp_path / "folder").symlink_to(tmp_path / "own" / "images")
    for example in blocks((ROOT / "README.md").read_text(), "python"):
        if "(Adapter)" in example:
            (tmp_path / "my_module.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


TRAINING = ("train", "reproduce", "status", "verify", "report")


def run(guide, *, trained):
    """Run the guide's commands in order. trained: also those that train, and those on what was trained."""
    for arguments in commands(guide):
        needs_training = arguments[:1] in [[name] for name in TRAINING] or any("runs/" in word for word in arguments)
        if arguments and (trained or not needs_training) and arguments != ["models"]:
            assert main(with_small_budgets(arguments)) == 0, arguments


@pytest.mark.parametrize("guide", ["README.md", "docs/data.md", "docs/training.md"])
def test_commands_run(guide, folder, capsys):
    run(guide, trained=False)
    for example in blocks((ROOT / guide).read_text(), "python"):
        if "(Adapter)" not in example:
            exec(example, {})
            assert float(capsys.readouterr().out.split()[-2]) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("guide", GUIDES)
def test_long_commands_run(guide, folder):
    base = ["train", "layered-embedding", "--preset", "compact", "--instances-per-class", "6", "--out", "RUN"]
    assert main(with_small_budgets(base)) == 0
    run(guide, trained=True)
