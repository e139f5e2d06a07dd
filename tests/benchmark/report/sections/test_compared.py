"""Intervals, paired tests, errors and layers in the report, from files made by hand."""

import io
import json
import warnings

import pandas as pd
import pytest

from benchmark.report.formats import to_csv, to_latex, to_markdown
from benchmark.report.sections import errors, families, occlusion, progress, verdict
from benchmark.report.sections.section import Inputs
from benchmark.report.write import build_tables, write_report
from datasets.errors import InputError
from tests.benchmark.report.comparisons import KINDS, add_compared_runs, summary


@pytest.fixture
def compared(results):
    return add_compared_runs(results)


def test_intervals_stand_below_our_numbers(compared):
    tables = build_tables(compared)
    markdown = to_markdown(tables["table1"])
    assert "| 95 % interval | [0.490, 0.510] | [0.490, 0.510] |" in markdown
    assert r"95 \% interval & {}[0.490, 0.510]" in to_latex(tables["table1"])
    frame = pd.read_csv(io.StringIO(to_csv(tables["table1"])))
    row = frame[frame["run"] == "e2"].iloc[0]
    assert (row["AP_low"], row["AP_high"]) == (0.49, 0.51) and "AR_heavy_low" not in frame
    # a long list keeps one line per row
    assert "interval" not in to_markdown(tables["runs"])
    assert "AP_low" in to_csv(tables["runs"])


def test_paired_differences_carry_sign_interval_and_p(compared):
    tables = build_tables(compared)
    paper, best = tables["verdict"]
    assert "read as the paper reads them" in paper.title and "each read at its best" in best.title
    markdown = to_markdown([paper])
    assert "| difference | +0.0500 | – |" in markdown and "| 95 % interval | [+0.030, +0.070] |" in markdown
    assert "| p | ≤ 0.0002 |" in markdown and "| adjusted | 0.003 |" in markdown
    assert "| first | 0.5000 |" in markdown and "| second | 0.4500 ± 0.0100 |" in markdown
    assert "[−0.0004, +0.0200]" in markdown  # as many digits as it needs
    sentence = (
        "- N = 6, full: against detectron2-mask-rcnn (compact), nms-0.7, layered-embedding, L = 2 (compact) is better "
        "in AP and not told apart in AR100. By the hidden share of an instance, it finds: more from 0 to 0.5; fewer "
        "from 0.75 to 1.\n"
    )
    assert sentence in markdown
    assert "<sup>a, b</sup>" in markdown and "| difference | −0.0100 |" in to_markdown([best])
    assert [row.label for row in paper.rows] == [
        "layered-embedding, L = 2 (compact) minus detectron2-mask-rcnn (compact), nms-0.7, full, one run a side",
        "brand-new (compact) minus detectron2-mask-rcnn (compact), nms-0.7, full, one run a side",
    ]
    removed = "Not told apart, although p alone is below 0.05, because of Holm's adjustment: N = 6, full, "
    removed += "layered-embedding, L = 2 (compact) minus detectron2-mask-rcnn (compact), nms-0.7: AR100 (p 0.030, "
    assert f"{removed}adjusted 0.120); N = 6, full, brand-new" in markdown
    reached, more, _ = tables["layers-reached"]
    assert "L = 3 (compact) minus layered-embedding, L = 2 (compact), full" in more.rows[0].label and more.folded
    assert [row.run.layers for row in reached.rows] == [2, 3]
    assert reached.rows[1].values["AP"].details == {"oracle": "0.9000", "reached": "66.7%"}


def test_the_verdict_in_sentences(compared):
    paper, best, both = verdict.sentences(Inputs.read(compared))
    assert paper == (
        "Read as the paper reads them (Mask R-CNN keeps scores above 0.7), in AP: pixel embeddings against Mask R-CNN, "
        "better by 0.050 at N = 6; brand-new against Mask R-CNN, worse by 0.150 at N = 6."
    )
    assert "pixel embeddings against Mask R-CNN, worse by 0.010 at N = 6" in best
    assert both == (
        "What holds at every N, with every number of layers and in both regimes: pixel embeddings against Mask R-CNN, "
        "not told apart in AR100; brand-new against Mask R-CNN, worse in AP and not told apart in AR100. Where a "
        "side is one run, another seed may say otherwise."
    )


