"""The command line: one file a command. Exit codes: 0 done, 1 a check failed, 2 bad input, 130 stopped by Ctrl-C."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from benchmark.cli import (
    check,
    compare,
    convert,
    evaluate,
    export,
    models,
    paths,
    pictures,
    predict,
    report,
    reproduce,
    speed,
    status,
    train,
    tune,
    verify,
)
from datasets.errors import InputError

COMMANDS = (
    export,
    train,
    reproduce,
    status,
    tune,
    predict,
    evaluate,
    compare,
    convert,
    report,
    pictures,
    models,
    verify,
    check,
    speed,
)
"""In the order of `--help`; each module has ``add_parser(commands)`` and ``run(options)``, and
``AFTER_CTRL_C`` where the same command would not start from the beginning."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Mistakes of the user end as one line on standard error."""
    parser = make_parser()
    try:
        options, rest = parser.parse_known_args(arguments)
        if rest and options.command is not predict.run:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        options.rest = rest
        options.command_line = " ".join(["run_benchmark.py", *(sys.argv[1:] if arguments is None else arguments)])
        return _run(options)
    except InputError as error:
        message = str(error)
    except OSError as error:  # a folder without permission
        message = f"{error.filename or 'the output'}: {error.strerror or error}"
    except MemoryError:
        message = "found too little memory for this input"
    print(f"error: {_printable(message)}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """Its errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message.removeprefix("argument "))


def _run(options: argparse.Namespace) -> int:
    try:
        return options.command(options)
    except KeyboardInterrupt as stop:
        module = sys.modules[options.command.__module__]
        hint = getattr(module, "AFTER_CTRL_C", "the same command starts it again")
        print(f"interrupted: {f'{stop}; ' if stop.args else ''}{hint}", file=sys.stderr)
        return 130  # what a shell expects of a command that Ctrl-C ended


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = _Parser(prog="run_benchmark.py", description="Benchmark of amodal instance segmentation")
    parser.set_defaults(command=_regenerate)
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        description="Without one: regenerate all that needs no training (evaluation sets, Tables 1 and 2, report).",
    )
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def _regenerate(_: argparse.Namespace) -> int:
    from benchmark.regenerate import regenerate

    regenerate(paths.RESULTS, paths.DATA, paths.ROOT / "README.md")
    return 0


def _printable(message: str) -> str:
    """`message` on one line, whatever names of files and other people's texts it holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in message)
