"""The best reading of a trained run, chosen on tuning scenes."""

import argparse

from benchmark.cli import paths, values
from benchmark.cli.options import add_device, device_of, metrics_text

SHOWN = 5
"""Best readings that are printed; ``tuned.json`` has all."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    tune = commands.add_parser("tune", help="choose a run's best reading on tuning scenes, then apply it once")
    tune.add_argument("run", metavar="RUN", type=values.existing,
                      help="a run folder with weights, evaluated on the benchmark's scenes")  # fmt: skip
    tune.add_argument("--images", type=values.count, default=200, help="tuning scenes to search on (default 200)")
    add_device(tune)
    tune.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.runs.make import load_run
    from benchmark.tuning import OBJECTIVE, tune

    found = tune(load_run(options.run, device_of(options)), paths.DATA, options.images)
    best = sorted(found.scores, key=lambda name: -found.scores[name])
    print(f"{len(best)} readings by {OBJECTIVE} on {options.images} tuning scenes, the best of them:")
    for name in best[:SHOWN]:
        print(f"  {found.scores[name]:.4f}  {name}")
    print(f"{options.run} tuned ({found.choice}), on the evaluation images\n{metrics_text(found.metrics)}")
    return 0