def test_the_verdict_leaves_out_budgets_at_which_the_sides_of_the_paper_do_not_meet(compared):
    path = compared / "comparisons.json"
    found = json.loads(path.read_text())
    for entries in found["sides"].values():
        entries[1]["tier"] = "short"
    path.write_text(json.dumps(found))
    tables = build_tables(compared)
    new = "brand-new (compact) minus detectron2-mask-rcnn (compact), nms-0.7, short, one run a side"
    assert [len(table.rows) for table in tables["verdict"]] == [1, 1]
    assert [row.label for table in tables["other-models"] for row in table.rows] == [new, new]
    for entries in found["sides"].values():
        del entries[0]
    path.write_text(json.dumps(found))
    tables = build_tables(compared)  # where the paper's sides never meet, the verdict is about what there is
    assert [row.label for table in tables["verdict"] for row in table.rows] == [new, new]
    assert "other-models" not in tables
    assert (
        "Each read at its best (Mask R-CNN keeps scores above 0.7), in AP: brand-new against Mask R-CNN, worse"
        in (verdict.sentences(Inputs.read(compared))[1])
    )


def test_models_beyond_the_paper_have_rows_in_table_1_that_say_so(compared):
    table, best = build_tables(compared)["table1"]
    assert [row.label for row in table.rows if row.run and row.run.name == "new"] == [
        "beyond the paper: brand-new (compact)"
    ]
    assert "beyond the paper: brand-new (compact)" in [row.label for row in best.rows]
    assert all("One run a side: another seed may say otherwise." in of.notes for of in (table, best))


def test_what_was_tuned_is_said_below_the_table_of_best_readings(results):
    run = results.add_run("e", "layered-embedding", {"clustering-paper": 0.5, "tuned": 0.6})
    tuned = {
        "AP": {"bandwidth-1.5": 0.55, "bandwidth-1.6": 0.61},
        "choice": "bandwidth-1.6",
        "dataset": {"images": 200},
    }
    (run / "tuned.json").write_text(json.dumps(tuned))
    said = "e: of 2 readings, bandwidth-1.6 has the highest AP on 200 tuning scenes, 0.6100. Applied once to the "
    said += "evaluation images it has 0.6000, clustering-paper 0.5000."
    assert said in build_tables(results.folder)["table1"][1].notes


def test_layers_need_a_model_beyond_two(compared):
    (compared / "released" / "e3" / "manifest.json").unlink()
    (compared / "comparisons.json").unlink()
    assert not {"layers-reached", "verdict", "other-models"} & set(build_tables(compared))


def test_errors(compared):
    table, _ = build_tables(compared)["errors"]
    assert table.metrics == KINDS and {row.run.name for row in table.rows} == {"d", "e2", "e3", "new"}
    assert "| instances | 7 | 7 | 7 |" in to_markdown([table]) and "| 1,200 |" in to_markdown([table])


@pytest.mark.parametrize("content", ["gone", "old"])
def test_comparisons_that_do_not_fit_the_runs_are_named(compared, content):
    if content == "gone":
        (compared / "released" / "d" / "manifest.json").unlink()
    else:
        (compared / "comparisons.json").write_text('{"sides": []}')
    with pytest.raises(InputError, match=r"comparisons.json: .*run the default command again"):
        build_tables(compared)


def test_the_page_shows_them_with_their_plots(compared, only_sections, tmp_path):
    only_sections("verdict", "layers-reached", "errors", "occlusion", "progress", "runs")
    names = {path.name for path in write_report(compared, tmp_path)}
    assert names >= {f"{table}.csv" for table in ("verdict", "layers-reached", "errors")}
    plots = ("errors", "layers-reached", "recall-by-occlusion", "recall-difference", "training")
    assert names >= {f"{plot}.svg" for plot in plots}
    page = (tmp_path / "index.html").read_text()
    assert "[+0.030, +0.070]" in page and 'id="occlusion"' in page and 'href="#run-e2"' in page


@pytest.mark.parametrize("section", [occlusion, errors])
def test_no_plot_compares_models_across_budgets(results, section):
    images = {"full": 100_000, "short": 30_000}
    for name, n, tier in (("e", 6, "full"), ("d", 6, "short"), ("e6", 6, "short"), ("e12", 12, "short")):
        model, variant = ("detectron2-mask-rcnn", "nms-0.5") if name == "d" else ("layered-embedding", "default")
        folder = results.add_run(name, model, {variant: 0.5}, n=n, tier=tier, images=images[tier])
        (folder / "analysis.json").write_text(json.dumps({variant: summary(0.5)}))
    models = {
        axis.get_title(): {label.split(" (")[0] for label in axis.get_legend_handles_labels()[1] if "(" in label}
        for plot in section.plots(Inputs.read(results.folder))
        for axis in plot.figure.axes
        if axis.axison
    }
    embedding, detector = "layered-embedding, L = 2", "detectron2-mask-rcnn"
    assert models == {
        f"{title}, {regime}": shown
        for regime in ("read as the paper reads them", "each read at its best")
        for title, shown in {
            "N = 6, tier full": {embedding},
            "N = 6, tier short": {embedding, detector},
            "N = 12, tier short": {embedding},
        }.items()
    }


