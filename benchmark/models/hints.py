"""What a hyperparameter may be: type hints of presets with their ranges, read in words and enforced in one place."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Interval, Predicate

from datasets.errors import InputError

Count = Annotated[int, Interval(ge=1, le=10**9)]
CountOrZero = Annotated[int, Interval(ge=0, le=10**9)]
Width = Annotated[int, Interval(ge=1, le=16_384)]
"""Channels of a layer, or anything else of which a network has at most some thousands."""
Workers = Annotated[int, Interval(ge=0, le=256)]
Positive = Annotated[float, Interval(gt=0, le=1e6)]
NotNegative = Annotated[float, Interval(ge=0, le=1e6)]
Probability = Annotated[float, Interval(ge=0, le=1)]
InitialWeights = Annotated[str, "a local file to start from, or the name of published weights"] | None
"""Where training starts: the manifest says which file, or that there is none."""

LONGEST_VALUE = 60
"""Characters of a refused value that a message shows."""


@dataclass(frozen=True)
class Hyperparameter:
    """One leaf of a preset: its dotted name, type hint with range, and value."""

    name: str
    hint: Any
    value: Any


def hyperparameters(preset: Any, prefix: str = "") -> Iterator[Hyperparameter]:
    """All leaves of a preset, a dataclass of values and further dataclasses; none for None."""
    if preset is None:
        return
    hints = get_type_hints(type(preset), include_extras=True)
    for field in fields(preset):
        value = getattr(preset, field.name)
        if is_dataclass(value):
            yield from hyperparameters(value, f"{prefix}{field.name}.")
        else:
            yield Hyperparameter(prefix + field.name, hints[field.name], value)


def check_preset(preset: Any, source: str) -> None:
    """Raise InputError, naming `source` and the hyperparameter, for the first value that its type hint refuses."""
    for parameter in hyperparameters(preset):
        checked(parameter.hint, parameter.value, f"{source}: {parameter.name}")


def checked(hint: Any, value: Any, what: str) -> Any:
    """`value`, as JSON has it, as the type that `hint` asks for: tuples for lists, floats for whole numbers.

    Raises InputError that names `what` it is, the value, and what was expected.
    """
    from pydantic import ValidationError

    text = shown(value)
    try:
        return _validator(hint).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        raise InputError(f"{what}: found {text}, expected {expected(hint)}") from None


def expected(hint: Any) -> str:
    """What `hint` accepts, in words."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _annotated(*arguments)
    if origin is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if origin in (Union, UnionType):
        return " or ".join(expected(argument) for argument in arguments)
    if origin is tuple:
        return _list_of(arguments)
    words = {int: "a whole number", float: "a finite number", bool: "true or false", str: "text", object: "any value"}
    return words.get(hint) or ("null" if hint in (None, NoneType) else f"a value of type {hint}")


def shown(value: Any) -> str:
    """A value as one writes it in ``--set``, cut where it is long."""
    text = value if isinstance(value, str) and value else json.dumps(value, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def pretraining(preset: Any) -> str | None:
    """The name of the file of weights that training starts from, None where it starts from random ones."""
    for parameter in hyperparameters(preset):
        if parameter.hint == InitialWeights and parameter.value is not None:
            return Path(parameter.value).name
    return None


@lru_cache
def _validator(hint: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter  # takes longer to import than most commands take to find a mistake

    return TypeAdapter(hint, config=ConfigDict(allow_inf_nan=False))


def _annotated(hint: Any, *notes: Any) -> str:
    for note in notes:
        if isinstance(note, Interval):
            return f"a {'whole ' if hint is int else ''}number {_range(note)}"
        if isinstance(note, Predicate):
            return str(note.func.__doc__)
        if isinstance(note, str):
            return note
    return expected(hint)


def _range(interval: Interval) -> str:
    low = f"from {interval.ge:,}" if interval.ge is not None else f"above {interval.gt:,}"
    high = interval.le if interval.le is not None else interval.lt
    if high is None:
        return low
    return f"{low} to {high:,.15g}" if interval.le is not None else f"{low} to below {high:,.15g}"


def _list_of(arguments: tuple[Any, ...]) -> str:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return f"a list, each {expected(arguments[0])}"
    return f"a list of {' and '.join(expected(argument) for argument in arguments)}"
