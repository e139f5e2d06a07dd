"""The README's first screen follows the results."""

import pytest

from benchmark.report.readme import BEGIN, END, first_screen, readme_is_current, update_readme
from benchmark.report.sections.section import Inputs
from datasets.errors import InputError
from tests.benchmark.report.comparisons import add_compared_runs


def test_the_answer_comes_first_then_a_table_a_plot_and_links(results):
    compared = add_compared_runs(results)
    (results.folder / "report").mkdir()
    (results.folder / "report" / "table1.md").write_text("a table that the report wrote")
    block = first_screen(Inputs.read(compared))
    order = [
        "- Read as the paper reads them (Mask R-CNN keeps scores above 0.7), in AP: pixel",
        "- Each read at its best",
        "| N | Model | AP, paper / best | AP50, paper / best | AR heavy, paper / best | difference, paper |",
        "| 6 | layered-embedding, L = 2 (compact) | 0.5000 / 0.5000 | – / – | – / – | +0.0500 [+0.030, +0.070] |",
        "|  | brand-new (compact) | 0.5000 / 0.5000 | – / – | – / – | −0.1500",
        "|  | detectron2-mask-rcnn (compact) | 0.4500 / 0.4500 | – / – | – / – |  |  |",
        "100,000 training images each",
        "](results/report/recall-by-occlusion.svg)",
        "](results/report/table1.md)",
    ]
    places = [block.index(text) for text in order]
    assert places == sorted(places)


def test_the_block_follows_the_results(results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Head\n\n{BEGIN}\nold\n{END}\n\ntail\n")
    assert not readme_is_current(readme, Inputs.read(results.folder))
    assert update_readme(readme, Inputs.read(results.folder))
    text = readme.read_text()
    assert text.startswith("# Head\n") and text.endswith(f"{END}\n\ntail\n")
    assert "No two models were compared yet." in text and "\nold\n" not in text
    assert readme_is_current(readme, Inputs.read(results.folder)) and not update_readme(
        readme, Inputs.read(results.folder)
    )
    add_compared_runs(results)
    assert not readme_is_current(readme, Inputs.read(results.folder))


@pytest.mark.parametrize("text", ["no marks", f"{END}\n{BEGIN}", BEGIN])
def test_a_readme_without_marks_is_refused_and_kept(results, tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(InputError, match="README.md"):
        update_readme(readme, Inputs.read(results.folder))
    assert readme.read_text() == text