def test_a_model_has_one_colour_in_all_plots(compared):
    inputs = Inputs.read(compared)
    found: dict[str, set[str]] = {}
    for section in (verdict, occlusion):
        for plot in section.plots(inputs):
            for axis in plot.figure.axes:
                for line in axis.lines:
                    model = line.get_label().split(" (")[0].split(",")[0]
                    found.setdefault(model, set()).add(line.get_color())
    models = {model: colors for model, colors in found.items() if model in {run.model for run in inputs.runs}}
    assert len(models) == 3 and all(len(colors) == 1 for colors in models.values())
    assert len(set.union(*models.values())) == 3


def test_families_of_variants_each_at_its_best_threshold(results):
    variants = {"nms-0.1": 0.3, "nms-0.7": 0.5, "coco-nms-0.5": 0.6, "soft-nms": 0.4}
    results.add_run("d", "detectron2-mask-rcnn", variants)
    results.add_run("e", "layered-embedding", {"default": 0.7, "clustering-paper": 0.6})  # no thresholds
    (table,) = build_tables(results.folder)["families"]
    assert [row.variant for row in table.rows] == ["nms-0.7", "coco-nms-0.5", "soft-nms"]
    assert table.rows[0].label == "detectron2-mask-rcnn (compact), full: nms, t = 0.7"
    assert table.rows[2].label.endswith("full: soft-nms")
    assert [row.values["AP"].best for row in table.rows] == [False, True, False]
    (plot,) = families.plots(Inputs.read(results.folder))
    assert plot.figure.axes[0].lines[0].get_label() == "detectron2-mask-rcnn (compact), full: nms"


def test_seeds_are_one_row(results):
    for seed, value in enumerate((0.5, 0.6, 0.7)):
        folder = results.add_run(f"e-{seed}", "layered-embedding", {"default": value}, seed=seed)
        (folder / "analysis.json").write_text(json.dumps({"default": summary(value)}))
    table, best = build_tables(results.folder)["table1"]
    (row,) = [row for row in table.rows if row.run]
    assert row.label == "Layered embedding, L = 2 (compact), 3 seeds" and len(row.runs) == 3
    assert row.values["AP"].ours == pytest.approx(0.6) and row.values["AP"].details == {"sd of 3 seeds": "0.1000"}
    assert row.values["AP"].difference == pytest.approx(0.6 - 0.7673)
    assert len(best.rows) == 1 and "<sup>a, b, c</sup>" in to_markdown([table])
    assert not any("One run a side" in note for of in (table, best) for note in of.notes)
    (row, _) = [row for table in build_tables(results.folder)["errors"] for row in table.rows]
    assert row.label.endswith(", full, 3 seeds") and len(row.runs) == 3


def test_seeds_are_one_line_of_a_plot(results):
    for seed, value in enumerate((0.5, 0.6, 0.7)):
        folder = results.add_run(f"e-{seed}", "layered-embedding", {"default": value}, seed=seed)
        (folder / "analysis.json").write_text(json.dumps({"default": summary(value)}))
    inputs = Inputs.read(results.folder)
    recall, training = occlusion.plots(inputs)[0].figure.axes[0], progress.plots(inputs)[0].figure.axes[0]
    (line,), (point,) = recall.lines, training.lines
    assert line.get_label() == "layered-embedding, L = 2 (compact), 3 seeds"
    assert line.get_ydata()[0] == pytest.approx(0.6) and list(point.get_ydata()) == pytest.approx([0.6])


def test_a_set_without_instances_warns_nothing(results):
    empty = summary(0.5) | {"recall_by_occlusion": {"edges": [0, 0.5, 1], "instances": [0, 0], "recall": [None, None]}}
    folder = results.add_run("e", "layered-embedding", {"default": 0.5})
    (folder / "analysis.json").write_text(json.dumps({"default": empty}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(occlusion.plots(Inputs.read(results.folder))) == 1
