"""Writing scenes as a COCO dataset."""

import argparse

from benchmark.cli import values
from benchmark.cli.options import add_scene_options, scenes_of
from datasets.seeds import EVALUATION_IMAGES, EVALUATION_SEED


def add_parser(commands: argparse._SubParsersAction) -> None:
    export = commands.add_parser("export", help="write scenes as a COCO dataset")
    add_scene_options(export)
    export.add_argument("--images", type=values.count, default=EVALUATION_IMAGES)
    export.add_argument("--seed", type=values.seed, default=EVALUATION_SEED)
    export.add_argument("--out", type=values.output_folder, required=True)
    export.add_argument("--textured", action="store_true", help="make textured, shaded objects of five classes, in "
                        "images of several sizes, in place of shapes")  # fmt: skip
    export.add_argument("--overwrite", action="store_true", help="replace what --out holds")
    export.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from datasets.export import export_dataset
    from datasets.made import make_dataset

    if options.textured:
        made = make_dataset(options.images, options.seed, options.out, overwrite=options.overwrite)
        print(f"{options.out}: {made['images']} images")
        return 0
    info = export_dataset(scenes_of(options), options.images, options.seed, options.out, overwrite=options.overwrite)
    print(f"{options.out}: {info['images']} images, content hash {info['content_hash']}")
    return 0
