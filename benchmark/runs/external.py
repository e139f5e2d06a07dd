"""A run folder from a results file that was made elsewhere, so that the report shows it."""

from pathlib import Path
from typing import Any

from benchmark.adapter import DEFAULT
from benchmark.analysis.analyse import Analysis
from benchmark.evaluation.evaluate import Metrics
from benchmark.evaluation.validate import GroundTruth, read_annotations
from benchmark.runs.folder import predictions_path, write_analysis, write_metrics
from benchmark.runs.manifest import Progress, add_to_manifest, read_manifest, write_manifest
from datasets.documents import Document
from datasets.errors import InputError
from datasets.exported import read_parameters
from datasets.files import atomic_folder, write_compact_list
from datasets.locks import locked
from datasets.scene import GRID_SIZE

EXTERNAL = "external"
"""Preset of such a run."""

NOT_STATED = "not stated"


def keep_external_run(
    folder: Path, model: str, annotations: Path, predictions: Path, *,
    images_seen: int = 0, layers: int = 2, pretraining: str = NOT_STATED, command: str = "", overwrite: bool = False,
) -> Metrics:  # fmt: skip
    """Evaluate COCO results and leave manifest, metrics, analysis and predictions in `folder`.

    model: the name that the report shows; that of one of the paper's models puts the run into its rows. annotations:
    an exported dataset's ``annotations_64.json``, or any file that the evaluator reads, whose scenes are then called
    like it. images_seen: in training, 0 if not known; it decides with which runs this one is compared. layers: of
    masks, for models that have them. command: what a person typed, for the manifest. overwrite: replace the run in
    `folder`. Returns the metrics; the folder appears when all of it is written. Raises InputError for the first fault
    in either file, if `folder` holds something that is not to be replaced, and if another process works on it.
    """
    with locked(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not overwrite:
                raise InputError(f"{folder}: found something there, expected a new folder, or --overwrite")
            read_manifest(folder)  # raises: only a run is ever replaced
        ground_truth = read_annotations(annotations)
        analysis = Analysis.of(ground_truth, predictions)
        identity, dataset = _describe(model, annotations, ground_truth, layers, pretraining)
        with atomic_folder(folder, overwrite=overwrite) as partial_folder:
            blocks = Document(predictions, "predictions", None).blocks()
            write_compact_list(predictions_path(partial_folder, DEFAULT), blocks)
            write_metrics(partial_folder, {DEFAULT: analysis.metrics})
            write_analysis(partial_folder, {DEFAULT: analysis.summary}, keep=False)
            write_manifest(partial_folder, identity, Progress(images_seen, images_seen), command)
            add_to_manifest(partial_folder, dataset=dataset)
    return analysis.metrics


def _describe(
    model: str, annotations: Path, ground_truth: GroundTruth, layers: int, pretraining: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the manifest says of the run and of its dataset."""
    document = Document(annotations, "annotations", "annotations")
    for _ in document.blocks():  # its outline is whole once they are read
        pass
    info = document.outline.get("info")
    info = info if isinstance(info, dict) else {}
    scenes: dict[str, Any] = {"label": annotations.name.split(".")[0]}
    if "parameters" in info:
        if [GRID_SIZE, GRID_SIZE] not in ground_truth.image_sizes.values():
            raise InputError(f"{annotations}: found the large masks, expected the annotations_64.json beside it")
        if parameters := read_parameters(info, str(annotations)):
            scenes = {"counts": list(parameters.counts), "label": parameters.label}
    identity = {
        "model": model,
        "preset": EXTERNAL,
        "hyperparameters": {},
        "pretraining": pretraining,
        "scenes": scenes,
        "layers": layers,
        "seed": None,
    }
    described = {key: info[key] for key in ("content_hash", "seed", "parameters") if key in info}
    return identity, described | {"images": len(ground_truth.image_sizes)}
