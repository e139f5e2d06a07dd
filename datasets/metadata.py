"""``metadata.jsonl`` beside exported images: what loaders of image folders read (Hugging Face's `imagefolder`)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.files import write_atomically

METADATA = "metadata.jsonl"


def write_metadata(folder: Path, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]) -> None:
    """One line for each image: file_name, image_id, and its ``objects`` as columns, front to back.

    folder: that of the image files. images: COCO's, with id and file_name. annotations: COCO's, with bbox; of the other
    columns (area, occlude_rate, order) those that the first one has.
    """
    grouped: dict[int, list[Mapping[str, Any]]] = {image["id"]: [] for image in images}
    for annotation in annotations:
        grouped[annotation["image_id"]].append(annotation)
    keys = [key for key in ("area", "occlude_rate", "order") if annotations and key in annotations[0]]
    lines = [
        json.dumps(
            {
                "file_name": image["file_name"],
                "image_id": image["id"],
                "objects": {
                    "bbox": [entry["bbox"] for entry in grouped[image["id"]]],
                    "category": [entry["category_id"] for entry in grouped[image["id"]]],
                    **{key: [entry[key] for entry in grouped[image["id"]]] for key in keys},
                },
            },
            separators=(",", ":"),
        )
        for image in images
    ]
    text = "".join(f"{line}\n" for line in lines)
    write_atomically(folder / METADATA, lambda temporary: temporary.write_text(text))
