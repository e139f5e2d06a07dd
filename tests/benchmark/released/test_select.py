"""Which variants' predictions are worth their space."""

from benchmark.paper.tables import read_paper
from benchmark.released.select import shown_variants, unshown_predictions
from benchmark.runs.record import read_run

VARIANTS = {
    "nms-0.5": 0.5,
    "nms-0.6": 0.55,
    "nms-0.8": 0.4,
    "nms-1.0": {"AP": 0.1, "AR1000": 0.9},
    "coco-nms-0.5": 0.7,
    "coco-nms-0.6": 0.6,
    "soft-nms": 0.3,
}


def test_named_chosen_best_and_telling_variants_are_shown(results):
    folder = results.add_run("boxes", "detectron2-mask-rcnn", VARIANTS)
    for variant in VARIANTS:
        (folder / f"predictions.{variant}.json.gz").touch()
    run, paper = read_run(folder), read_paper(results.folder / "paper")
    # of the paper's table; the best of its family; what tells of suppression; the best of all; a family by itself
    assert shown_variants(run, paper) == ["nms-0.5", "nms-0.6", "nms-1.0", "coco-nms-0.5", "soft-nms"]
    assert [path.name for path in unshown_predictions([run], paper)] == [
        "predictions.nms-0.8.json.gz",
        "predictions.coco-nms-0.6.json.gz",
    ]


def test_nothing_of_a_smoke_test_is_shown(results):
    folder = results.add_run("smoke", "detectron2-mask-rcnn", {"nms-0.5": 0.5}, tier="smoke", images=800)
    assert shown_variants(read_run(folder), read_paper(results.folder / "paper")) == []
