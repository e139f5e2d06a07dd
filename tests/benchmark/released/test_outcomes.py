"""What other variants of a run tell about the instances that a shown one loses."""

import pytest

from benchmark.paper.tables import read_paper
from benchmark.released.outcomes import can_tell, read_outcomes
from benchmark.runs.record import read_runs
from tests.benchmark.report.faults import add_faulty_runs


def test_what_suppression_removed_is_a_range_over_the_variants_that_keep_more(results, tmp_path):
    """Of the boxes' variants nms-1.0 keeps more within the limits of nms-0.5, and finds one instance more."""
    dataset = add_faulty_runs(results, tmp_path / "data")
    runs, ranking = read_runs(results.folder / "released"), read_paper(results.folder / "paper")["table1"]
    assert can_tell(runs[0], "nms-0.5") == ["nms-1.0"] and can_tell(runs[1], "default") == []
    (evaluation,) = read_outcomes(tmp_path / "data", runs, ranking)
    boxes, embedding = evaluation.outcomes
    instances = sum(len(dataset.annotations(image_id)) for image_id in dataset.image_ids)
    assert boxes.suppressed == {"nms-1.0": pytest.approx(1 / instances)}
    assert boxes.suppressed_range == pytest.approx((1 / instances, 1 / instances))
    assert embedding.suppressed == {} and embedding.suppressed_range is None
