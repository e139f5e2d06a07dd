"""The command line. Exit codes: 0 done, 1 a check failed, 2 bad input."""

import argparse
import fnmatch
import sys
from collections.abc import Sequence
from pathlib import Path

from datasets.errors import InputError
from datasets.scene import CATEGORIES, SceneParameters
from datasets.seeds import EVALUATION_IMAGES, EVALUATION_SEED, TRAINING_SEED

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"
DATA = ROOT / "data"
RUNS = ROOT / "runs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Mistakes of the user end as one line on standard error."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command is not _predict:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    try:
        return options.command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder without permission
        where = error.filename or "the output"
        print(f"error: {where}: {error.strerror or error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run_benchmark.py", description="Benchmark of amodal instance segmentation")
    parser.set_defaults(command=_regenerate)
    commands = parser.add_subparsers(
        title="commands",
        metavar="COMMAND",
        description="Without one: regenerate all that needs no training (evaluation sets, Tables 1 and 2, report).",
    )

    export = commands.add_parser("export", help="write scenes as a COCO dataset")
    _add_scene_options(export)
    export.add_argument("--images", type=int, default=EVALUATION_IMAGES)
    export.add_argument("--seed", type=int, default=EVALUATION_SEED)
    export.add_argument("--out", type=Path, required=True)
    export.add_argument("--overwrite", action="store_true", help="replace what --out holds")
    export.set_defaults(command=_export)

    train = commands.add_parser("train", help="train a model, then predict and evaluate the evaluation set")
    train.add_argument("model", metavar="MODEL", help="a registered model, or module:Class")
    train.add_argument("--preset", help="hyperparameters; `models` lists them")
    _add_settings(train)
    _add_scene_options(train)
    train.add_argument("--layers", type=int, default=2, help="layers of masks L (default 2, as in the paper)")
    train.add_argument("--images", type=int, help="budget in images seen (default: the preset's)")
    train.add_argument("--seed", type=int, default=TRAINING_SEED)
    train.add_argument("--out", type=Path, help="run folder (default: runs/<model>-<preset>-n<N>-l<L>)")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    train.add_argument("--overwrite", action="store_true", help="replace the run in --out")
    train.add_argument("--max-minutes", type=float, help="stop at a checkpoint after so long")
    train.add_argument("--max-images", type=int, help="stop at a checkpoint after so many images of the budget, whose "
                       "schedule stays as it is, then predict and evaluate")  # fmt: skip
    _add_variants(train, "all")
    train.add_argument("--evaluation-images", type=int, default=EVALUATION_IMAGES)
    train.add_argument("--evaluation-seed", type=int, default=EVALUATION_SEED, help="seed of the scenes to evaluate on")
    _add_device(train)
    train.set_defaults(command=_train)

    sweep = commands.add_parser("sweep", help="the paper's Fig. 3: train for each embedding dimension and crowd")
    sweep.add_argument("--channels", metavar="C,C,...", help="embedding dimensions (default: 1 to 6, as in the paper)")
    sweep.add_argument("--instances", metavar="N,N,...", help="rectangles per image (default: 6,12,18,24,30)")
    sweep.add_argument("--preset", default="compact", help="hyperparameters; `models` lists them (default: compact)")
    _add_settings(sweep)
    sweep.add_argument("--layers", type=int, default=2, help="layers of masks L (default 2, as in the paper)")
    sweep.add_argument("--images", type=int, help="budget of each run in images seen (default: the preset's)")
    sweep.add_argument("--evaluation-images", type=int, default=EVALUATION_IMAGES)
    sweep.add_argument("--out", type=Path, default=RESULTS / "figure3", help="folder of the run folders")
    sweep.add_argument("--max-minutes", type=float, help="stop each run at a checkpoint after so long")
    sweep.add_argument("--parallel", type=int, default=1, help="runs at a time (default 1)")
    sweep.add_argument("--cluster", choices=("local", "slurm"), default="local", help="where runs run (default: local)")
    sweep.add_argument("--slurm", action="append", default=[], metavar="NAME=VALUE", help="a parameter for sbatch, "
                       "such as partition=gpu, time=600 (minutes) or cpus_per_task=4")  # fmt: skip
    _add_device(sweep)
    sweep.set_defaults(command=_sweep)

    predict = commands.add_parser("predict", help="write predictions as COCO results",
                                  epilog="--NAME VALUE asks for the model's variant NAME-VALUE.")  # fmt: skip
    predict.add_argument("model", metavar="MODEL|RUN", help="a run folder, or a model that needs no training")
    predict.add_argument("--dataset", type=Path, required=True, help="folder from `export`")
    predict.add_argument("--out", type=Path, required=True, help="results file (.json or .json.gz); with several "
                         "variants each gets its name in front of the ending")  # fmt: skip
    _add_variants(predict, "the model's first")
    _add_device(predict)
    predict.set_defaults(command=_predict)

    evaluate = commands.add_parser("evaluate", help="metrics of a COCO results file")
    evaluate.add_argument("--annotations", type=Path, required=True)
    evaluate.add_argument("--predictions", type=Path, required=True)
    evaluate.add_argument("--masks", choices=("amodal", "visible"), default="amodal", help="visible: compare the "
                          "visible_mask of annotations and predictions (default: amodal masks)")  # fmt: skip
    evaluate.add_argument("--json", type=Path, help="write the metrics there as well")
    evaluate.add_argument("--out", type=Path, metavar="RUN", help="keep the results as a run folder that the report "
                          "shows, such as results/released/mine; needs --model")  # fmt: skip
    evaluate.add_argument("--model", help="name of the model that made the predictions, for --out")
    evaluate.add_argument("--images-seen", type=int, default=0, help="in its training, for --out (default: not stated)")
    evaluate.add_argument("--layers", type=int, default=2, help="of masks, where it has them, for --out (default 2)")
    evaluate.add_argument("--pretraining", default="not stated", help="what it started from, for --out")
    evaluate.set_defaults(command=_evaluate)

    convert = commands.add_parser("convert", help="annotations of COCOA or KINS for the evaluator, and back")
    formats = ("benchmark", "cocoa", "kins")
    convert.add_argument("--from", choices=formats, required=True, dest="source")
    convert.add_argument("--to", choices=formats, required=True, dest="target")
    convert.add_argument("--annotations", type=Path, required=True)
    convert.add_argument("--out", type=Path, required=True, help=".json or .json.gz")
    convert.set_defaults(command=_convert)

    report = commands.add_parser("report", help="tables, figures and HTML from the released runs")
    report.add_argument("--out", type=Path, default=RESULTS / "report")
    report.set_defaults(command=_report)

    models = commands.add_parser("models", help="list the registered models")
    models.set_defaults(command=_models)

    verify = commands.add_parser("verify", help="check that released numbers still hold")
    verify.add_argument("--update", action="store_true", help="write what is found as the expected numbers")
    verify.set_defaults(command=_verify)

    check = commands.add_parser("check", help="run the conformance test on a model")
    check.add_argument("model", metavar="MODEL")
    check.add_argument("--preset", default=None, help="default: smoke where the model has presets")
    check.set_defaults(command=_check)
    return parser


