"""How fast the benchmark's parts are on this machine."""

import argparse

from benchmark.cli import paths, values


def add_parser(commands: argparse._SubParsersAction) -> None:
    speed = commands.add_parser("speed", help="compare the speed of the benchmark's parts with that of other tools")
    speed.add_argument("--out", type=values.output_file, help="default: speed.md in the folder of results")
    speed.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from benchmark.speed import measure, speed_table, training_speed
    from datasets.files import write_atomically

    torch.set_num_threads(1)
    comparisons = []
    for found in measure():
        comparisons.append(found)
        print(f"{found.what}: {found.ratio:.2f} times as fast as {found.than}", flush=True)
    text = speed_table(comparisons, training_speed())
    out = options.out or paths.RESULTS / "speed.md"
    write_atomically(out, lambda temporary: temporary.write_text(text))
    print(f"{out}: written")
    return 0
