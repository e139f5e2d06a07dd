"""Tables, figures and page from the released runs."""

import argparse

from benchmark.cli import paths, values
from datasets.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser("report", help="tables, figures and HTML from the released runs")
    report.add_argument("--results", type=values.existing, default=paths.RESULTS, metavar="DIR", help="results folder, "
                        "or the folder of a study (default: results)")  # fmt: skip
    report.add_argument("--out", type=values.output_folder, help="default: report in that folder")
    report.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.report.write import write_report

    if not options.results.is_dir():
        raise InputError(f"--results {options.results}: found no such folder, expected one with runs")
    out = options.out or options.results / "report"
    write_report(options.results, out, data_folder=paths.DATA)
    print(f"{out}/index.html and tables beside it")
    return 0
