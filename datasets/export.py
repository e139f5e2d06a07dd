"""Writing a dataset of scenes in COCO format: the contract between the benchmark and any model.

Same parameters, number of images and seed give byte-identical files on any machine.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from datasets.coco import CATEGORY_ENTRIES, encode_png, scene_annotations
from datasets.errors import InputError
from datasets.files import atomic_folder
from datasets.locks import locked
from datasets.metadata import write_metadata
from datasets.processes import usable_cores, worker_pool
from datasets.progress import progress
from datasets.render import render_masks
from datasets.scene import CATEGORIES, GRID_SIZE, IMAGE_SIZE, SceneParameters, sample_scene

GENERATOR_VERSION = "1"
"""Raised whenever the same parameters give other pixels or annotations than before."""

MAX_IMAGES = 10_000_000
"""More would take terabytes."""

ANNOTATIONS, GRID_ANNOTATIONS = "annotations.json", "annotations_64.json"


def export_dataset(
    parameters: SceneParameters, images: int, seed: int, folder: Path, *, overwrite: bool = False, workers: int = 0
) -> dict[str, Any]:
    """Write ``images/*.png`` and ``images/metadata.jsonl``, ``annotations.json`` (256x256) and ``annotations_64.json``.

    workers: processes, 0 for one per core. Returns the ``info`` of the files. A folder that already holds exactly this
    dataset is left as it is; one that lacks files of it is named on standard error and written again. Raises
    InputError if it holds anything else, unless `overwrite`. A process that finds another one writing the same folder
    waits for it.
    """
    check_images_and_seed(images, seed)
    description = _description(parameters, images, seed)
    found = None if overwrite else _existing(folder, description)
    if found:
        return found
    with locked(folder, wait=True):
        if not overwrite and (found := _existing(folder, description)):  # another process has just written it
            return found
        with atomic_folder(folder, overwrite=True) as partial_folder:
            (partial_folder / "images").mkdir()
            return _write(description, parameters, images, seed, partial_folder, folder.name, workers or usable_cores())


def check_images_and_seed(images: int, seed: int) -> None:
    """Raise InputError unless a dataset of so many images can be drawn from this seed."""
    if not 1 <= images <= MAX_IMAGES:
        raise InputError(f"images: found {images}, expected 1 to {MAX_IMAGES:,}")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed: found {seed}, expected 0 to 2**63 - 1")


def missing_files(folder: Path, file_names: Iterable[str]) -> list[str]:
    """Those of an export's images, named relative to ``images/``, that `folder` lacks or that are empty."""
    return [name for name in file_names if not _holds_bytes(folder / "images" / name)]


def _holds_bytes(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _existing(folder: Path, description: dict[str, Any]) -> dict[str, Any] | None:
    """The ``info`` of this dataset in `folder`; None where it is to be written: nothing is there, or not all of it."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    info = _info(folder)
    if {key: info.get(key) for key in description} != description:
        raise InputError(f"{folder}: already holds other files; choose another --out, or --overwrite to replace them")
    missing = missing_files(folder, map(_file_name, range(1, description["images"] + 1)))
    if not missing and "content_hash" in info and (folder / ANNOTATIONS).is_file():
        return info
    whole = description["images"]
    print(f"{folder}: found {whole - len(missing)} of {whole} images; writing it again", file=sys.stderr, flush=True)
    return None


def _description(parameters: SceneParameters, images: int, seed: int) -> dict[str, Any]:
    return {
        "description": "Amodal shape scenes",
        "version": GENERATOR_VERSION,
        "seed": seed,
        "images": images,
        "parameters": {"classes": list(CATEGORIES), **{key: list(value) for key, value in asdict(parameters).items()}},
    }


def description_of(info: dict[str, Any]) -> dict[str, Any]:
    """The part of an ``info`` that its content hash begins with."""
    return {key: info[key] for key in ("description", "version", "seed", "images", "parameters") if key in info}


def _info(folder: Path) -> dict[str, Any]:
    try:
        info = json.loads((folder / GRID_ANNOTATIONS).read_text())["info"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}


def _write(
    description: dict, parameters: SceneParameters, images: int, seed: int, folder: Path, title: str, workers: int
) -> dict[str, Any]:
    content_hash = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    image_entries: list[dict] = []
    annotations: list[dict] = []
    grid_annotations: list[dict] = []
    rendered = _render_all(parameters, images, seed, folder, workers)
    for image_id, (digest, full, grid) in enumerate(
        progress(rendered, total=images, description=f"export {title}", unit="image"), start=1
    ):
        content_hash.update(digest)
        image_entries.append({"id": image_id, "file_name": _file_name(image_id)})
        for entries, found in ((annotations, full), (grid_annotations, grid)):
            entries += [{"id": len(entries) + i, "image_id": image_id, **entry} for i, entry in enumerate(found, 1)]
    info = {**description, "content_hash": content_hash.hexdigest()}
    for name, size, entries in (
        (ANNOTATIONS, IMAGE_SIZE, annotations),
        (GRID_ANNOTATIONS, GRID_SIZE, grid_annotations),
    ):
        document = {
            "info": info,
            "licenses": [],
            "categories": CATEGORY_ENTRIES,
            "images": [{**entry, "width": size, "height": size} for entry in image_entries],
            "annotations": entries,
        }
        (folder / name).write_text(json.dumps(document, separators=(",", ":")))
    write_metadata(folder / "images", image_entries, annotations)
    return info


def _render_all(
    parameters: SceneParameters, images: int, seed: int, folder: Path, workers: int
) -> Iterator[tuple[bytes, list, list]]:
    render = partial(_render_image, parameters, seed, folder)
    if workers == 1:
        yield from map(render, range(images))
        return
    try:
        with worker_pool(min(workers, images)) as pool:
            yield from pool.map(render, range(images), chunksize=8)
    except BrokenProcessPool:
        raise InputError(f"{folder}: a process that draws images was killed; is there enough memory?") from None


def _render_image(parameters: SceneParameters, seed: int, folder: Path, index: int) -> tuple[bytes, list, list]:
    """Write one PNG; return a digest of pixels and annotations, and the annotations at both resolutions."""
    sample = render_masks(sample_scene(parameters, seed, index))
    (folder / "images" / _file_name(index + 1)).write_bytes(encode_png(sample.image))
    full, grid = scene_annotations(sample)
    digest = hashlib.sha256(sample.image.tobytes() + json.dumps([full, grid], sort_keys=True).encode()).digest()
    return digest, full, grid


def _file_name(image_id: int) -> str:
    return f"{image_id:06d}.png"
