"""How much memory and time the evaluator takes on ever more images.

    python -m tests.robustness.scale 1000 10000 100000 [--analysis]

makes an evaluation set and predictions for each number of images, evaluates them with the command line in a process of
its own, and prints the peak of its memory and the time that it took.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pycocotools import mask as coco_mask

DETECTIONS, INSTANCES = 50, 18
DRAWINGS = 50
"""Images that differ; the others repeat them with other scores and occlusion rates."""

CATEGORIES = [{"id": category_id, "name": f"class {category_id}"} for category_id in (1, 2, 3)]


def write_set(folder: Path, images: int) -> tuple[Path, Path]:
    """Write annotations of overlapping discs on the 64x64 grid, and detections near them; the same every time."""
    random = np.random.default_rng(0)
    drawings = [_drawing(random) for _ in range(DRAWINGS)]
    annotations, predictions = folder / "annotations.json.gz", folder / "predictions.json.gz"
    with gzip.open(annotations, "wt", compresslevel=1) as truth, gzip.open(predictions, "wt", compresslevel=1) as found:
        entries = [{"id": i, "file_name": f"{i}.png", "height": 64, "width": 64} for i in range(1, images + 1)]
        truth.write(json.dumps({"images": entries, "categories": CATEGORIES})[:-1] + ', "annotations": [')
        found.write("[")
        for image in range(images):
            discs, near = drawings[image % DRAWINGS]
            rates = random.choice(["0.0", "0.1", "0.25", "0.5"], INSTANCES).tolist()
            scores = random.random(DETECTIONS).round(4).tolist()
            separator = "," if image else ""
            truth.write(separator + ",".join(
                f'{{"id":{image * INSTANCES + place + 1},"image_id":{image + 1},"category_id":{1 + place % 3},'
                f'"segmentation":{disc},"visible_mask":{disc},"iscrowd":0,"occlude_rate":{rates[place]},'
                f'"order":{place + 1}}}'
                for place, disc in enumerate(discs)
            ))  # fmt: skip
            found.write(separator + ",".join(
                f'{{"image_id":{image + 1},"category_id":{1 + place % 3},"segmentation":{disc},'
                f'"score":{scores[place]},"order":{place + 1}}}'
                for place, disc in enumerate(near)
            ))  # fmt: skip
        truth.write("]}")
        found.write("]")
    return annotations, predictions


def _drawing(random: np.random.Generator) -> tuple[list[str], list[str]]:
    """RLEs, as JSON, of discs and of discs near them."""
    centres, radii = random.integers(4, 60, (2, INSTANCES)), random.integers(4, 12, INSTANCES)
    source = random.integers(0, INSTANCES, DETECTIONS)
    moved = centres[:, source] + random.integers(-2, 3, (2, DETECTIONS))
    return _discs(centres, radii), _discs(moved, radii[source] + random.integers(-1, 2, DETECTIONS))


def _discs(centres: np.ndarray, radii: np.ndarray) -> list[str]:
    rows, columns = np.mgrid[:64, :64][..., None]
    masks = (rows - centres[0]) ** 2 + (columns - centres[1]) ** 2 < radii**2
    rles = coco_mask.encode(np.asfortranarray(masks, np.uint8))
    return [json.dumps({**rle, "counts": rle["counts"].decode()}, separators=(",", ":")) for rle in rles]


def measure(images: int, analysis: bool) -> tuple[float, float, float]:
    """(peak memory in MiB, processor time in seconds, wall time in seconds) of evaluating so many images.

    analysis: with ``--out``, so that the bootstrap and the kinds of errors are computed as well.
    """
    with tempfile.TemporaryDirectory() as scratch:
        annotations, predictions = write_set(Path(scratch), images)
        command = ["run_benchmark.py", "evaluate", f"--annotations={annotations}", f"--predictions={predictions}"]
        if analysis:
            command += [f"--out={scratch}/run", "--model=m"]
        started = time.monotonic()
        process = subprocess.Popen([sys.executable, *command], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        assert status == 0, f"evaluate failed on {images} images"
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=int, nargs="+")
    parser.add_argument("--analysis", action="store_true", help="keep a run and analyse it")
    options = parser.parse_args()
    for images in options.images:
        memory, processor, wall = measure(images, options.analysis)
        print(
            f"{images:,} images, {images * DETECTIONS:,} detections: {memory:,.0f} MiB at most, {processor:.1f} s of "
            f"processor time, {wall:.1f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