def _add_scene_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instances-per-class", type=int, default=6, metavar="N")
    parser.add_argument("--classes", default=",".join(CATEGORIES), help="comma-separated (default: all three)")


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
                        help="change a hyperparameter, such as training.learning_rate=0.001")  # fmt: skip


def _add_variants(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--variants", metavar="NAME,...", help="names or patterns such as nms-*, comma-separated, or "
                        f"all (default: {default})")  # fmt: skip


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where there is one")


def _scenes(options: argparse.Namespace) -> SceneParameters:
    return SceneParameters.uniform(options.instances_per_class, options.classes.split(","))


def _export(options: argparse.Namespace) -> int:
    from datasets.export import export_dataset

    info = export_dataset(_scenes(options), options.images, options.seed, options.out, overwrite=options.overwrite)
    print(f"{options.out}: {info['images']} images, content hash {info['content_hash']}")
    return 0


def _train(options: argparse.Namespace) -> int:
    from benchmark.adapter import Run
    from benchmark.evaluation.sets import evaluation_set
    from benchmark.models.presets import with_images, with_setting
    from benchmark.models.registry import find_adapter, find_preset
    from benchmark.runs.folder import is_main_process
    from benchmark.runs.make import predict_and_evaluate, train

    adapter = find_adapter(options.model)
    preset = with_images(find_preset(adapter, options.model, options.preset), options.images)
    if preset is None:
        raise InputError(f"{options.model}: has nothing to train; use predict")
    for setting in options.settings:
        preset = with_setting(preset, setting)
    if options.layers < 1:
        raise InputError(f"--layers: found {options.layers}, expected at least 1")
    if options.max_images is not None and options.max_images < 1:
        raise InputError(f"--max-images: found {options.max_images}, expected at least 1")
    scenes = _scenes(options)
    name = options.model.rpartition(":")[2]
    folder = options.out or RUNS / f"{name}-{options.preset}-n{scenes.label}-l{options.layers}"
    run = Run(folder, options.model, options.preset, preset, scenes, options.layers, options.seed, _device(options),
              options.max_minutes, options.max_images)  # fmt: skip
    variants = _matching(options.variants or "all", adapter.variants, options.model)
    done = train(run, resume=options.resume, overwrite=options.overwrite)
    if not is_main_process():
        return 0
    if not done:
        print(f"{folder}: stopped after {options.max_minutes} minutes; go on with --resume")
        return 0
    dataset = evaluation_set(DATA, scenes, options.evaluation_images, options.evaluation_seed)
    metrics = predict_and_evaluate(run, dataset, variants)
    for variant, values in metrics.items():
        print(f"{folder} {variant}\n{_metrics_text(values)}")
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from benchmark.paper.figure3 import figure3_runs, read_figure3
    from benchmark.runs.sweep import sweep

    figure = read_figure3(RESULTS / "paper")
    runs = figure3_runs(
        figure,
        options.out,
        options.preset,
        channels=_numbers("--channels", options.channels, figure.channels),
        instances=_numbers("--instances", options.instances, figure.instances_per_class),
        images=options.images,
        layers=options.layers,
        max_minutes=options.max_minutes,
        settings=options.settings,
    )
    done = sweep(
        runs,
        options.out,
        DATA,
        evaluation_images=options.evaluation_images,
        device=options.device,
        cluster=options.cluster,
        parallel=options.parallel,
        slurm=_slurm_parameters(options.slurm),
    )
    return 0 if done else 1


