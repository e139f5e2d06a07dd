"""What the report says of instances that are not found."""

import pytest

from benchmark.released.outcomes import telling_variants
from benchmark.report.sections.lost_instances import occlusion_plot, plots, tables, threshold_plot
from benchmark.report.sections.section import Inputs
from benchmark.runs.record import read_runs
from tests.benchmark.report.faults import add_faulty_runs


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """(inputs, number of instances) of two runs with known faults."""
    from tests.benchmark.conftest import Results

    folder = tmp_path_factory.mktemp("lost")
    results = Results(folder / "results")
    dataset = add_faulty_runs(results, folder / "data")
    instances = sum(len(dataset.annotations(image_id)) for image_id in dataset.image_ids)
    return Inputs.read(results.folder, folder / "data"), instances


def test_every_lost_instance_has_its_reason(judged):
    inputs, instances = judged
    table, at_best = tables(inputs)
    assert [row.variant for row in at_best.rows] == ["coco-nms-0.5", "default"]
    assert "each read at its best" in at_best.title and len(at_best.lead) == 2
    rows = {row.variant: row for row in table.rows}
    assert set(rows) == {"default", "nms-0.5"}  # of the sweep what Table 1 names
    shares = {
        variant: {name: round(value.ours * instances) for name, value in row.values.items() if value.ours}
        for variant, row in rows.items()
    }
    assert shares["nms-0.5"] == {"found": instances - 2, "suppressed": 1, "cut off": 1}
    assert shares["default"].pop("found") == instances - sum(shares["default"].values()) < instances
    assert set(shares["default"]) == {"merged"}


def test_shares_of_each_occlusion_range(judged):
    """They sum to one, as each instance is found or lost for one reason."""
    for row in [row for table in tables(judged[0]) for row in table.rows]:
        assert sum(value.ours for value in row.values.values()) == pytest.approx(1)
        for of_range in ("none", "partial", "heavy"):
            assert sum(float(value.details[of_range]) for value in row.values.values()) == pytest.approx(1, abs=5e-4)


def test_in_words(judged):
    inputs, instances = judged
    table, _ = tables(inputs)
    assert any(
        f"2 of {instances} instances not found: 50\u202f% suppressed, 50\u202f% cut off (0\u202f% of these" in said
        for said in table.lead
    )


def test_plots_have_axes_for_each_run(judged):
    by_occlusion, at_best, by_threshold = plots(judged[0])
    assert (at_best.name, len(at_best.figure.axes)) == ("lost-by-occlusion-best", 2)
    assert (by_occlusion.name, len(by_occlusion.figure.axes)) == ("lost-by-occlusion", 2)
    (axis,) = by_threshold.figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["nms-0.5"]


def test_nothing_to_say(results):
    inputs = Inputs.read(results.folder)
    assert tables(inputs) == plots(inputs) == [] and occlusion_plot([]) is None and threshold_plot([]) is None


def test_variants_that_tell(results, tmp_path):
    add_faulty_runs(results, tmp_path / "data")
    boxes, embedding = read_runs(results.folder / "released")
    assert telling_variants(boxes, "nms-0.5") == {"suppressed": "nms-1.0", "cut off": "coco-nms-0.5"}
    assert telling_variants(boxes, "coco-nms-0.5") == telling_variants(embedding, "default") == {}
    (boxes.folder / "predictions.coco-nms-0.5.json.gz").unlink()
    assert telling_variants(boxes, "nms-0.5") == {"suppressed": "nms-1.0"}
