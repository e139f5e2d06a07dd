"""How fast the benchmark's parts are, each as a ratio to what one would use otherwise, on one core of this machine.

Both sides take turns and the best of a few rounds counts, so that whatever else the machine does slows both.
"""

import contextlib
import importlib
import io
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from benchmark.adapter import Adapter, Run
from benchmark.analysis.bootstrap import resample
from benchmark.evaluation.evaluate import evaluate, evaluate_with_matches
from benchmark.evaluation.match import set_up
from benchmark.models.presets import with_images
from benchmark.models.registry import find_adapter, find_preset
from benchmark.runs.hardware import hardware, libraries
from benchmark.runs.make import seed_everything
from datasets.coco import CATEGORY_ENTRIES, scene_annotations
from datasets.render import render_layers, render_masks
from datasets.scene import GRID, GRID_SIZE, IMAGE_SIZE, Scene, SceneParameters, sample_scene
from datasets.seeds import TUNING_SEED

SCENES = SceneParameters.uniform(6)
IMAGES = 100
"""That the evaluator's comparisons are made on."""

SWEPT = 1
"""Images that thresholds are swept on."""

ROUNDS = 3
RESAMPLES = 1_000
ENGINES = {"pycocotools": ("pycocotools.cocoeval", "COCOeval", "pycocotools.coco"),
           "faster-coco-eval": ("faster_coco_eval", "COCOeval_faster", "faster_coco_eval")}  # fmt: skip
PEAK_SIZE = 1024
"""Side of the matrices whose product measures the machine's peak."""

TRAINED_MODEL, TRAINED_PRESET, TRAINED_IMAGES = "layered-embedding", "compact", 16


