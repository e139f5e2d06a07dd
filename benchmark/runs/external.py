"""A run folder from a results file that was made elsewhere, so that the report shows it."""

import sys
from pathlib import Path

from benchmark.analysis.analyse import Analysis
from benchmark.evaluation.evaluate import Metrics
from benchmark.evaluation.validate import read_annotations
from benchmark.runs.make import write_analysis
from benchmark.runs.manifest import tier
from benchmark.runs.predictions import write_predictions
from datasets.errors import InputError
from datasets.files import write_json
from datasets.scene import GRID_SIZE, SceneParameters
from datasets.table import load_json

EXTERNAL = "external"
"""Preset of such a run, and its tier where nobody says what it saw."""

NOT_STATED = "not stated"


def keep_external_run(
    folder: Path, model: str, annotations: Path, predictions: Path, *,
    images_seen: int = 0, layers: int = 2, pretraining: str = NOT_STATED,
) -> Metrics:  # fmt: skip
    """Evaluate COCO results and leave manifest, metrics, analysis and predictions in `folder`.

    model: the name that the report shows; that of one of the paper's models puts the run into its rows. annotations:
    an exported dataset's ``annotations_64.json``, or any file that the evaluator reads, whose scenes are then called
    like it. images_seen: in training, 0 if not known; it decides with which runs this one is compared. layers: of
    masks, for models that have them. Returns the metrics. Raises InputError for the first fault in either file, and if
    `folder` holds something.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--out {folder}: found something there, expected a new folder")
    ground_truth = read_annotations(annotations)
    analysis = Analysis.of(ground_truth, predictions)

    info = load_json(annotations, "annotations")[0].get("info") or {}
    scenes = {"label": annotations.name.split(".")[0]}
    if "parameters" in info:
        if [GRID_SIZE, GRID_SIZE] not in ground_truth.image_sizes.values():
            raise InputError(f"{annotations}: found the large masks, expected the annotations_64.json beside it")
        parameters = SceneParameters(tuple(info["parameters"]["counts"]))
        scenes = {"counts": list(parameters.counts), "label": parameters.label}
    write_predictions(folder / "predictions.default.json.gz", load_json(predictions, "predictions")[0])
    write_json(folder / "metrics.json", {"default": analysis.metrics})
    write_analysis(folder, {"default": analysis.summary}, keep=False)
    manifest = {
        "model": model,
        "preset": EXTERNAL,
        "hyperparameters": {},
        "pretraining": pretraining,
        "scenes": scenes,
        "layers": layers,
        "seed": None,
        "images_seen": images_seen,
        "images_budget": images_seen,
        "tier": tier(EXTERNAL, images_seen, images_seen) if images_seen else EXTERNAL,
        "finished": True,
        "command": " ".join(["run_benchmark.py", *sys.argv[1:]]),
        "dataset": {
            **{key: info[key] for key in ("content_hash", "seed", "parameters") if key in info},
            "images": len(ground_truth.image_sizes),
        },
    }
    write_json(folder / "manifest.json", manifest)
    return analysis.metrics
