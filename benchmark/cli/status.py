"""How far the runs of a study are."""

import argparse

from benchmark.cli import values


def add_parser(commands: argparse._SubParsersAction) -> None:
    status = commands.add_parser("status", help="how far the runs in a folder are, and what stopped them")
    status.add_argument(
        "folder", type=values.existing, metavar="DIR", help="folder of run folders, such as that of `reproduce`"
    )
    status.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.studies.status import read_status, status_text

    print(status_text(read_status(options.folder)))
    return 0
