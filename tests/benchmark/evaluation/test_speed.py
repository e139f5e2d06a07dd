"""How long the evaluator takes on 1,000 images with 60 detections each, and how long COCO engines take.

The table of engines: ``pytest -n 0 -m slow -s tests/benchmark/evaluation/test_speed.py``.
"""

import contextlib
import gzip
import importlib
import io
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from benchmark.evaluation.evaluate import evaluate
from tests.benchmark.evaluation.cases import RANGES

IMAGES, DETECTIONS = 1000, 60


def discs(centres, radii):
    """RLEs of discs on the 64x64 grid."""
    rows, columns = np.mgrid[:64, :64][..., None]
    masks = (rows - centres[0]) ** 2 + (columns - centres[1]) ** 2 < radii**2
    return [{**rle, "counts": rle["counts"].decode()} for rle in coco_mask.encode(np.asfortranarray(masks, np.uint8))]


def synthetic(instances):
    """1,000 images of overlapping discs, detections near them; 50 drawings, each used for 20 images."""
    random = np.random.default_rng(0)
    images, annotations, predictions = [], [], []
    for drawing in range(50):
        centres, radii = random.integers(4, 60, (2, instances)), random.integers(4, 12, instances)
        source = random.integers(0, instances, DETECTIONS)
        truth = discs(centres, radii)
        found = discs(
            centres[:, source] + random.integers(-2, 3, (2, DETECTIONS)),
            radii[source] + random.integers(-1, 2, DETECTIONS),
        )
        for image_id in range(drawing, IMAGES, 50):
            images.append({"id": image_id, "file_name": f"{image_id}.png", "height": 64, "width": 64})
            order = 1 + random.permutation(instances)
            rates = random.choice([0, 0.1, 0.25, 0.5], instances)
            for place, mask in enumerate(truth):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image_id,
                        "category_id": 1 + place % 3,
                        "segmentation": mask,
                        "visible_mask": mask,
                        "invisible_mask": mask,
                        "bbox": coco_mask.toBbox(mask).tolist(),
                        "area": float(coco_mask.area(mask)),
                        "iscrowd": 0,
                        "occlude_rate": float(rates[place]),
                        "order": int(order[place]),
                    }
                )
            for place, (mask, score) in enumerate(zip(found, random.random(DETECTIONS).round(4).tolist(), strict=True)):
                predictions.append(
                    {
                        "image_id": image_id,
                        "category_id": 1 + place % 3,
                        "segmentation": mask,
                        "score": score,
                        "order": 1 + place,
                    }
                )
    categories = [{"id": category_id, "name": f"class {category_id}"} for category_id in (1, 2, 3)]
    return {"images": images, "categories": categories, "annotations": annotations}, predictions


@pytest.fixture(scope="module", params=[18, 36])
def data(request):
    return synthetic(request.param)


def write(data, folder, suffix):
    paths = []
    for name, content in zip(("annotations", "predictions"), data, strict=True):
        text = json.dumps(content).encode()
        paths.append(folder / f"{name}.{suffix}")
        paths[-1].write_bytes(gzip.compress(text, 6) if suffix == "json.gz" else text)
    return paths


def run_evaluator(files):
    """(wall time, processor time) in seconds of a fresh process that evaluates two files."""
    code = "import sys; from benchmark.evaluation.evaluate import evaluate; print(evaluate(*sys.argv[1:]))"
    wall, before = time.perf_counter(), os.times()
    subprocess.run([sys.executable, "-c", code, *files], check=True, capture_output=True)
    wall, after = time.perf_counter() - wall, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.slow  # a time in seconds is a fact of one machine
def test_process_stays_within_its_budget(tmp_path):
    """Python's start, imports, reading, checks, matching, depth order: processor time, as the machine may be busy."""
    files = write(synthetic(36), tmp_path, "json.gz")
    assert min(run_evaluator(files)[1] for _ in range(2)) < 3  # the reference engine alone takes 15


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["json", "json.gz"])
def test_process_takes_less_than_two_seconds(data, suffix, tmp_path):
    """The limit is on processor time, hence on wall time where two cores are free; both are printed."""
    files = write(data, tmp_path, suffix)
    wall, processor = np.array([run_evaluator(files) for _ in range(7)]).T
    instances = len(data[0]["annotations"]) // IMAGES
    print(
        f"\n{instances} instances per image, {suffix}: whole process {wall.min():.2f} s at best, "
        f"{np.median(wall):.2f} s in the median, {processor.min():.2f} s of processor time"
    )
    assert processor.min() < 2


ENGINES = {
    "pycocotools": ("pycocotools.coco", "pycocotools.cocoeval", "COCOeval", {}),
    "faster-coco-eval": ("faster_coco_eval", "faster_coco_eval", "COCOeval_faster", {}),
    "hotcoco": ("hotcoco", "hotcoco", "COCOeval", {}),
    "ultrafast-pycocotools": ("ultrafast_pycocotools", "ultrafast_pycocotools", "COCOeval", {"store_eval_imgs": True}),
}


def clocks():
    return time.perf_counter(), time.process_time()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_engines_agree_and_how_long_they_take(engine, data):
    """Seconds to build the data sets, to match and accumulate, and to hand over the per-image records, in memory.

    Prints wall time / processor time of all threads.
    """
    annotations, predictions = json.loads(json.dumps(data))
    for entry in annotations["annotations"]:
        entry["area"] = entry["occlude_rate"]
    coco_module, eval_module, name, options = ENGINES[engine]
    new_coco = importlib.import_module(coco_module).COCO
    new_engine = getattr(importlib.import_module(eval_module), name)
    with contextlib.redirect_stdout(io.StringIO()):
        times = [clocks()]
        truth = new_coco()
        truth.dataset = annotations
        truth.createIndex()
        evaluation = new_engine(truth, truth.loadRes(predictions), "segm", **options)
        evaluation.params.useCats = 0
        evaluation.params.maxDets = [1, 10, 100, 1000]
        evaluation.params.areaRng = list(RANGES.values())
        evaluation.params.areaRngLbl = list(RANGES)
        times.append(clocks())
        evaluation.evaluate()
        evaluation.accumulate()
        times.append(clocks())
        records = [record for record in evaluation.evalImgs if record is not None]
        times.append(clocks())
    phases = np.diff([*times, times[0]], axis=0) * [[1], [1], [1], [-1]]
    names = ("build", "match", f"{len(records)} records", "sum")
    report = ", ".join(f"{name} {wall:.2f}/{cpu:.2f}" for name, (wall, cpu) in zip(names, phases, strict=True))
    print(f"\n{engine}, {len(annotations['annotations']) // IMAGES} instances per image: {report} s")
    precision = np.asarray(evaluation.eval["precision"])[:, :, 0, 0, 3]
    assert precision.mean() == pytest.approx(evaluate(*data)["AP"], abs=1e-12)
