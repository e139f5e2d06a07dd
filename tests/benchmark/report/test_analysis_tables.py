"""Intervals, paired tests, errors and layers in the report, from files made by hand."""

import io
import json

import pandas as pd
import pytest

from benchmark.paper.tables import MAIN_METRICS, read_paper
from benchmark.report.analysis_plots import error_plot, recall_plot
from benchmark.report.formats import to_csv, to_latex, to_markdown
from benchmark.report.readme import BEGIN, END, update_readme
from benchmark.report.write import build_tables, write_report
from benchmark.runs.record import read_runs
from datasets.errors import InputError

KINDS = ("missed", "merged", "poor mask")


def summary(value):
    return {
        "intervals": {metric: [value - 0.01, value + 0.01] for metric in MAIN_METRICS} | {"AR_heavy": None},
        "errors": {
            kind: {"false_positives": 1200, "unmatched_instances": 7, "lost_ap": 0.1, "share": 0.25} for kind in KINDS
        },
        "recall_by_occlusion": {"edges": [0, 0.5, 1], "instances": [3, 1], "recall": [value, None]},
    }


def comparison(a, b, value):
    found = {"b": b, "value": value, "low": value - 0.02, "high": value + 0.02, "p_value": 0.002}
    recall = {"edges": [0, 0.25, 0.5, 0.75, 1], "b": b, "value": [0.1, 0.2, None, -0.3]}
    recall |= {"low": [0.05, 0.1, None, -0.4], "high": [0.15, 0.3, None, -0.2]}
    return {"a": a, "metrics": {"AP": found, "AR100": found | {"p_value": 0.3}}, "recall_by_occlusion": recall}


@pytest.fixture
def analysed(results):
    """Embeddings of two and three layers, a detector, the oracle; all analysed and compared."""
    runs = {
        "e2": ("layered-embedding", {"default": 0.5}, {}),
        "e3": ("layered-embedding", {"default": 0.6}, {"layers": 3}),
        "d": ("detectron2-mask-rcnn", {"nms-0.5": 0.4, "nms-0.7": 0.45}, {}),
        "oracle": ("ground-truth-layers", {"layers-2": 0.8, "layers-3": 0.9}, {"tier": "none"}),
    }
    for name, (model, variants, options) in runs.items():
        folder = results.add_run(name, model, variants, **options)
        analysis = {variant: summary(value) for variant, value in variants.items()}
        (folder / "analysis.json").write_text(json.dumps(analysis))
    e2, e3 = ({"run": name, "variant": "default"} for name in ("e2", "e3"))
    comparisons = {
        "sides": [comparison(e2, {"run": "d", "variant": "nms-0.7"}, 0.05)],
        "any-nms": [comparison(e2, {"run": "d", "variant": "nms-0.7"}, -0.01)],
        "baselines": [comparison({"run": "d", "variant": "nms-0.7"}, e2, 0.03)],
        "layers": [comparison(e3, e2, -0.1)],
    }
    (results.folder / "comparisons.json").write_text(json.dumps(comparisons))
    return results.folder


def test_intervals_stand_below_our_numbers(analysed):
    tables = build_tables(analysed)
    (table,) = tables["table1"]
    markdown = to_markdown([table])
    assert "| 95 % interval | [0.490, 0.510] | [0.490, 0.510] |" in markdown
    assert r"95 \% interval & [0.490, 0.510]" in to_latex([table])
    frame = pd.read_csv(io.StringIO(to_csv([table])))
    row = frame[frame["run"] == "e2"].iloc[0]
    assert (row["AP_low"], row["AP_high"]) == (0.49, 0.51) and "AR_heavy_low" not in frame
    # a long list keeps one line per row
    assert "interval" not in to_markdown(tables["runs"])
    assert "AP_low" in to_csv(tables["runs"])


def test_paired_differences_carry_sign_interval_and_p(analysed):
    tables = build_tables(analysed)
    markdown = to_markdown(tables["paired-sides"])
    assert "| difference | +0.0500 |" in markdown and "| 95 % interval | [+0.030, +0.070] |" in markdown
    assert "| p | 0.002 |" in markdown and "| against | nms-0.7 |" in markdown
    assert "| embedding | 0.5000 |" in markdown and "| Mask R-CNN | 0.4500 |" in markdown
    assert "any NMS and detection protocol**" in markdown and "| difference | −0.0100 |" in markdown
    assert "- N = 6, layered-embedding, L = 2 (compact) minus detectron2-mask-rcnn (compact), full: better" in markdown
    assert "detectron2-mask-rcnn (compact), full: not told apart in AP, AR100. Recall" in markdown
    assert "Recall by occlusion rate, against nms-0.7: better from 0 to 0.5; worse from 0.75 to 1.\n" in markdown
    markdown = to_markdown(tables["paired-layers"])
    assert "L = 3 (compact) minus layered-embedding, L = 2 (compact), full" in markdown
    assert "| difference | −0.1000 |" in markdown and "[−0.120, −0.080]" in markdown
    assert "| more layers | 0.6000 |" in markdown and "| fewer layers | 0.5000 |" in markdown
    assert "against" not in markdown
    markdown = to_markdown(tables["paired-baselines"])
    assert "better in AP, AR100" in markdown and "| against | default |" in markdown


