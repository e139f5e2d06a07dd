"""The README's numbers are the results', it is short, and its example works."""

from pathlib import Path

from benchmark.conformance import check_adapter
from benchmark.report.readme import BEGIN, readme_is_current
from benchmark.report.sections.section import Inputs
from tests.pages import blocks

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def test_numbers_are_generated_from_the_results():
    assert readme_is_current(README, Inputs.read(ROOT / "results"))


def test_example_adapter_conforms(tmp_path, monkeypatch):
    example = blocks(README.read_text(), "python")[0]
    (tmp_path / "readme_example.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    assert check_adapter("readme_example:WholeImage") == []


def test_it_is_short_and_the_answer_comes_first():
    lines = README.read_text().splitlines()
    assert len(lines) <= 160
    assert lines.index(BEGIN) < 12