def _numbers(option: str, text: str | None, default: Sequence[int]) -> list[int]:
    if text is None:
        return list(default)
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise InputError(f"{option}: found {text}, expected whole numbers above 0 such as {default[0]},{default[1]}")
    return list(dict.fromkeys(int(word) for word in words))


def _slurm_parameters(settings: Sequence[str]) -> dict[str, int | str]:
    parameters: dict[str, int | str] = {}
    for setting in settings:
        name, separator, value = setting.partition("=")
        if not separator:
            raise InputError(f"--slurm {setting}: expected NAME=VALUE, such as partition=gpu")
        parameters[name] = int(value) if value.isdecimal() else value
    return parameters


def _predict(options: argparse.Namespace) -> int:
    from benchmark.runs.make import find_run, seed_everything
    from benchmark.runs.predictions import predict, variant_path, write_predictions
    from datasets.exported import ExportedDataset

    adapter, run = find_run(options.model, _device(options))
    dataset = ExportedDataset(options.dataset)
    variants = _variants(options, adapter.variants, run.model)
    seed_everything(run.seed)
    for name, entries in predict(adapter, dataset, run, variants).items():
        path = options.out if len(variants) == 1 else variant_path(options.out, name)
        write_predictions(path, entries)
        print(f"{path}: {len(entries)} detections in {len(dataset)} images")
    return 0


