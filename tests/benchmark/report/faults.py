"""Runs that see the truth but for one fault each, so that a test knows what the report has to say of them."""

from pathlib import Path

from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import MAIN_METRICS
from datasets.coco import decode_masks, encode_masks
from datasets.exported import ExportedDataset
from datasets.files import write_compact_json
from datasets.scene import SceneParameters
from tests.benchmark.conftest import Results


def add_faulty_runs(results: Results, data: Path) -> ExportedDataset:
    """Six scenes, two runs. "embedding": in image 2 the first two instances in one mask. "boxes": in image 3 the first
    instance is suppressed at t = 0.5 and not at 1.0; in image 4 it is there within wider limits only."""
    dataset = evaluation_set(data, SceneParameters.uniform(2), images=6, seed=5)
    described = {key: dataset.info[key] for key in ("content_hash", "images", "seed", "parameters")}

    def truth(image_id):
        keys = ("image_id", "category_id", "segmentation")
        return [{key: one[key] for key in keys} | {"score": 0.9} for one in dataset.annotations(image_id)]

    def merged(image_id):
        found = truth(image_id)
        if image_id == 2:
            whole = decode_masks([found[0]["segmentation"], found[1]["segmentation"]]).any(axis=0)
            found[:2] = [found[0] | {"segmentation": encode_masks(whole[None])[0]}]
        return found

    def without_first_in(*images):
        return lambda image_id: truth(image_id)[image_id in images :]

    sweep = {"nms-0.5": without_first_in(3, 4), "nms-1.0": without_first_in(4), "coco-nms-0.5": truth}
    for name, model, variants, preset in (
        ("embedding", "layered-embedding", {"default": merged}, "compact"),
        ("boxes", "detectron2-mask-rcnn", sweep, "cpu"),
    ):
        metrics = {
            variant: dict.fromkeys(MAIN_METRICS, 0.5) | {"AP": 0.5 + place / 10, "AR1000": place / 10}
            for place, variant in enumerate(variants)
        }
        run = results.add_run(name, model, metrics, n=2, preset=preset, dataset=described)
        for variant, change in variants.items():
            found = [detection for image_id in dataset.image_ids for detection in change(image_id)]
            write_compact_json(run / f"predictions.{variant}.json.gz", found)
    return dataset
