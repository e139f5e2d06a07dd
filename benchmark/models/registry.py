"""Finding adapters by name, or as ``module:Class``."""

import importlib
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from benchmark.adapter import Adapter, Reading
from datasets.errors import InputError

PACKAGES = ("embedding_model", "baselines")
"""Packages whose ``ADAPTERS`` map a name to "module:Class"; they are looked up at run time, never imported above."""


def adapter_names() -> dict[str, str]:
    """Registered name -> "module:Class"."""
    return {name: target for package in PACKAGES for name, target in importlib.import_module(package).ADAPTERS.items()}


@lru_cache
def missing_library(name: str) -> str | None:
    """What a registered model cannot be used without here, in a line that says how to install it; None if it can be.

    A package whose library is optional raises ModuleNotFoundError at once; the adapter itself is not imported.
    """
    try:
        importlib.util.find_spec(adapter_names()[name].partition(":")[0])
    except ModuleNotFoundError as error:
        return str(error)
    return None


def untrained_names() -> list[str]:
    """Registered models that need no training, as their packages say in ``UNTRAINED``."""
    return [name for package in PACKAGES for name in getattr(importlib.import_module(package), "UNTRAINED", ())]


def find_adapter(model: str) -> Adapter:
    """The adapter registered as `model`, or the class that a ``module:Class`` names. Raises InputError."""
    target = adapter_names().get(model, model)
    module_name, separator, class_name = target.partition(":")
    if not separator:
        raise InputError(f"model {model!r}: expected one of {', '.join(adapter_names())}, or module:Class")
    try:
        adapter_class = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise InputError(f"model {model!r}: {error}") from None
    if not (isinstance(adapter_class, type) and issubclass(adapter_class, Adapter)):
        raise InputError(f"model {model!r}: {target} is no subclass of benchmark.adapter.Adapter")
    return adapter_class()


@lru_cache
def declared_readings(model: str) -> Mapping[str, Reading]:
    """What the adapter of `model` says of its variants; {} for a model without an adapter here.

    Imports the adapter, and with it the libraries that the model needs.
    """
    try:
        return find_adapter(model).readings
    except InputError:
        return {}


def find_preset(adapter: Adapter, model: str, preset: str | None) -> Any:
    """The adapter's preset of that name; None for a model without any. Raises InputError that lists what exists."""
    if not adapter.presets:
        if preset is not None:
            raise InputError(f"--preset {preset}: {model} has no presets")
        return None
    if preset is None or preset not in adapter.presets:
        found = "none" if preset is None else repr(preset)
        raise InputError(f"--preset: found {found}, expected one of {', '.join(adapter.presets)} for {model}")
    return adapter.presets[preset]
