"""Annotations of other formats for the evaluator, and back."""

import argparse

from benchmark.cli import values


def add_parser(commands: argparse._SubParsersAction) -> None:
    convert = commands.add_parser(
        "convert", help="annotations of COCOA, KINS or any flat COCO-like file for the evaluator, and back"
    )
    formats = ("benchmark", "coco", "cocoa", "kins")
    convert.add_argument("--from", choices=formats, required=True, dest="source")
    convert.add_argument("--to", choices=formats, required=True, dest="target")
    convert.add_argument("--annotations", type=values.existing, required=True)
    convert.add_argument("--out", type=values.output_file, required=True, help=".json or .json.gz")
    convert.add_argument("--grid", action="store_true", help="write masks on the 64x64 grid that models draw on, for "
                         "predictions of `predict --size grid`")  # fmt: skip
    convert.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from datasets.formats.convert import convert

    instances = convert(options.source, options.target, options.annotations, options.out, grid=options.grid)
    found = f"{len(instances.amodal)} instances in {len(instances.images)} images"
    print(f"{options.out}: {', '.join([found, *instances.notes])}")
    return 0
