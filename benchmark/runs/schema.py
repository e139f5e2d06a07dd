"""What the JSON files of a run hold, as types, and the check of a file against them.

Files of older and newer code may lack keys or have others; those that are there have these types.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Le, Len, Predicate
from typing_extensions import TypedDict  # the one of typing cannot be read before Python 3.12

from datasets.errors import InputError
from datasets.scene import CATEGORIES
from datasets.table import show

Name = Annotated[str, Len(1), Predicate(str.isprintable)]
FileName = Annotated[Name, Predicate(lambda name: not set(name) & set('/\\:*?"<>|'))]
Whole = Annotated[int, Ge(0)]
Seconds = Annotated[float, Ge(0)]
Share = Annotated[float, Ge(0), Le(1)]
Counts = Annotated[list[Whole], Len(len(CATEGORIES), len(CATEGORIES))]


class Scenes(TypedDict, total=False):
    """What a run was trained on (`datasets.source.read_source`): scenes by their counts, or a data set."""

    label: Name
    counts: Counts
    folder: str
    categories: Annotated[list[Name], Len(1)]
    content_hash: str


class Parameters(TypedDict):
    counts: Counts


class DatasetEntry(TypedDict, total=False):
    content_hash: str | None
    seed: Whole | None
    parameters: Parameters | None
    images: Annotated[int, Ge(1)]


class Hardware(TypedDict, total=False):
    cpu: str | None
    cores: Whole | None
    gpu: str | None


class Sitting(TypedDict, total=False):
    hardware: Hardware
    code_version: str
    images_seen: Whole


class Manifest(TypedDict, total=False):
    """``manifest.json`` (`benchmark.runs.manifest`)."""

    model: Name
    preset: str | None
    hyperparameters: dict[str, Any]
    scenes: Scenes
    layers: Annotated[int, Ge(1)]
    seed: Whole | None
    images_seen: Whole | None
    images_budget: Whole | None
    tier: str
    finished: bool
    hardware: Hardware
    sittings: list[Sitting]
    wall_time_seconds: dict[str, Seconds]
    libraries: dict[str, str]
    command: str
    dataset: DatasetEntry | None
    readings: dict[str, dict[str, Any]]
    initial_weights: dict[str, Any]


Metrics = dict[FileName, dict[str, Share | None]]
"""``metrics.json``: variant -> metric -> value."""


class Error(TypedDict, total=False):
    false_positives: Whole
    unmatched_instances: Whole
    lost_ap: float
    share: float | None


class RecallByOcclusion(TypedDict, total=False):
    edges: list[float]
    instances: list[Whole]
    recall: list[Share | None]


class Hidden(TypedDict, total=False):
    AP: Share | None
    AP50: Share | None
    instances: Whole
    parts_from: str | None


class Calibration(TypedDict, total=False):
    detections: list[Whole]
    mean_score: list[Share | None]
    true: list[Share | None]


class Summary(TypedDict, total=False):
    intervals: dict[str, Annotated[list[float], Len(2, 2)] | None]
    errors: dict[str, Error] | None
    recall_by_occlusion: RecallByOcclusion
    quality: dict[str, Share | None]
    hidden: Hidden
    calibration: Calibration
    precision: dict[str, list[Share | None]]


Analysis = dict[FileName, Summary]
"""``analysis.json``: variant -> summary (`benchmark.analysis.analyse.Analysis`)."""


_NO_PLACE = ("list[", "dict[", "function", "[key]")
"""What pydantic puts into the place of a fault beside keys and positions."""


def check_schema(content: Any, schema: Any, path: Path) -> None:
    """Raise InputError, naming the file and the place in it, unless `content` has the types of `schema`."""
    from pydantic import ValidationError

    try:
        _validator(schema).validate_python(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ": ".join(str(part) for part in first["loc"] if not str(part).startswith(_NO_PLACE))
        expected = first["msg"].removeprefix("Input should be ").split(" after validation")[0]
        if first["type"] == "predicate_failed":
            expected = "printable text without signs that file names may not have"
        where = f"{path}: {place}" if place else path
        expected = expected[:1].lower() + expected[1:]
        raise InputError(f"{where}: found {show(first['input'])}, expected {expected}") from None


@lru_cache
def _validator(schema: Any) -> Any:
    from pydantic import TypeAdapter  # takes longer to import than most commands

    return TypeAdapter(schema)
