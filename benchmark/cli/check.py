"""The conformance test on a model."""

import argparse

from benchmark.cli import values


def add_parser(commands: argparse._SubParsersAction) -> None:
    check = commands.add_parser("check", help="run the conformance test on a model")
    check.add_argument("model", metavar="MODEL", type=values.text)
    check.add_argument("--preset", default=None, help="default: smoke where the model has presets")
    check.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.conformance import check_adapter

    faults = check_adapter(options.model, options.preset)
    for fault in faults:
        print(f"failed: {fault}")
    print(f"{options.model}: {f'{len(faults)} checks failed' if faults else 'conforms'}")
    return 1 if faults else 0
