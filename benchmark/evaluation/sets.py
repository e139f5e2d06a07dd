"""The exported sets that runs are evaluated on, made when they are first needed."""

from pathlib import Path

from datasets.export import export_dataset
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_IMAGES, EVALUATION_SEED


def evaluation_set(
    data_folder: Path, scenes: SceneParameters, images: int = EVALUATION_IMAGES, seed: int = EVALUATION_SEED
) -> ExportedDataset:
    """The first `images` scenes of `seed`, exported below `data_folder` unless they are there already."""
    folder = data_folder / f"n{scenes.label}-{images}-images-seed{seed}"
    export_dataset(scenes, images, seed, folder)
    return ExportedDataset(folder)
