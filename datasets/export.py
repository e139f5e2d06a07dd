"""Writing a dataset of scenes in COCO format: the contract between the benchmark and any model.

Same parameters, number of images and seed give byte-identical files on any machine.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from datasets.coco import CATEGORY_ENTRIES, encode_png, scene_annotations
from datasets.errors import InputError
from datasets.progress import progress
from datasets.render import render_masks
from datasets.scene import CATEGORIES, GRID_SIZE, IMAGE_SIZE, SceneParameters, sample_scene

GENERATOR_VERSION = "1"
"""Raised whenever the same parameters give other pixels or annotations than before."""

ANNOTATIONS, GRID_ANNOTATIONS = "annotations.json", "annotations_64.json"


def export_dataset(
    parameters: SceneParameters, images: int, seed: int, folder: Path, *, overwrite: bool = False, workers: int = 0
) -> dict[str, Any]:
    """Write ``images/*.png``, ``annotations.json`` (256x256) and ``annotations_64.json`` to `folder`.

    workers: processes, 0 for one per core. Returns the ``info`` of the files. A folder that already holds exactly this
    dataset is left as it is. Raises InputError if it holds anything else, unless `overwrite`.
    """
    if images < 1:
        raise InputError(f"--images: found {images}, expected at least 1")
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed: found {seed}, expected 0 to 2**63 - 1")
    description = _description(parameters, images, seed)
    if folder.exists() and not overwrite and (not folder.is_dir() or any(folder.iterdir())):
        found = _info(folder)
        if {key: found.get(key) for key in description} == description:
            return found
        raise InputError(f"{folder}: already holds other files; choose another --out, or --overwrite to replace them")
    partial_folder = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial_folder, ignore_errors=True)
    try:
        (partial_folder / "images").mkdir(parents=True)
        info = _write(description, parameters, images, seed, partial_folder, workers or os.cpu_count() or 1)
        if folder.exists():
            shutil.rmtree(folder)
        partial_folder.rename(folder)
    except BaseException:
        shutil.rmtree(partial_folder, ignore_errors=True)
        raise
    return info


def _description(parameters: SceneParameters, images: int, seed: int) -> dict[str, Any]:
    return {
        "description": "Amodal shape scenes",
        "version": GENERATOR_VERSION,
        "seed": seed,
        "images": images,
        "parameters": {"classes": list(CATEGORIES), **{key: list(value) for key, value in asdict(parameters).items()}},
    }


def _info(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / GRID_ANNOTATIONS).read_text())["info"]
    except (OSError, ValueError, KeyError):
        return {}


def _write(
    description: dict, parameters: SceneParameters, images: int, seed: int, folder: Path, workers: int
) -> dict[str, Any]:
    content_hash = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    image_entries, annotations, grid_annotations = [], [], []
    rendered = _render_all(parameters, images, seed, folder, workers)
    for image_id, (digest, full, grid) in enumerate(
        progress(rendered, total=images, description=f"export {folder.stem}", unit="image"), start=1
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
    return info


def _render_all(
    parameters: SceneParameters, images: int, seed: int, folder: Path, workers: int
) -> Iterator[tuple[bytes, list, list]]:
    render = partial(_render_image, parameters, seed, folder)
    if workers == 1:
        yield from map(render, range(images))
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(render, range(images), chunksize=8)


def _render_image(parameters: SceneParameters, seed: int, folder: Path, index: int) -> tuple[bytes, list, list]:
    """Write one PNG; return a digest of pixels and annotations, and the annotations at both resolutions."""
    sample = render_masks(sample_scene(parameters, seed, index))
    (folder / "images" / _file_name(index + 1)).write_bytes(encode_png(sample.image))
    full, grid = scene_annotations(sample)
    digest = hashlib.sha256(sample.image.tobytes() + json.dumps([full, grid], sort_keys=True).encode()).digest()
    return digest, full, grid


def _file_name(image_id: int) -> str:
    return f"{image_id:06d}.png"
