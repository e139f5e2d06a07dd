"""Tables, figures and page from the released runs."""

import argparse

from benchmark.cli import paths, values


def add_parser(commands: argparse._SubParsersAction) -> None:
    report = commands.add_parser("report", help="tables, figures and HTML from the released runs")
    report.add_argument("--out", type=values.output_folder, default=paths.RESULTS / "report")
    report.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.report.write import write_report

    write_report(paths.RESULTS, options.out, data_folder=paths.DATA)
    print(f"{options.out}/index.html and tables beside it")
    return 0
