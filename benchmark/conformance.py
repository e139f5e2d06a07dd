"""The conformance test: does an adapter keep the promises of `benchmark.adapter`? Runs on any adapter.

It trains twice for a few small batches, once in one go and once stopped and resumed, and predicts a tiny dataset
that has an image without shapes.
"""

import json
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmark.adapter import Adapter, Run
from benchmark.models.presets import with_images, with_setting
from benchmark.models.registry import find_adapter, find_preset
from benchmark.runs.make import seed_everything
from benchmark.runs.predictions import predict
from datasets.coco import encode_png
from datasets.errors import InputError
from datasets.export import ANNOTATIONS, GRID_ANNOTATIONS, export_dataset
from datasets.exported import ExportedDataset
from datasets.scene import IMAGE_SIZE, SceneParameters

SCENES = SceneParameters((1, 1, 1))
IMAGES = 3
EMPTY_IMAGE = 2
STEPS = 2
SEED = 7


def check_adapter(model: str, preset_name: str | None = None) -> list[str]:
    """Faults found, one line each; [] if the adapter conforms. Raises InputError for an unknown model or preset."""
    adapter = find_adapter(model)
    if adapter.presets and preset_name is None:
        preset_name = "smoke" if "smoke" in adapter.presets else next(iter(adapter.presets))
    preset = find_preset(adapter, model, preset_name)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        dataset = tiny_dataset(folder / "dataset")
        run = Run(folder / "run", model, preset_name, preset, SCENES, seed=SEED)
        faults: list[str] = []
        if preset is not None:
            batch = 2 * preset.training.accumulate
            preset = with_setting(preset, f"training.batch_size={batch}")
            run = replace(run, preset=with_images(preset, STEPS * batch))
            faults += _attempt("training", lambda: _check_training(adapter, run, folder))
        return faults or _attempt("prediction", lambda: _check_prediction(adapter, run, dataset))


def tiny_dataset(folder: Path) -> ExportedDataset:
    """A dataset of IMAGES images of which number EMPTY_IMAGE is white and without annotations."""
    export_dataset(SCENES, IMAGES, SEED, folder, workers=1)
    white = np.full((IMAGE_SIZE, IMAGE_SIZE), 255, np.uint8)
    (folder / "images" / f"{EMPTY_IMAGE:06d}.png").write_bytes(encode_png(white))
    for name in (ANNOTATIONS, GRID_ANNOTATIONS):
        document = json.loads((folder / name).read_text())
        del document["info"]["parameters"]  # no generator makes this set
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] != EMPTY_IMAGE]
        (folder / name).write_text(json.dumps(document))
    return ExportedDataset(folder)


def _check_training(adapter: Adapter, run: Run, folder: Path) -> list[str]:
    interrupted = replace(run, folder=folder / "interrupted")
    outcomes = [_train(adapter, run)]
    outcomes += [_train(adapter, replace(interrupted, max_minutes=0.0)), _train(adapter, interrupted)]
    faults = []
    if outcomes != [True, False, True]:
        faults.append(
            f"train returned {outcomes} for a whole run, one stopped at once and the same resumed, "
            "expected [True, False, True]"
        )
    elif run.weights.read_bytes() != interrupted.weights.read_bytes():
        faults.append("a run that was stopped and resumed ends with other weights than an undisturbed one")
    return faults


def _train(adapter: Adapter, run: Run) -> bool:
    run.folder.mkdir(exist_ok=True)
    seed_everything(run.seed)
    return adapter.train(run)


def _check_prediction(adapter: Adapter, run: Run, dataset: ExportedDataset) -> list[str]:
    outputs = []
    for _ in range(2):
        seed_everything(run.seed)
        # raises InputError where masks, scores, categories or the image ids are not as documented
        outputs.append(predict(adapter, dataset, run, adapter.variants))
    faults = []
    if outputs[0] != outputs[1]:
        faults.append("two predictions of the same run differ")
    seed_everything(run.seed)
    if predict(adapter, dataset, run, adapter.variants[:1]) != {adapter.variants[0]: outputs[0][adapter.variants[0]]}:
        faults.append(f"variant {adapter.variants[0]} differs when it is asked for alone")
    return faults


def _attempt(what: str, check: Callable[[], list[str]]) -> list[str]:
    try:
        return check()
    except InputError as error:
        return [f"{what}: {error}"]
    except Exception as error:  # the author's code: whatever it raises is the author's to know
        return [f"{what}: {' '.join(traceback.format_exception_only(error)[-1].split())}"]
