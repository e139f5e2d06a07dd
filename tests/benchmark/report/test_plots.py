"""Files of plots, as publishers want them."""

from benchmark.report import plots


def test_pdfs_hold_truetype_fonts(monkeypatch, fonts_of_plots):
    """Many publishers refuse fonts of Type 3."""
    monkeypatch.setitem(plots.STYLE, "pdf.fonttype", fonts_of_plots)
    figure = plots.axes_grid(["a title"], 1, "AP", lambda axis, place: axis.plot([1, 2], label="a model"))
    plots.place(figure)
    pdf = plots.to_pdf(figure)
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf
