"""Metrics of a COCO results file."""

import argparse
import sys

from benchmark.cli import values
from benchmark.cli.options import metrics_text
from datasets.errors import InputError


def add_parser(commands: argparse._SubParsersAction) -> None:
    evaluate = commands.add_parser("evaluate", help="metrics of a COCO results file")
    evaluate.add_argument("--annotations", type=values.existing, required=True, help="from `export` or `convert`, or a "
                          "flat file of another data set, as `convert --from coco` reads it")  # fmt: skip
    evaluate.add_argument("--predictions", type=values.existing, required=True)
    evaluate.add_argument("--masks", choices=("amodal", "visible"), default="amodal", help="visible: compare the "
                          "visible_mask of annotations and predictions (default: amodal masks)")  # fmt: skip
    evaluate.add_argument("--json", type=values.output_file, help="write the metrics there as well")
    evaluate.add_argument("--out", type=values.output_folder, metavar="RUN", help="keep the results as a run "
                          "folder that the report shows, such as results/released/mine; needs --model")  # fmt: skip
    evaluate.add_argument("--model", type=values.text, help="name of the model that made the predictions, for --out")
    evaluate.add_argument("--images-seen", type=values.count_or_none, default=0, help="in its training, for --out "
                          "(default: not stated)")  # fmt: skip
    evaluate.add_argument(
        "--layers", type=values.layers, default=2, help="of masks, where it has them, for --out (default 2)"
    )
    evaluate.add_argument(
        "--pretraining", type=values.text, default="not stated", help="what it started from, for --out"
    )
    evaluate.add_argument("--overwrite", action="store_true", help="replace the run that --out holds")
    evaluate.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.evaluation.evaluate import evaluate
    from benchmark.evaluation.validate import read_annotations
    from benchmark.runs.external import keep_external_run
    from datasets.files import write_json

    if options.out is None:
        ground_truth = read_annotations(options.annotations, options.masks)
        for note in ground_truth.notes:
            print(f"{options.annotations}: {note}", file=sys.stderr)
        metrics = evaluate(ground_truth, options.predictions)
    elif options.model is None or options.masks != "amodal":
        raise InputError("--out: found no --model or other masks than amodal ones, expected --model NAME")
    else:
        metrics = keep_external_run(
            options.out, options.model, options.annotations, options.predictions,
            images_seen=options.images_seen, layers=options.layers, pretraining=options.pretraining,
            command=options.command_line, overwrite=options.overwrite,
        )  # fmt: skip
    if options.json:
        write_json(options.json, metrics)
    print(metrics_text(metrics))
    return 0
