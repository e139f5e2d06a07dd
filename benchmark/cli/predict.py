"""Predictions of a trained run, or of a model without training, as COCO results."""

import argparse
from collections.abc import Sequence
from contextlib import nullcontext

from benchmark.cli import values
from benchmark.cli.options import add_device, add_variants, device_of, matching_variants
from datasets.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    predict = commands.add_parser("predict", help="write predictions as COCO results",
                                  epilog="--NAME VALUE asks for the model's variant NAME-VALUE.")  # fmt: skip
    predict.add_argument(
        "model", metavar="MODEL|RUN", type=values.text, help="a run folder, or a model that needs no training"
    )
    predict.add_argument("--dataset", type=values.existing, required=True, help="folder from `export`")
    predict.add_argument("--out", type=values.output_file, required=True, help="results file (.json or .json.gz); with "
                         "several variants each gets its name in front of the ending")  # fmt: skip
    add_variants(predict, "the model's first")
    add_device(predict)
    predict.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.runs.make import find_run, seed_everything
    from benchmark.runs.predictions import predict, variant_path, write_predictions
    from datasets.exported import ExportedDataset
    from datasets.locks import locked

    adapter, run = find_run(options.model, device_of(options))
    variants = _variants(options, adapter.variants, run.model)
    dataset = ExportedDataset(options.dataset)
    seed_everything(run.seed)
    with locked(run.folder) if adapter.presets else nullcontext():
        predictions = predict(adapter, dataset, run, variants)
    for name, entries in predictions.items():
        path = options.out if len(variants) == 1 else variant_path(options.out, name)
        write_predictions(path, entries)
        print(f"{path}: {len(entries)} detections in {len(dataset)} images")
    return 0


def _variants(options: argparse.Namespace, existing: Sequence[str], model: str) -> list[str]:
    wanted = matching_variants(options.variants, existing, model) if options.variants else []
    names, values = options.rest[::2], options.rest[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise InputError(f"predict: found {' '.join(options.rest)}, expected pairs of --NAME VALUE")
    wanted += [f"{name[2:]}-{value}" for name, value in zip(names, values, strict=True)]
    return wanted or [existing[0]]
