"""The paper's Fig. 3: one run for each embedding dimension and crowd."""

import argparse
from collections.abc import Sequence

from benchmark.cli import paths, values
from benchmark.cli.options import add_device, add_settings
from datasets.errors import InputError
from datasets.seeds import EVALUATION_IMAGES


def add_parser(commands: argparse._SubParsersAction) -> None:
    sweep = commands.add_parser("sweep", help="the paper's Fig. 3: train for each embedding dimension and crowd")
    sweep.add_argument("--channels", metavar="C,C,...", help="embedding dimensions (default: 1 to 6, as in the paper)")
    sweep.add_argument("--instances", metavar="N,N,...", help="rectangles per image (default: 6,12,18,24,30)")
    sweep.add_argument("--preset", default="compact", help="hyperparameters; `models` lists them (default: compact)")
    add_settings(sweep)
    sweep.add_argument("--layers", type=values.layers, default=2, help="layers of masks L (default 2, as in the paper)")
    sweep.add_argument("--images", type=values.count, help="budget of each run in images seen (default: the preset's)")
    sweep.add_argument("--evaluation-images", type=values.count, default=EVALUATION_IMAGES)
    sweep.add_argument(
        "--out", type=values.output_folder, default=paths.RESULTS / "figure3", help="folder of the run folders"
    )
    sweep.add_argument("--max-minutes", type=values.minutes, help="stop each run at a checkpoint after so long")
    sweep.add_argument("--parallel", type=values.whole_number(1, 10_000), default=1, help="runs at a time (default 1)")
    sweep.add_argument("--cluster", choices=("local", "slurm"), default="local", help="where runs run (default: local)")
    sweep.add_argument("--slurm", action="append", default=[], metavar="NAME=VALUE", help="a parameter for sbatch, "
                       "such as partition=gpu, time=600 (minutes) or cpus_per_task=4")  # fmt: skip
    add_device(sweep)
    sweep.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.paper.figure3 import figure3_runs, read_figure3
    from benchmark.runs.sweep import sweep

    figure = read_figure3(paths.RESULTS / "paper")
    runs = figure3_runs(
        figure,
        options.out,
        options.preset,
        channels=_numbers("--channels", options.channels, figure.channels),
        instances=_numbers("--instances", options.instances, figure.instances_per_class),
        images=options.images,
        layers=options.layers,
        max_minutes=options.max_minutes,
        settings=options.settings,
        command=options.command_line,
    )
    done = sweep(
        runs,
        options.out,
        paths.DATA,
        evaluation_images=options.evaluation_images,
        device=options.device,
        cluster=options.cluster,
        parallel=options.parallel,
        slurm=_slurm_parameters(options.slurm),
    )
    return 0 if done else 1


def _numbers(option: str, text: str | None, default: Sequence[int]) -> list[int]:
    if text is None:
        return list(default)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise InputError(f"{option}: found {text}, expected whole numbers above 0 such as {default[0]},{default[1]}")
    return list(dict.fromkeys(int(word) for word in words))


def _slurm_parameters(settings: Sequence[str]) -> dict[str, int | str]:
    parameters: dict[str, int | str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise InputError(f"--slurm {setting}: expected NAME=VALUE, such as partition=gpu")
        parameters[name] = int(value) if value.isdecimal() else value
    return parameters
