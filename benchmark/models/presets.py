"""Presets as data: frozen dataclasses that a manifest can hold and a command line can change."""

import json
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from typing import Any, get_type_hints

from benchmark.models.hints import checked, shown
from datasets.errors import InputError


def preset_from_values(template: Any, values: dict[str, Any], source: str) -> Any:
    """A preset of the type of `template` with the values that a manifest holds, all of them.

    A field that the manifest lacks did not exist when the run was made. It takes the default of its dataclass, which
    stands for what the code did then, whatever the preset of that name says today.
    Raises InputError, naming `source`, for a field that the template does not have, a value that it cannot take, or a
    missing field without a default.
    """
    unknown = set(values) - {field.name for field in fields(template)}
    if unknown:
        raise InputError(f"{source}: hyperparameter {sorted(unknown)[0]!r} is not known to this version of the code")
    hints = get_type_hints(type(template), include_extras=True)
    found = {}
    for field in fields(template):
        name, current = field.name, getattr(template, field.name)
        if name in values and not (is_dataclass(current) and isinstance(values[name], dict)):
            found[name] = checked(hints[name], values[name], f"{source}: {name}")
        elif name in values or (is_dataclass(current) and not _has_default(field)):
            found[name] = preset_from_values(current, values.get(name, {}), source)
        elif not _has_default(field):
            raise InputError(f"{source}: lacks the hyperparameter {name!r}, which has no default in this version")
    return type(template)(**found)


def with_setting(preset: Any, setting: str) -> Any:
    """`preset` with one hyperparameter changed by "name.of.field=value", the value in JSON or a bare word.

    Raises InputError for a name that it does not have, or a value that the type hint does not accept.
    """
    path, separator, text = setting.partition("=")
    if not separator:
        raise InputError(f"setting {setting}: expected NAME=VALUE, such as training.learning_rate=0.001")
    return _with_value(preset, path.split("."), text, setting)


def with_images(preset: Any, images: int | None) -> Any:
    """`preset` with another training budget, or as it is for None. Raises InputError for an impossible one."""
    return preset if images is None else with_setting(preset, f"training.images={images}")


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _with_value(preset: Any, path: list[str], text: str, setting: str) -> Any:
    name, *rest = path
    names = [field.name for field in fields(preset)] if is_dataclass(preset) else []
    if name not in names:
        known = ", ".join(names) or "nothing below"
        raise InputError(f"setting {shown(setting)}: found no {name!r}, expected one of {known}")
    current = getattr(preset, name)
    if rest:
        return replace(preset, **{name: _with_value(current, rest, text, setting)})
    if is_dataclass(current):
        inner = ", ".join(f"{name}.{field.name}" for field in fields(current))
        raise InputError(f"setting {shown(setting)}: expected one of its parts: {inner}")
    hint = get_type_hints(type(preset), include_extras=True)[name]
    return replace(preset, **{name: _parsed(hint, text, setting)})


def _parsed(hint: Any, text: str, setting: str) -> Any:
    what = f"setting {shown(setting)}"
    try:
        value = json.loads(text)
    except ValueError:
        return checked(hint, text, what)  # a bare word
    try:
        return checked(hint, value, what)
    except InputError:
        if not isinstance(value, int | float):
            raise
        return checked(hint, text, what)  # a file or a name that is all digits
