"""The registered models."""

import argparse


def add_parser(commands: argparse._SubParsersAction) -> None:
    models = commands.add_parser("models", help="list the registered models")
    models.set_defaults(command=run)


def run(_: argparse.Namespace) -> int:
    from benchmark.models.registry import adapter_names, find_adapter

    for name, target in adapter_names().items():
        adapter = find_adapter(name)
        print(f"{name}  ({target})")
        print(f"    presets:  {', '.join(adapter.presets) or 'none; needs no training'}")
        print(f"    variants: {', '.join(adapter.variants)}")
    return 0
