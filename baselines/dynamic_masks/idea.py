"""The picture of the README: what one visible pixel draws, from a real prediction.

uv run python -m baselines.dynamic_masks.idea RUN --out baselines/dynamic_masks/idea.png
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from baselines.dynamic_masks.adapter import load_network, predict_maps
from baselines.dynamic_masks.pictures import DRAWN, hidden_pixel, pixel_picture, shaded
from benchmark.runs.make import load_run
from datasets.errors import InputError
from datasets.files import write_atomically
from datasets.render import as_rgb, render_masks
from datasets.scene import GRID, GRID_SIZE, GRID_STRIDE
from datasets.seeds import TUNING_SEED

GREY, MARGIN = 200, 4
"""Grey pixels between two panels."""

MARK = (213, 94, 0)
"""Vermilion, as what is visible of the mask."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picture of a tuning scene: the image, the quality of its pixels, one pixel's mask, and the true one."""
    parser = argparse.ArgumentParser(prog="python -m baselines.dynamic_masks.idea", description=main.__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run of dynamic-masks, with its weights")
    parser.add_argument("--scene", type=int, default=0, help="number of the tuning scene (default 0)")
    parser.add_argument("--out", type=Path, required=True, help="a PNG file")
    options = parser.parse_args(arguments)
    try:
        picture = draw_idea(options.run, options.scene)
        _, encoded = cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        write_atomically(options.out, lambda temporary: temporary.write_bytes(encoded.tobytes()))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def draw_idea(folder: Path, scene: int) -> np.ndarray:
    """(256, 4 * 256 + 3 * MARGIN, 3) uint8. Raises InputError for a run without weights or a scene without pixels."""
    run = load_run(folder)
    network = load_network(run)
    sample = render_masks(run.source.sample(TUNING_SEED, scene))
    image = np.array(as_rgb(sample.image))
    maps = predict_maps(network, image[None], run)
    pixel = hidden_pixel(network, maps)
    if pixel is None:
        raise InputError(f"scene {scene}: the model sees no object, expected another scene")
    y, x = divmod(pixel, GRID_SIZE)
    marked = image.copy()
    center = (x * GRID_STRIDE + GRID_STRIDE // 2, y * GRID_STRIDE + GRID_STRIDE // 2)
    cv2.circle(marked, center, 6, MARK, cv2.FILLED)
    foreground = maps.class_logits[0].argmax(dim=0) > 0
    quality = (maps.quality_logits[0].sigmoid() * foreground).cpu().numpy()
    number = int(sample.instance_map[GRID, GRID][y, x])
    true = sample.masks[number - 1][GRID, GRID] if number else np.zeros((GRID_SIZE, GRID_SIZE), bool)
    grids = [shaded(quality, DRAWN), pixel_picture(network, maps, pixel), shaded(true.astype(float), DRAWN)]
    panels = [marked, *(grid[..., :3].repeat(GRID_STRIDE, axis=0).repeat(GRID_STRIDE, axis=1) for grid in grids)]
    gap = np.full((len(image), MARGIN, 3), GREY, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, gap)][:-1], axis=1)


if __name__ == "__main__":
    sys.exit(main())
