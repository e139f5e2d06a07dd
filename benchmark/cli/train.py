"""Training a model, then predicting and evaluating the evaluation set."""

import argparse

from benchmark.cli import paths, values
from benchmark.cli.options import (
    add_device,
    add_scene_options,
    add_settings,
    add_variants,
    device_of,
    matching_variants,
    metrics_text,
    say_notes,
    scenes_of,
)
from datasets.errors import InputError
from datasets.seeds import EVALUATION_IMAGES, EVALUATION_SEED, TRAINING_SEED

AFTER_CTRL_C = "go on with the same command and --resume"


def add_parser(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="train a model, then predict and evaluate the evaluation set")
    train.add_argument("model", metavar="MODEL", type=values.text, help="a registered model, or module:Class")
    train.add_argument("--preset", help="hyperparameters; `models` lists them")
    add_settings(train)
    add_scene_options(train)
    train.add_argument("--dataset", type=values.existing, metavar="FOLDER", help="train on annotated images of any "
                       "size and any categories in place of scenes: annotations.json and images")  # fmt: skip
    train.add_argument("--evaluation-dataset", type=values.existing, metavar="FOLDER", help="what to evaluate on then, "
                       "with the same categories (default: nothing)")  # fmt: skip
    train.add_argument("--layers", type=values.layers, default=2, help="layers of masks L (default 2, as in the paper)")
    train.add_argument("--images", type=values.count, help="budget in images seen (default: the preset's)")
    train.add_argument("--seed", type=values.seed, default=TRAINING_SEED)
    train.add_argument("--out", type=values.output_folder, help="run folder (default: runs/<model>-<preset>-n<N>-l<L>)")
    train.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --out")
    train.add_argument("--overwrite", action="store_true", help="replace the run in --out")
    train.add_argument("--max-minutes", type=values.minutes, help="stop at a checkpoint after so long")
    train.add_argument("--max-images", type=values.count, help="stop at a checkpoint after so many images of the "
                       "budget, whose schedule stays as it is, then predict and evaluate")  # fmt: skip
    add_variants(train, "all")
    train.add_argument("--evaluation-images", type=values.count, default=EVALUATION_IMAGES)
    train.add_argument("--evaluation-seed", type=values.seed, default=EVALUATION_SEED, help="seed of the scenes to "
                       "evaluate on")  # fmt: skip
    add_device(train)
    train.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.adapter import Run
    from benchmark.evaluation.sets import evaluation_set
    from benchmark.models.presets import with_images, with_setting
    from benchmark.models.registry import find_adapter, find_preset
    from benchmark.runs.folder import is_main_process
    from benchmark.runs.make import predict_and_evaluate, train
    from datasets.annotated import open_annotated, open_dataset
    from datasets.export import check_images_and_seed
    from datasets.photographs import AnnotatedImages
    from datasets.source import Source

    adapter = find_adapter(options.model)
    preset = with_images(find_preset(adapter, options.model, options.preset), options.images)
    if preset is None:
        raise InputError(f"{options.model}: has nothing to train; use predict")
    for setting in options.settings:
        preset = with_setting(preset, setting)
    check_images_and_seed(options.evaluation_images, options.evaluation_seed)
    if options.evaluation_dataset is not None and options.dataset is None:
        raise InputError("--evaluation-dataset: found no --dataset, expected both: scenes are evaluated on scenes")
    source: Source = scenes_of(options)
    if options.dataset is not None:
        annotated = open_annotated(options.dataset)
        source = AnnotatedImages.of(annotated)
        say_notes(annotated)
    evaluated_on = None if options.evaluation_dataset is None else open_dataset(options.evaluation_dataset)
    if evaluated_on is not None:
        say_notes(evaluated_on)
    name = options.model.rpartition(":")[2]
    label = source.label if options.dataset else f"n{source.label}"
    folder = options.out or paths.RUNS / f"{name}-{options.preset}-{label}-l{options.layers}"
    run = Run(folder, options.model, options.preset, preset, source, options.layers, options.seed, device_of(options),
              options.max_minutes, options.max_images, options.command_line)  # fmt: skip
    variants = matching_variants(options.variants or "all", adapter.variants, options.model, adapter.readings)
    done = train(run, resume=options.resume, overwrite=options.overwrite)
    if not is_main_process():
        return 0
    if not done:
        print(f"{folder}: stopped after {options.max_minutes} minutes; go on with --resume")
        return 0
    if options.dataset is None:
        evaluated_on = evaluation_set(paths.DATA, source, options.evaluation_images, options.evaluation_seed)
    if evaluated_on is None:
        print(f"{folder}: trained; predict and evaluate other images with it")
        return 0
    metrics = predict_and_evaluate(run, evaluated_on, variants)
    for variant, of_variant in metrics.items():
        print(f"{folder} {variant}\n{metrics_text(of_variant)}")
    return 0
