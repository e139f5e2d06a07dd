"""What the report's Fig. 4 paints of a run, made again from its weights."""

import argparse

from benchmark.cli import paths, values
from benchmark.cli.options import add_device, device_of
from datasets.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    pictures = commands.add_parser("pictures", help="make again what the report's Fig. 4 paints of a trained run")
    pictures.add_argument("runs", metavar="RUN", nargs="+", type=values.existing, help="a run folder with weights")
    add_device(pictures)
    pictures.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.evaluation.sets import evaluation_set
    from benchmark.models.registry import find_adapter
    from benchmark.runs.make import load_run, seed_everything
    from benchmark.runs.pictures import keep_pictures
    from benchmark.runs.record import read_run
    from datasets.locks import locked

    for folder in options.runs:
        record, loaded = read_run(folder), load_run(folder, device_of(options))
        if not loaded.weights.exists():
            raise InputError(f"{loaded.weights}: not there, expected the weights of a trained run")
        if record.evaluation_scenes is None:
            raise InputError(f"{folder}: was not evaluated on the benchmark's own scenes, expected a run that was")
        described = record.manifest["dataset"]
        dataset = evaluation_set(paths.DATA, record.evaluation_scenes, described["images"], described["seed"])
        seed_everything(loaded.seed)
        with locked(folder):
            count = keep_pictures(find_adapter(loaded.model), dataset, loaded)
        print(f"{folder}: {count} pictures of image {dataset.image_ids[0]}")
    return 0
