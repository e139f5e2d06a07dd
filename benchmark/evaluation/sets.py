"""The exported sets that runs are evaluated on, made when they are first needed."""

from pathlib import Path

from datasets.errors import InputError
from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_IMAGES, EVALUATION_SEED
from datasets.source import Source


def evaluation_set(
    data_folder: Path, scenes: Source, images: int = EVALUATION_IMAGES, seed: int = EVALUATION_SEED
) -> ExportedDataset:
    """The first `images` scenes of `seed`, exported below `data_folder` unless they are there already.

    Raises InputError for a source that is no scenes and can therefore not be drawn anew.
    """
    if not isinstance(scenes, SceneParameters):
        raise InputError(f"{scenes.label}: found no scenes, expected them for an evaluation set")
    folder = data_folder / f"n{scenes.label}-{images}-images-seed{seed}"
    export_dataset(scenes, images, seed, folder)
    return ExportedDataset(folder)
