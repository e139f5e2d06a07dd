"""Checking that released numbers still hold."""

import argparse

from benchmark.cli import paths, values


def add_parser(commands: argparse._SubParsersAction) -> None:
    verify = commands.add_parser("verify", help="check that released numbers still hold")
    verify.add_argument("--results", type=values.existing, default=paths.RESULTS, metavar="DIR", help="or the folder "
                        "of a study, whose runs are held against their own metrics")  # fmt: skip
    verify.add_argument("--update", action="store_true", help="write what is found as the expected numbers")
    verify.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.released.verify import verify

    return verify(options.results, paths.DATA, update=options.update)
