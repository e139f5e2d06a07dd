"""Predictions of a trained run, or of a model without training, as COCO results."""

import argparse
from contextlib import nullcontext

from benchmark.adapter import Adapter
from benchmark.cli import values
from benchmark.cli.options import add_device, add_variants, device_of, matching_variants, say_notes
from benchmark.runs.drawings import check_drawing_folder, draw_predictions
from datasets.errors import InputError

MINIMUM_SCORE = 0.3
"""Of detections that are drawn."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser("predict", help="write predictions as COCO results",
                                  epilog="--NAME VALUE asks for the model's variant NAME-VALUE.")  # fmt: skip
    predict.add_argument(
        "model", metavar="MODEL|RUN", type=values.text, help="a run folder, or a model that needs no training"
    )
    predict.add_argument("--dataset", type=values.existing, help="folder from `export`, or one with annotations.json "
                         "and images of any size")  # fmt: skip
    predict.add_argument("--images", type=values.existing, nargs="+", metavar="IMAGE|FOLDER", help="pictures of any "
                         "size, without annotations, in place of --dataset")  # fmt: skip
    predict.add_argument("--out", type=values.output_file, help="results file (.json or .json.gz); with several "
                         "variants each gets its name in front of the ending")  # fmt: skip
    predict.add_argument("--size", choices=("grid", "image"), help="of the masks: the 64x64 grid, or each image's own "
                         "(default: grid for scenes, image for other data sets)")  # fmt: skip
    predict.add_argument("--draw", type=values.output_folder, metavar="FOLDER", help="with --images: write masks, "
                         "labels and an overlay of the first variant to a new folder")  # fmt: skip
    predict.add_argument("--min-score", type=values.fraction, default=MINIMUM_SCORE, metavar="SCORE", help="of what "
                         f"--draw draws (default {MINIMUM_SCORE})")  # fmt: skip
    add_variants(predict, "the model's first")
    add_device(predict)
    predict.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.runs.make import find_run, seed_everything
    from benchmark.runs.predictions import predict, variant_path, write_predictions
    from datasets.annotated import open_dataset
    from datasets.locks import locked
    from datasets.pictures import Pictures

    _check(options)
    adapter, run = find_run(options.model, device_of(options))
    variants = _variants(options, adapter, run.model)
    dataset = Pictures(options.images, run.source.categories) if options.images else open_dataset(options.dataset)
    say_notes(dataset)
    seed_everything(run.seed)
    with locked(run.folder) if adapter.presets else nullcontext():
        predictions = predict(adapter, dataset, run, variants, options.size)
    if options.out is not None:
        for name, entries in predictions.items():
            path = options.out if len(variants) == 1 else variant_path(options.out, name)
            write_predictions(path, entries)
            print(f"{path}: {len(entries)} detections in {len(dataset)} images")
    if isinstance(dataset, Pictures) and options.draw is not None:
        drawn = draw_predictions(dataset, predictions[variants[0]], options.draw, options.min_score)
        print(f"{options.draw}: {drawn} detections drawn over {len(dataset)} images")
    return 0


def _check(options: argparse.Namespace) -> None:
    if (options.dataset is None) == (options.images is None):
        raise InputError("predict: expected one of --dataset and --images")
    if options.out is None and options.draw is None:
        raise InputError("predict: found neither --out nor --draw, expected one of them")
    if options.draw is not None:
        if options.images is None or options.size == "grid":
            raise InputError("--draw: expected --images, and masks at their size")
        check_drawing_folder(options.draw)


def _variants(options: argparse.Namespace, adapter: Adapter, model: str) -> list[str]:
    existing, others = adapter.variants, adapter.readings
    wanted = matching_variants(options.variants, existing, model, others) if options.variants else []
    names, values = options.rest[::2], options.rest[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise InputError(f"predict: found {' '.join(options.rest)}, expected pairs of --NAME VALUE")
    wanted += [f"{name[2:]}-{value}" for name, value in zip(names, values, strict=True)]
    return wanted or [existing[0]]
