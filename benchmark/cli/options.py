"""Options that several commands share, and what their values mean."""

import argparse
import fnmatch
import sys
from collections.abc import Collection, Sequence

from benchmark.cli import values
from datasets.dataset import Dataset
from datasets.errors import InputError
from datasets.scene import CATEGORIES, SceneParameters


def add_scene_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instances-per-class", type=int, default=6, metavar="N")
    parser.add_argument("--classes", default=",".join(CATEGORIES), help="comma-separated (default: all three)")


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
                        help="change a hyperparameter, such as training.learning_rate=0.001")  # fmt: skip


def add_variants(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--variants", type=values.text, metavar="NAME,...",
                        help="names or patterns such as nms-*, comma-separated, or "
                        f"all (default: {default})")  # fmt: skip


def add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")


def scenes_of(options: argparse.Namespace) -> SceneParameters:
    return SceneParameters.uniform(options.instances_per_class, options.classes.split(","))


def device_of(options: argparse.Namespace) -> str:
    from benchmark.runs.hardware import find_device

    return find_device(options.device)


def say_notes(dataset: Dataset) -> None:
    """Say on standard error what reading the annotations of images left out or put right."""
    from datasets.annotated import AnnotatedDataset

    if isinstance(dataset, AnnotatedDataset):
        for note in dataset.instances.notes:
            print(f"{dataset.annotations_file}: {note}", file=sys.stderr)


def matching_variants(patterns: str, existing: Sequence[str], model: str, others: Collection[str] = ()) -> list[str]:
    """Names of the `existing` variants that match; others: that have to be named in full."""
    if patterns == "all":
        return list(existing)
    found = {
        pattern: fnmatch.filter(existing, pattern) or [name for name in others if name == pattern]
        for pattern in patterns.split(",")
    }
    for pattern, names in found.items():
        if not names:
            raise InputError(f"--variants {pattern}: {model} has {', '.join(existing)}")
    return list(dict.fromkeys(name for names in found.values() for name in names))


def metrics_text(metrics: dict) -> str:
    return "\n".join(f"  {name:15s} {'none' if value is None else f'{value:.4f}'}" for name, value in metrics.items())
