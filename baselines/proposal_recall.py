"""How many instances the proposals of a trained Mask R-CNN reach: what its later stages cannot make good.

uv run python -m baselines.proposal_recall RUN [--images 200]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torchvision.ops import box_iou

from baselines.box_targets import BoxSample, render_boxes
from baselines.nms_sweep import PROTOCOLS
from benchmark.models.registry import find_adapter
from benchmark.runs.make import load_run
from datasets.errors import InputError
from datasets.render import as_rgb
from datasets.seeds import TUNING_SEED

THRESHOLDS = (0.5, 0.7)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the recall of the run's proposals on validation scenes; exit code 2 for a run without any."""
    parser = argparse.ArgumentParser(prog="python -m baselines.proposal_recall", description=main.__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a Mask R-CNN, with its weights")
    parser.add_argument("--images", type=int, default=200, help="validation scenes (default 200)")
    options = parser.parse_args(arguments)
    try:
        print(proposal_recall(options.run, options.images).to_string(float_format="{:.3f}".format))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def proposal_recall(folder: Path, images: int) -> pd.DataFrame:
    """Share of instances with a proposal of at least that IoU, by detection protocol, class and IoU.

    Of the first `images` validation scenes with the run's numbers of shapes; "all" is every class together, column
    "proposals" their mean number in an image. Raises InputError where the run is no box detector's or lacks weights.
    """
    if images < 1:
        raise InputError(f"--images: found {images}, expected at least 1")
    run = load_run(folder)
    adapter = find_adapter(run.model)
    if not hasattr(adapter, "propose"):
        raise InputError(f"{folder}: a run of {run.model}, expected a model with a region proposal network")
    samples = [render_boxes(run.source.sample(TUNING_SEED, index)) for index in range(images)]
    pictures = [as_rgb(sample.image) for sample in samples]
    categories = np.concatenate([sample.categories for sample in samples])
    rows = {}
    for name, protocol in PROTOCOLS.items():
        proposals = list(adapter.propose(pictures, run, protocol))
        best = np.concatenate([best_iou(*pair) for pair in zip(samples, proposals, strict=True)])
        groups = {name: best[categories == number] for number, name in enumerate(run.source.categories, 1)} | {
            "all": best
        }
        rows[name] = {
            (group, f"IoU {threshold}"): np.mean(of_group >= threshold)
            for group, of_group in groups.items()
            for threshold in THRESHOLDS
        } | {("proposals", ""): np.mean([len(boxes) for boxes in proposals])}
    return pd.DataFrame(rows)


def best_iou(sample: BoxSample, proposals: Tensor) -> np.ndarray:
    """(n,) float: for each box of `sample` the highest IoU with one of `proposals`, 0 without any."""
    overlaps = box_iou(torch.from_numpy(sample.boxes), proposals.float().cpu())
    return torch.cat([overlaps, overlaps.new_zeros(len(overlaps), 1)], dim=1).amax(dim=1).numpy()


if __name__ == "__main__":
    sys.exit(main())
