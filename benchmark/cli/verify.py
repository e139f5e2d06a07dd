"""Checking that released numbers still hold."""

import argparse

from benchmark.cli import paths


def add_parser(commands: argparse._SubParsersAction) -> None:
    verify = commands.add_parser("verify", help="check that released numbers still hold")
    verify.add_argument("--update", action="store_true", help="write what is found as the expected numbers")
    verify.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.released.verify import verify

    return verify(paths.RESULTS, paths.DATA, update=options.update)