def _variants(options: argparse.Namespace, existing: Sequence[str], model: str) -> list[str]:
    wanted = _matching(options.variants, existing, model) if options.variants else []
    names, values = options.rest[::2], options.rest[1::2]
    if len(names) != len(values) or not all(name.startswith("--") for name in names):
        raise InputError(f"predict: found {' '.join(options.rest)}, expected pairs of --NAME VALUE")
    wanted += [f"{name[2:]}-{value}" for name, value in zip(names, values, strict=True)]
    return wanted or [existing[0]]


def _matching(patterns: str, existing: Sequence[str], model: str) -> list[str]:
    if patterns == "all":
        return list(existing)
    found = {pattern: fnmatch.filter(existing, pattern) for pattern in patterns.split(",")}
    for pattern, names in found.items():
        if not names:
            raise InputError(f"--variants {pattern}: {model} has {', '.join(existing)}")
    return list(dict.fromkeys(name for names in found.values() for name in names))


def _evaluate(options: argparse.Namespace) -> int:
    from benchmark.evaluation.evaluate import evaluate
    from benchmark.runs.external import keep_external_run
    from datasets.files import write_json

    if options.out is None:
        metrics = evaluate(options.annotations, options.predictions, options.masks)
    elif options.model is None or options.masks != "amodal":
        raise InputError("--out: found no --model or other masks than amodal ones, expected --model NAME")
    else:
        metrics = keep_external_run(
            options.out, options.model, options.annotations, options.predictions,
            images_seen=options.images_seen, layers=options.layers, pretraining=options.pretraining,
        )  # fmt: skip
    if options.json:
        write_json(options.json, metrics)
    print(_metrics_text(metrics))
    return 0


def _convert(options: argparse.Namespace) -> int:
    from datasets.formats.convert import convert

    instances = convert(options.source, options.target, options.annotations, options.out)
    left_out = [f", {count} {key.replace('_', ' ')}" for key, count in instances.info.items() if "left_out" in key]
    print(f"{options.out}: {len(instances.amodal)} instances in {len(instances.images)} images{''.join(left_out)}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from benchmark.report.write import write_report

    write_report(RESULTS, options.out, data_folder=DATA)
    print(f"{options.out}/index.html and tables beside it")
    return 0


def _models(_: argparse.Namespace) -> int:
    from benchmark.models.registry import adapter_names, find_adapter

    for name, target in adapter_names().items():
        adapter = find_adapter(name)
        print(f"{name}  ({target})")
        print(f"    presets:  {', '.join(adapter.presets) or 'none; needs no training'}")
        print(f"    variants: {', '.join(adapter.variants)}")
    return 0


def _regenerate(_: argparse.Namespace) -> int:
    from benchmark.regenerate import regenerate

    regenerate(RESULTS, DATA, ROOT / "README.md")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from benchmark.released.verify import verify

    return verify(RESULTS, DATA, update=options.update)


def _check(options: argparse.Namespace) -> int:
    from benchmark.conformance import check_adapter

    faults = check_adapter(options.model, options.preset)
    for fault in faults:
        print(f"failed: {fault}")
    print(f"{options.model}: {f'{len(faults)} checks failed' if faults else 'conforms'}")
    return 1 if faults else 0


def _device(options: argparse.Namespace) -> str:
    from benchmark.runs.hardware import find_device

    return find_device(options.device)


def _metrics_text(metrics: dict) -> str:
    return "\n".join(f"  {name:15s} {'none' if value is None else f'{value:.4f}'}" for name, value in metrics.items())


if __name__ == "__main__":
    sys.exit(main())
