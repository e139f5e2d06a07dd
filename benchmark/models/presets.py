"""Presets as data: frozen dataclasses that a manifest can hold and a command line can change."""

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

from datasets.errors import InputError


def preset_from_values(template: Any, values: dict[str, Any], source: str) -> Any:
    """`template` with the values that a manifest holds; a field it does not mention keeps the template's.

    Raises InputError, naming `source`, for a field that the template does not have.
    """
    unknown = set(values) - {field.name for field in fields(template)}
    if unknown:
        raise InputError(f"{source}: hyperparameter {sorted(unknown)[0]!r} is not known to this version of the code")
    changes = {}
    for name, value in values.items():
        current = getattr(template, name)
        if is_dataclass(current) and isinstance(value, dict):
            changes[name] = preset_from_values(current, value, source)
        else:
            changes[name] = _as_tuples(value)
    return replace(template, **changes)


def with_setting(preset: Any, setting: str) -> Any:
    """`preset` with one hyperparameter changed by "name.of.field=value", the value in JSON or a bare word."""
    path, separator, text = setting.partition("=")
    if not separator:
        raise InputError(f"--set {setting}: expected NAME=VALUE, such as training.learning_rate=0.001")
    return _with_value(preset, path.split("."), text, setting)


def with_images(preset: Any, images: int | None) -> Any:
    """`preset` with another training budget, or as it is for None."""
    if images is None:
        return preset
    if images < 1:
        raise InputError(f"--images: found {images}, expected at least 1")
    return replace(preset, training=replace(preset.training, images=images))


def _with_value(preset: Any, path: list[str], text: str, setting: str) -> Any:
    names = [field.name for field in fields(preset)] if is_dataclass(preset) else []
    if path[0] not in names:
        raise InputError(
            f"--set {setting}: found no {path[0]!r}, expected one of {', '.join(names) or 'nothing below'}"
        )
    current = getattr(preset, path[0])
    if len(path) > 1:
        return replace(preset, **{path[0]: _with_value(current, path[1:], text, setting)})
    return replace(preset, **{path[0]: _parse(text, current, setting)})


def _parse(text: str, current: Any, setting: str) -> Any:
    try:
        value = _as_tuples(json.loads(text))
    except ValueError:
        value = text
    if isinstance(current, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if current is not None and value is not None and type(value) is not type(current):
        raise InputError(f"--set {setting}: found {text}, expected a value like {json.dumps(current, default=str)}")
    return value


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value
