"""Paired differences between two runs or results files; a gate for continuous integration."""

import argparse

from benchmark.cli import paths, values


def add_parser(commands: argparse._SubParsersAction) -> None:
    compare = commands.add_parser("compare", help="differences of two runs or results files, with intervals",
                                  epilog="Exit code 1 if one of --fail-if holds.")  # fmt: skip
    for name in ("a", "b"):
        compare.add_argument(name, metavar=name.upper(), type=values.existing, help="a run folder (its tuned "
                             "reading, else the first that it kept), or a results file")  # fmt: skip
    compare.add_argument("--annotations", type=values.existing, help="of both (default: those of the runs' "
                         "evaluation set)")  # fmt: skip
    compare.add_argument("--fail-if", action="append", default=[], metavar="CONDITION", help="a difference A - B that "
                         "must not be, such as 'AP < -0.01'; may be given several times")  # fmt: skip
    compare.add_argument("--json", type=values.output_file, help="write the differences there as well")
    compare.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.comparison import compare, failures, in_words, read_condition
    from datasets.files import write_json

    conditions = [read_condition(text) for text in options.fail_if]
    found = compare(options.a, options.b, paths.DATA, options.annotations)
    failed = failures(found, conditions)
    print(in_words(found))
    if options.json:
        write_json(options.json, found)
    for line in failed:
        print(line)
    return 1 if failed else 0
