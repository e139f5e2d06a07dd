"""The registered models, their presets and variants, and what each hyperparameter may be."""

import argparse
from collections.abc import Mapping
from typing import Any

from benchmark.cli import values


def add_parser(commands: argparse._SubParsersAction) -> None:
    models = commands.add_parser("models", help="list the models, their presets, variants and hyperparameters")
    models.add_argument("model", type=values.text, metavar="MODEL", nargs="?",
                        help="only this one; a registered model, or module:Class")  # fmt: skip
    models.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.models.registry import adapter_names, find_adapter, missing_library

    registered = adapter_names()
    for name in [options.model] if options.model else registered:
        if not options.model and (missing := missing_library(name)):
            print(f"{name}  ({registered[name]})\n    not installed: {missing}")
            continue
        adapter = find_adapter(name)
        print(f"{name}  ({registered.get(name, name)})")
        print(f"    presets:  {', '.join(adapter.presets) or 'none; needs no training'}")
        print(f"    variants: {', '.join(adapter.variants)}")
        for line in _hyperparameters(adapter.presets):
            print(f"    {line}")
    return 0


def _hyperparameters(presets: Mapping[str, Any]) -> list[str]:
    """One line each: the name for `--set`, what it may be, and its value in the presets, the first one's as default."""
    from benchmark.models.hints import expected, hyperparameters, shown

    values = {name: {p.name: p for p in hyperparameters(preset)} for name, preset in presets.items()}
    first = next(iter(values.values()), {})
    lines = [
        ("hyperparameter", "what it may be", f"value in {next(iter(presets), '')}; in other presets where it differs")
    ]
    for name, parameter in first.items():
        default = shown(parameter.value)
        others = [(preset, shown(of_preset[name].value)) for preset, of_preset in values.items() if name in of_preset]
        different = [f"{preset} {value}" for preset, value in others if value != default]
        lines.append((name, expected(parameter.hint), "; ".join([default, *different])))
    widths = [max(len(line[column]) for line in lines) for column in (0, 1)]
    return [f"{line[0]:{widths[0]}}  {line[1]:{widths[1]}}  {line[2]}" for line in lines] if first else []