def test_the_readme_opens_with_the_verdict(analysed, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n")
    update_readme(readme, analysed)
    order = [
        "**Embedding minus best",
        "- N = 6, layered-embedding",
        "| difference |",
        "**Table 1",
        "](results/report/table2.md)",
    ]
    places = [readme.read_text().index(text) for text in order]
    assert places == sorted(places)


def test_layers_beside_the_oracle(analysed):
    (table,) = build_tables(analysed)["layers"]
    assert [row.run.layers for row in table.rows] == [2, 3]
    value = table.rows[1].values["AP"]
    assert (value.ours, value.details) == (0.6, {"oracle": "0.9000", "reached": "66.7%"})


def test_layers_need_a_model_beyond_two(analysed):
    (analysed / "released" / "e3" / "manifest.json").unlink()
    (analysed / "comparisons.json").unlink()
    assert not {"layers", "paired-layers", "paired-sides"} & set(build_tables(analysed))


def test_errors(analysed):
    (table,) = build_tables(analysed)["errors"]
    assert table.metrics == KINDS and [row.run.name for row in table.rows] == ["d", "e2", "e3"]
    assert "| instances | 7 | 7 | 7 |" in to_markdown([table]) and "| 1,200 |" in to_markdown([table])


def test_a_comparison_of_a_run_that_is_gone_is_named(analysed):
    (analysed / "released" / "d" / "manifest.json").unlink()
    with pytest.raises(InputError, match=r"comparisons.json: run 'd': not released"):
        build_tables(analysed)


def test_the_page_shows_them_with_their_plots(analysed, tmp_path):
    names = {path.name for path in write_report(analysed, tmp_path)}
    assert names >= {
        f"{table}.csv" for table in ("paired-sides", "paired-baselines", "paired-layers", "layers", "errors")
    }
    assert names >= {f"{plot}.svg" for plot in ("errors", "layers-reached", "recall-by-occlusion", "recall-difference")}
    page = (tmp_path / "index.html").read_text()
    assert "[+0.030, +0.070]" in page and "against nms-0.7" in page and 'id="occlusion"' in page


@pytest.mark.parametrize("plot", [recall_plot, error_plot])
def test_no_plot_compares_models_across_budgets(results, plot):
    images = {"full": 100_000, "short": 30_000}
    for name, n, tier in (("e", 6, "full"), ("d", 6, "short"), ("e6", 6, "short"), ("e12", 12, "short")):
        model, variant = ("detectron2-mask-rcnn", "nms-0.5") if name == "d" else ("layered-embedding", "default")
        folder = results.add_run(name, model, {variant: 0.5}, n=n, tier=tier, images=images[tier])
        (folder / "analysis.json").write_text(json.dumps({variant: summary(0.5)}))
    figure = plot(read_runs(results.folder / "released"), read_paper(results.folder / "paper")["table1"])
    models = {
        axis.get_title(): {label.split(" (")[0] for label in axis.get_legend_handles_labels()[1] if "(" in label}
        for axis in figure.axes
        if axis.axison
    }
    embedding, detector = "layered-embedding, L = 2", "detectron2-mask-rcnn"
    assert models == {
        "N = 6, tier full": {embedding},
        "N = 6, tier short": {embedding, detector},
        "N = 12, tier short": {embedding},
    }


def test_families_of_variants_each_at_its_best_threshold(results, tmp_path):
    variants = {"nms-0.1": 0.3, "nms-0.7": 0.5, "coco-nms-0.5": 0.6, "soft-nms": 0.4}
    results.add_run("d", "detectron2-mask-rcnn", variants)
    results.add_run("e", "layered-embedding", {"default": 0.7, "clustering-paper": 0.6})  # no thresholds
    (table,) = build_tables(results.folder)["families"]
    assert [row.variant for row in table.rows] == ["nms-0.7", "coco-nms-0.5", "soft-nms"]
    assert table.rows[0].label == "detectron2-mask-rcnn (compact), full: nms, t = 0.7"
    assert table.rows[2].label.endswith("full: soft-nms")
    assert [row.values["AP"].best for row in table.rows] == [False, True, False]
    assert {"families.csv", "families.svg"} <= {path.name for path in write_report(results.folder, tmp_path)}
