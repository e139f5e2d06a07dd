"""What the first command prints."""

from benchmark.report.sections.section import Inputs
from benchmark.report.terminal import answer
from tests.benchmark.report.comparisons import add_compared_runs


def test_the_verdict_and_both_tables_with_the_papers_numbers(results):
    add_compared_runs(results)
    lines = answer(Inputs.read(results.folder), 100).splitlines()
    assert "minus" in lines[0] or "against" in lines[0] or "better" in " ".join(lines[:6])
    assert any(line.startswith("Table 1") for line in lines) and any(line.startswith("Table 2") for line in lines)
    row = next(place for place, line in enumerate(lines) if "Layered embedding" in line and "0." in line)
    assert lines[row + 1].split() == [
        "the",
        "paper",
        "0.7673",
        "0.9091",
        "0.7800",
        "0.7933",
        "0.9983",
        "0.9637",
        "0.6190",
    ]
    assert len(lines[row]) == len(lines[row + 1]) <= 120 and "not run yet" in "\n".join(lines)
