"""Models, presets and runs are called whatever people like: no format takes their names for its own signs."""

import shutil
import subprocess

import pytest

from benchmark.report.escape import latex, markdown, one_line, plot
from benchmark.report.formats import to_latex
from benchmark.report.sections.section import Inputs
from benchmark.report.write import build_tables, write_report

HOSTILE = "a$x_1$ <b>|c\\d & 50% {e}~^#_ *f*"


@pytest.fixture
def hostile(results):
    for n in (6, 12):
        results.add_run(f"{HOSTILE}\n{n}", HOSTILE, {"nms-0.5": 0.5, "a$b_&%{": 0.4}, n=n, preset=HOSTILE)
    results.add_run("e", "layered-embedding", {"default": 0.5}, preset="$\\frac{")
    results.add_run("d", "detectron2-mask-rcnn", {"nms-0.5": 0.5, "nms-0.7": 0.6}, preset="_$")
    return results


def test_every_format_is_written(hostile, tmp_path):
    names = {path.name: path for path in write_report(hostile.folder, tmp_path / "report")}
    page = names["index.html"].read_text()
    assert "<b>|c" not in page and "a$x_1$ &lt;b&gt;|c\\d" in page
    lines = [line for line in names["table1.md"].read_text().splitlines() if line.startswith("|")]
    cells = {len(line.replace("\\|", "").split("|")) for line in lines}
    assert len(cells) <= 2 and any("a\\$x\\_1" in line or "a\\$x_1" in line for line in lines)
    assert all("\n" not in line for line in lines)


def test_escapes():
    assert markdown("a|b_c<d_") == r"a\|b_c\<d\_"
    assert latex("50% & \\ $") == r"50\% \& \textbackslash{} \$"
    assert plot("_hidden\n") == " _hidden " and one_line("\ud800a\x1b[0m") == "\ufffda [0m"


def test_labels_are_no_formulas(hostile):
    inputs = Inputs.read(hostile.folder)
    from benchmark.report.plots import to_svg
    from benchmark.report.sections import table1

    (drawn,) = table1.plots(inputs)
    assert "frac" in "".join(text.get_text() for text in drawn.figure.legends[0].texts) and to_svg(drawn.figure, "x")


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex on the PATH")
def test_latex_compiles(hostile, tmp_path):
    body = "\n".join(to_latex(tables) for tables in build_tables(hostile.folder).values())
    head = r"\documentclass[10pt,a3paper,landscape]{article}\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs}"
    (tmp_path / "all.tex").write_text(rf"{head}\begin{{document}}{body}\end{{document}}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