@dataclass(frozen=True)
class Comparison:
    """what: the work. ours, other: seconds for the same amount of it. than: what the other side is."""

    what: str
    ours: float
    than: str
    other: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is; below 1 where it is slower."""
        return self.other / self.ours


def measure() -> Iterator[Comparison]:
    """All comparisons, one after the other; those with what is not installed are left out."""
    annotations, predictions = _evaluation_data()
    for name in ENGINES:
        with contextlib.suppress(ImportError):
            yield _evaluator(name, annotations, predictions)
    yield _bootstrap(annotations, predictions)
    yield _generator()
    yield _clustering()
    with contextlib.suppress(ImportError):
        yield from _sweeps()


def training_speed() -> tuple[float, float]:
    """(images per second, share of the machine's matrix peak) of training `TRAINED_MODEL` with `TRAINED_PRESET`.

    The share is the rate of the network's own multiplications and additions over that of a product of two large
    float32 matrices, both measured here.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    adapter = find_adapter(TRAINED_MODEL)
    preset = find_preset(adapter, TRAINED_MODEL, TRAINED_PRESET)
    batch = preset.training.batch_size
    with tempfile.TemporaryDirectory() as scratch:
        counter = FlopCounterMode(display=False)
        with counter:
            _train(adapter, Path(scratch) / "counted", with_images(preset, batch))
        short, long = (
            _seconds(partial(_train, adapter, Path(scratch) / f"{images}", with_images(preset, images)))
            for images in (batch, batch + TRAINED_IMAGES)
        )
    rate = TRAINED_IMAGES / max(long - short, 1e-9)  # without what starts and ends a training
    matrix = torch.rand(PEAK_SIZE, PEAK_SIZE)
    best = min(_seconds(lambda: matrix @ matrix) for _ in range(10))
    return rate, rate * counter.get_total_flops() / batch / (2 * PEAK_SIZE**3 / best)


def speed_table(comparisons: Sequence[Comparison], training: tuple[float, float]) -> str:
    """Markdown: the ratios, the speed of training, and the machine."""
    machine, versions = hardware(), libraries()
    rows = [
        f"| {c.what} | {1000 * c.ours:,.1f} ms | {c.than} | {1000 * c.other:,.1f} ms | {c.ratio:.2f} |"
        for c in comparisons
    ]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join(
        [
            "# Speed",
            "",
            "Written by `run_benchmark.py speed`. Each ratio says how many times faster the benchmark's own code is "
            "than what one would use otherwise, for the same work on one core of one machine, taking turns.",
            "",
            "| work | here | otherwise | takes | ratio |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Training {TRAINED_MODEL}, preset {TRAINED_PRESET}: {training[0]:.1f} images per second, which is "
            f"{100 * training[1]:.0f} % of the machine's measured float32 matrix peak.",
            "",
            f"Machine: {machine['cpu']}, {machine['cores']} cores, one used; {named}.",
            "",
        ]
    )


def _evaluation_data() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Scenes and detections of a middling model: each instance twice, with the mask of itself or of its neighbour."""
    generator = np.random.default_rng(0)
    annotations: list[dict[str, Any]] = []
    predictions: list[dict[str, Any]] = []
    for image_id in range(1, IMAGES + 1):
        _, of_image = scene_annotations(render_masks(sample_scene(SCENES, TUNING_SEED, image_id - 1)))
        annotations += [
            {**entry, "id": len(annotations) + i, "image_id": image_id} for i, entry in enumerate(of_image, 1)
        ]
        for first, second in pairwise([*of_image, of_image[0]]):
            for entry in (first, second if generator.random() < 0.3 else first):
                kept = {key: entry[key] for key in ("category_id", "segmentation")}
                predictions.append({**kept, "image_id": image_id, "score": float(generator.random())})
    images = [{"id": i, "height": GRID_SIZE, "width": GRID_SIZE} for i in range(1, IMAGES + 1)]
    return {"images": images, "categories": CATEGORY_ENTRIES, "annotations": annotations}, predictions


def _evaluator(name: str, annotations: dict[str, Any], predictions: list[dict[str, Any]]) -> Comparison:
    module, engine_name, coco_module = ENGINES[name]
    new_engine = getattr(importlib.import_module(module), engine_name)
    new_coco = importlib.import_module(coco_module).COCO
    truth = {**annotations, "annotations": [{**a, "area": a["occlude_rate"]} for a in annotations["annotations"]]}

    def reference() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            coco = new_coco()
            coco.dataset = truth
            coco.createIndex()
            engine = new_engine(coco, coco.loadRes([dict(entry) for entry in predictions]), "segm")
            set_up(engine)
            engine.evaluate()
            engine.accumulate()

    ours, other = _take_turns(lambda: evaluate(annotations, predictions), reference)
    return Comparison(
        f"Evaluating {IMAGES} images, {len(predictions):,} detections, checks included", ours, name, other
    )


def _bootstrap(annotations: dict[str, Any], predictions: list[dict[str, Any]]) -> Comparison:
    metrics, matches = evaluate_with_matches(annotations, predictions)
    ours, once = _take_turns(lambda: resample(matches, metrics, RESAMPLES), lambda: evaluate(annotations, predictions))
    return Comparison(f"Bootstrap of {RESAMPLES:,} resamples", ours, "an evaluation for each", once * RESAMPLES)


def _generator() -> Comparison:
    scenes = [sample_scene(SCENES, TUNING_SEED, index) for index in range(50)]
    ours, other = _take_turns(
        lambda: [render_layers(scene, 2) for scene in scenes], lambda: [_draw_with_pillow(scene, 2) for scene in scenes]
    )
    return Comparison("Drawing 50 training images with two layers", ours, "Pillow and NumPy", other)


def _draw_with_pillow(scene: Scene, layers: int) -> tuple[np.ndarray, np.ndarray]:
    """Image and layers as one writes them without thinking of speed; corners of shapes are not exactly ours."""
    from datasets.drawing import CIRCLE, CIRCLE_DIAMETER, LINE_WIDTH, RECTANGLE, RECTANGLE_SIDES, TRIANGLE_SIDE

    image = Image.new("L", (IMAGE_SIZE, IMAGE_SIZE), 255)
    stacked = np.zeros((layers, GRID_SIZE, GRID_SIZE), np.uint8)
    for number, (category, (x, y), angle) in enumerate(
        zip(scene.categories.tolist(), scene.corners.tolist(), scene.angles.tolist(), strict=True), 1
    ):
        mask = Image.new("L", (IMAGE_SIZE, IMAGE_SIZE))
        for canvas, colors in ((mask, {"fill": 1}), (image, {"fill": 255, "outline": 0, "width": LINE_WIDTH})):
            draw = ImageDraw.Draw(canvas)
            if category == CIRCLE:
                draw.ellipse((x, y, x + CIRCLE_DIAMETER, y + CIRCLE_DIAMETER), **colors)
                continue
            corners = [(0, 0), (TRIANGLE_SIDE, 0), (TRIANGLE_SIDE / 2, 0.866 * TRIANGLE_SIDE)]
            if category == RECTANGLE:
                width, height = RECTANGLE_SIDES
                corners = [(0, 0), (width, 0), (width, height), (0, height)]
            turn = np.exp(1j * np.radians(angle))
            turned = [turn * complex(*corner) for corner in corners]
            draw.polygon([(x + corner.real, y + corner.imag) for corner in turned], **colors)
        covered = np.asarray(mask)[GRID, GRID] > 0
        for layer in range(layers - 1, 0, -1):
            stacked[layer][covered] = stacked[layer - 1][covered]
        stacked[0][covered] = number
    return np.asarray(image), stacked


def _clustering() -> Comparison:
    import torch

    cluster = importlib.import_module("embedding_model.clustering").cluster
    generator = np.random.default_rng(0)
    centres = 2.0 * generator.integers(-2, 3, (12, 6))
    embeddings = (centres[generator.integers(0, 12, 2000)] + 0.05 * generator.standard_normal((2000, 6))).astype("f4")
    ours, other = _take_turns(lambda: cluster(torch.from_numpy(embeddings), 1.5), lambda: _mean_shift(embeddings, 1.5))
    return Comparison("Clustering 2,000 pixels", ours, "NumPy mean shift of every pixel", other)


def _mean_shift(embeddings: np.ndarray, bandwidth: float) -> np.ndarray:
    """Flat-kernel mean shift, each pixel to the mode it runs to."""
    modes = embeddings.copy()
    for place, mode in enumerate(modes):
        for _ in range(30):
            mean = embeddings[np.abs(embeddings - mode).sum(axis=1) < bandwidth].mean(axis=0)
            if np.array_equal(mean, mode):
                break
            mode = mean
        modes[place] = mode
    return np.unique(modes.round(3), axis=0, return_inverse=True)[1]


def _sweeps() -> Iterator[Comparison]:
    costs = importlib.import_module("baselines.sweep_cost")
    images = [render_masks(sample_scene(SCENES, TUNING_SEED, index)).image for index in range(SWEPT)]
    for protocol in ("paper", "coco"):
        names = [name for name, (compared_with, _) in costs.SWEEPS.items() if compared_with == protocol]
        single, seconds = costs.median_times(images, protocol, names, ROUNDS)
        for name in names:
            variants = len(costs.SWEEPS[name][1])
            limits = "" if name == "default" else f", limits of {protocol}"
            what = "variants predicted by default" if name == "default" else "NMS thresholds"
            yield Comparison(
                f"Sweep of {variants} {what}{limits}", seconds[name], "one inference of Detectron2 itself", single
            )


def _train(adapter: Adapter, folder: Path, preset: Any) -> None:
    folder.mkdir()
    preset = replace(preset, training=replace(preset.training, workers=0, warmup_images=0))
    seed_everything(0)
    with contextlib.redirect_stderr(io.StringIO()):
        adapter.train(Run(folder, TRAINED_MODEL, TRAINED_PRESET, preset, SCENES))


def _take_turns(ours: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    rounds = [(_seconds(ours), _seconds(other)) for _ in range(ROUNDS)]
    return min(seconds for seconds, _ in rounds), min(seconds for _, seconds in rounds)


def _seconds(work: Callable[[], Any]) -> float:
    """Processor time, which a busy machine stretches less than the clock's."""
    started = time.process_time()
    work()
    return time.process_time() - started
