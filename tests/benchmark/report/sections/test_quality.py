"""Metrics of the field in the report: a table for each regime, precision-recall curves and scores against truth."""

import json

import numpy as np
import pytest

from benchmark.report.sections import progress, quality
from benchmark.report.sections.section import Inputs
from tests.benchmark.report.comparisons import summary


def analysis(value, **hidden):
    found = {"mean_iou": value, "mean_iou_hidden": value / 2, "calibration_error": 0.1, "order_of_all_pairs": None}
    return summary(value) | {
        "quality": found,
        "hidden": {"AP": None, "AP50": None, "instances": 3, "parts_from": None} | hidden,
        "calibration": {"detections": [1, 0, 2], "mean_score": [0.2, None, 0.9], "true": [0.0, None, 1.0]},
        "precision": {"0.50": [1.0] * 51 + [0.0] * 50, "0.75": [0.5] * 11 + [0.0] * 90},
    }


@pytest.fixture
def inputs(results):
    embedding = results.add_run("e", "layered-embedding", {"default": 0.5})
    detector = results.add_run("d", "detectron2-mask-rcnn", {"nms-0.7": 0.4})
    alone = results.add_run("m", "brand-new", {"default": 0.3}, tier="short", images=30_000)
    told = {"AP": 0.25, "AP50": 0.5, "parts_from": "depth order"}
    (embedding / "analysis.json").write_text(json.dumps({"default": analysis(0.8, **told)}))
    (detector / "analysis.json").write_text(json.dumps({"nms-0.7": analysis(0.7)}))
    (alone / "analysis.json").write_text(json.dumps({"default": summary(0.5)}))  # by earlier code
    return Inputs.read(results.folder)


def test_a_row_says_what_hidden_parts_are_made_from(inputs):
    paper, best = quality.tables(inputs)
    assert "read as the paper reads them" in paper.title and "each read at its best" in best.title
    rows = {row.run.name: (row.label, [value.ours for value in row.values.values()]) for row in paper.rows}
    assert rows == {
        "e": ("layered-embedding, L = 2 (compact), full; hidden parts from depth order",
              [0.8, 0.4, 0.25, 0.5, 0.1, None, None]),
        "d": ("detectron2-mask-rcnn (compact), nms-0.7, full", [0.7, 0.35, None, None, 0.1, None, None]),
    }  # fmt: skip


def test_curves_end_where_nothing_more_is_found(inputs):
    curves, bins = quality.plots(inputs)
    half, three_quarters, *_ = curves.figure.axes
    assert half.get_title().endswith("IoU 0.50") and three_quarters.get_title().endswith("IoU 0.75")
    assert [line.get_xdata()[-1] for line in half.lines] == [0.5, 0.5]
    assert three_quarters.lines[0].get_xdata()[-1] == pytest.approx(0.1)
    diagonal, *models = bins.figure.axes[0].lines
    assert len(models) == 2 and np.isnan(models[0].get_ydata()[1]) and models[0].get_xdata()[2] == 0.9


def test_every_trained_run_is_a_point_against_images_and_hours(inputs):
    (plot,) = progress.plots(inputs)
    images, hours = plot.figure.axes
    points = {line.get_label(): (*line.get_xdata(), *line.get_ydata()) for line in images.lines}
    assert points["brand-new (compact)"] == (30, 0.3) and points["layered-embedding, L = 2 (compact)"] == (100, 0.5)
    assert hours.get_xlabel() == "hours of training" and hours.lines[0].get_xdata()[0] == pytest.approx(3000 / 3600)


def test_one_model_alone_is_enough(results):
    folder = results.add_run("m", "brand-new", {"default": 0.3})
    (folder / "analysis.json").write_text(json.dumps({"default": analysis(0.5)}))
    inputs = Inputs.read(results.folder)
    assert len(quality.tables(inputs)) == 2 and len(quality.plots(inputs)) == 2
