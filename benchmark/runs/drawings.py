"""Predictions painted over pictures: an overlay, a mask a detection and its label, for eyes and for other programs."""

import colorsys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from datasets.coco import decode_masks
from datasets.errors import InputError
from datasets.files import atomic_folder, write_json
from datasets.pictures import Pictures
from datasets.progress import progress

OPACITY = 0.45
GOLDEN_RATIO = 0.618034

SMALLEST_LETTERS, LINES = 9.0, 45
"""Height of the letters: so many pixels at least, else so many lines along the longer side."""


def check_drawing_folder(folder: Path) -> None:
    """Raise InputError unless `folder` is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: found something there, expected a new folder for drawings")


def draw_predictions(
    pictures: Pictures, entries: Sequence[Mapping[str, Any]], folder: Path, minimum_score: float
) -> int:
    """Write a folder for each picture: overlay.png, masks of 0 and 255 and instances.json. Returns how many are drawn.

    entries: COCO results at the pictures' own sizes. Those that score less than `minimum_score` are not drawn. The
    whole of `folder` appears at once, when all is written.
    """
    check_drawing_folder(folder)
    by_image: dict[int, list[Mapping[str, Any]]] = {image_id: [] for image_id in pictures.image_ids}
    for entry in entries:
        if entry["score"] >= minimum_score:
            by_image[entry["image_id"]].append(entry)
    names = {category["id"]: category["name"] for category in pictures.categories}
    with atomic_folder(folder) as partial:
        for image_id, found in progress(by_image.items(), total=len(by_image), description="draw", unit="image"):
            target = partial / pictures.names[image_id]
            target.mkdir()
            best_first = sorted(found, key=lambda entry: -entry["score"])
            _draw(pictures.own_image(image_id), best_first, names, target, pictures.files[image_id - 1].name)
    return sum(len(found) for found in by_image.values())


def overlay(image: np.ndarray, masks: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """`image` (H, W, 3) uint8 with each of `masks` (n, H, W) bool in a colour of its own, outlined and labelled.

    The first mask is painted last, over the others. Labels stay inside the image and never lie on each other: one that
    finds no room beside those of earlier masks is left out.
    """
    painted = image.copy()
    scale = max(image.shape[:2]) / 1000 + 0.25
    for number in range(len(masks) - 1, -1, -1):
        mask, color = masks[number], instance_color(number)
        painted[mask] = ((1 - OPACITY) * painted[mask] + OPACITY * np.array(color)).astype(np.uint8)
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(painted, contours, -1, color, max(1, round(2 * scale)))
    return _labelled(painted, masks, labels)


def instance_color(number: int) -> tuple[int, int, int]:
    """RGB of the instance with that number: neighbours differ by the golden ratio of the colour circle."""
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN_RATIO % 1, 0.75, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)


def _labelled(image: np.ndarray, masks: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """`image` with each label in the middle of its mask, or a line or two above or below."""
    picture = Image.fromarray(image)
    draw, size = ImageDraw.Draw(picture), np.array([picture.width, picture.height])
    font = ImageFont.load_default(max(SMALLEST_LETTERS, max(image.shape[:2]) / LINES))
    boxes = np.zeros((0, 2, 2))  # of the labels so far: first and last corner, x and y
    for number, (mask, label) in enumerate(zip(masks, labels, strict=True)):
        rows, columns = np.nonzero(mask)
        if not len(rows):
            continue
        corners = np.reshape(draw.textbbox((0, 0), label, font=font, stroke_width=1), (2, 2))
        extent = corners[1] - corners[0]
        middle = np.array([columns.mean(), rows.mean()]) - extent / 2
        for line in (0, 1, -1, 2, -2):
            start = np.clip(middle + (0, line * extent[1]), 0, np.maximum(size - extent, 0))
            if not ((boxes[:, 0] < start + extent) & (boxes[:, 1] > start)).all(axis=1).any():
                boxes = np.concatenate([boxes, [[start, start + extent]]])
                light = tuple((channel + 255) // 2 for channel in instance_color(number))
                place = tuple(start - corners[0])
                draw.text(place, label, fill=light, font=font, stroke_width=1, stroke_fill="black")
                break
    return np.array(picture)


def _draw(
    image: np.ndarray, entries: Sequence[Mapping[str, Any]], names: Mapping[int, str], folder: Path, file_name: str
) -> None:
    segmentations = [entry["segmentation"] for entry in entries]
    masks = decode_masks(segmentations) if segmentations else np.zeros((0, *image.shape[:2]), bool)
    labels = [f"{names[entry['category_id']]} {entry['score']:.2f}" for entry in entries]
    _write_png(folder / "overlay.png", cv2.cvtColor(overlay(image, masks, labels), cv2.COLOR_RGB2BGR))
    instances = []
    for number, (entry, mask) in enumerate(zip(entries, masks, strict=True), start=1):
        name = f"mask-{number:03d}.png"
        _write_png(folder / name, np.where(mask, 255, 0).astype(np.uint8))
        kept = {key: entry[key] for key in ("score", "bbox", "order") if key in entry}
        instances.append({"mask": name, "category": names[entry["category_id"]], **kept})
    write_json(folder / "instances.json", {"file_name": file_name, "instances": instances})


def _write_png(path: Path, image: np.ndarray) -> None:
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
