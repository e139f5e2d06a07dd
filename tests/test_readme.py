"""The README's numbers are the results', and its example works."""

import re
from pathlib import Path

from benchmark.conformance import check_adapter
from benchmark.report.readme import readme_is_current

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def test_tables_are_generated_from_the_results():
    assert readme_is_current(README, ROOT / "results")


def test_example_adapter_conforms(tmp_path, monkeypatch):
    example = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL).group(1)
    (tmp_path / "readme_example.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    assert check_adapter("readme_example:WholeImage") == []


def test_links_exist():
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text()):
        assert (ROOT / target).exists(), target
