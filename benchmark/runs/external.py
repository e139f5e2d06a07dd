"""A run folder from a results file that was made elsewhere, so that the report shows it."""

from pathlib import Path

from benchmark.adapter import DEFAULT
from benchmark.analysis.analyse import Analysis
from benchmark.evaluation.evaluate import Metrics
from benchmark.evaluation.validate import read_annotations
from benchmark.runs.folder import predictions_path, write_analysis, write_metrics
from benchmark.runs.manifest import Progress, add_to_manifest, write_manifest
from benchmark.runs.predictions import write_predictions
from datasets.errors import InputError
from datasets.scene import GRID_SIZE, SceneParameters
from datasets.table import load_json

EXTERNAL = "external"
"""Preset of such a run."""

NOT_STATED = "not stated"


def keep_external_run(
    folder: Path, model: str, annotations: Path, predictions: Path, *,
    images_seen: int = 0, layers: int = 2, pretraining: str = NOT_STATED, command: str = "",
) -> Metrics:  # fmt: skip
    """Evaluate COCO results and leave manifest, metrics, analysis and predictions in `folder`.

    model: the name that the report shows; that of one of the paper's models puts the run into its rows. annotations:
    an exported dataset's ``annotations_64.json``, or any file that the evaluator reads, whose scenes are then called
    like it. images_seen: in training, 0 if not known; it decides with which runs this one is compared. layers: of
    masks, for models that have them. command: what a person typed, for the manifest. Returns the metrics. Raises
    InputError for the first fault in either file, and if `folder` holds something.
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
    write_predictions(predictions_path(folder, DEFAULT), load_json(predictions, "predictions")[0])
    write_metrics(folder, {DEFAULT: analysis.metrics})
    write_analysis(folder, {DEFAULT: analysis.summary}, keep=False)
    identity = {
        "model": model,
        "preset": EXTERNAL,
        "hyperparameters": {},
        "pretraining": pretraining,
        "scenes": scenes,
        "layers": layers,
        "seed": None,
    }
    write_manifest(folder, identity, Progress(images_seen, images_seen), command)
    described = {key: info[key] for key in ("content_hash", "seed", "parameters") if key in info}
    add_to_manifest(folder, dataset=described | {"images": len(ground_truth.image_sizes)})
    return analysis.metrics
