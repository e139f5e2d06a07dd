"""A study: the runs that make a table or a figure, as data (``results/paper/studies``, or a user's own file)."""

import fnmatch
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from itertools import product
from pathlib import Path
from typing import Any, get_type_hints

from benchmark.adapter import Adapter, Run
from benchmark.models.presets import with_images, with_setting
from benchmark.models.registry import adapter_names, find_adapter, find_preset, missing_library, untrained_names
from benchmark.runs.manifest import TIERS
from benchmark.tuning import TUNING_IMAGES
from datasets.errors import InputError, one_line
from datasets.scene import CATEGORIES, SceneParameters
from datasets.seeds import EVALUATION_IMAGES, TRAINING_SEED

SMOKE = "smoke"
"""The tier, and each model's preset, that only shows that everything works."""

SMOKE_INSTANCES, SMOKE_IMAGES, SMOKE_EVALUATION_IMAGES = 2, 96, 5

IMAGES_OF_TIER = {SMOKE: SMOKE_IMAGES, **{name: images for images, name in sorted(TIERS.items())}}
"""Tier -> budget of a run in images seen."""


@dataclass(frozen=True)
class Vary:
    """One hyperparameter that takes several values. setting: its dotted path. values: what it takes in turn."""

    setting: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Block:
    """Runs that differ in scenes, layers and one hyperparameter only: every combination is a run.

    model: a registered name, a pattern such as ``*`` that stands for all registered models that learn, or module:Class.
    presets: the first that the model has is taken; empty for a model that needs no training. layers: L; empty for a
    model without layers. settings: NAME=VALUE. settings_of_preset: further ones by the preset that they are for.
    variants: names or patterns of what is predicted, empty for all. tuned: whether the best reading is looked for on
    tuning scenes, where the model declares some to choose from. name: of the run folders, with the fields {model},
    {preset}, {tier}, {instances}, {layers} and {value}; a seed other than the first is added to it.
    """

    model: str
    instances_per_class: tuple[int, ...]
    presets: tuple[str, ...] = ()
    classes: tuple[str, ...] = CATEGORIES
    layers: tuple[int, ...] = ()
    settings: tuple[str, ...] = ()
    settings_of_preset: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    tuned: bool = True
    vary: Vary | None = None
    name: str | None = None


@dataclass(frozen=True)
class Study:
    """What a study's file says. name: of the file. tier: the one that counts unless another is asked for."""

    name: str
    title: str
    runs: tuple[Block, ...]
    tier: str = "full"


@dataclass(frozen=True)
class StudyRun:
    """One run of a study, the variants that it predicts, and the number of images that it is evaluated on.

    tuning_images: to look for its best reading on, 0 if that is not looked for.
    """

    run: Run
    variants: tuple[str, ...]
    evaluation_images: int
    tuning_images: int = 0

    @property
    def name(self) -> str:
        return self.run.folder.name

    @property
    def scenes(self) -> SceneParameters:
        """What it is trained and evaluated on."""
        assert isinstance(self.run.source, SceneParameters)
        return self.run.source

    @property
    def images(self) -> int:
        """Its budget in images seen, 0 where nothing is trained."""
        return self.run.preset.training.images if self.run.preset is not None else 0


@dataclass(frozen=True)
class Choices:
    """What the person who starts a study decides. tier and preset: in place of the study's. images: in place of the
    tier's budget. seeds: how often each run is repeated, with training seeds from 0. settings: further hyperparameters,
    NAME=VALUE. only: patterns of run folders, empty for all. max_minutes: after which each run stops at a checkpoint.
    command: what was typed, for the manifests.
    """

    tier: str | None = None
    preset: str | None = None
    images: int | None = None
    evaluation_images: int | None = None
    seeds: int = 1
    settings: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    max_minutes: float | None = None
    command: str = ""


def study_names(folder: Path) -> list[str]:
    """The studies in `folder`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def read_study(name: str, folder: Path) -> Study:
    """The study called `name` in `folder`, or the one in the file `name`. Raises InputError for the first fault."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        known = ", ".join(study_names(folder))
        raise InputError(f"study {name}: not found, expected one of {known}, or a .toml file") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({one_line(error)})") from None
    blocks = values.get("runs")
    if not isinstance(blocks, list) or not blocks:
        raise InputError(f"{path}: found no [[runs]], expected at least one")
    runs = tuple(_read(Block, block, f"{path}: runs {place}") for place, block in enumerate(blocks, 1))
    study = _read(Study, {**values, "name": path.stem, "runs": runs}, str(path))
    _check_tier(study.tier, str(path))
    return study


def study_runs(study: Study, out: Path, choices: Choices) -> list[StudyRun]:
    """All runs of `study`, in folders of `out`, as `choices` has them.

    Raises InputError for a model, preset, setting, variant, tier or scene that does not exist, and for two runs of one
    name.
    """
    for name in ("seeds", "images", "evaluation_images"):
        value = getattr(choices, name)
        if value is not None and value < 1:
            raise InputError(f"{name.replace('_', ' ')}: found {value}, expected at least 1")
    tier = choices.tier or study.tier
    _check_tier(tier, study.name)
    if tier == SMOKE and choices.preset not in (None, SMOKE):
        raise InputError(f"preset {choices.preset}: the tier {SMOKE} has the preset {SMOKE}")
    runs: dict[str, StudyRun] = {}
    for block in study.runs:
        for planned in _runs_of(block, out, tier, choices):
            if planned.name in runs:
                raise InputError(f"study {study.name}: found two runs called {planned.name}, expected another `name`")
            runs[planned.name] = planned
    if not choices.only:
        return list(runs.values())
    for pattern in choices.only:
        if not fnmatch.filter(runs, pattern):
            raise InputError(f"run {pattern}: found none in {study.name}, expected some of {', '.join(runs)}")
    return [run for name, run in runs.items() if any(fnmatch.fnmatch(name, pattern) for pattern in choices.only)]


def _runs_of(block: Block, out: Path, tier: str, choices: Choices) -> Iterator[StudyRun]:
    instances = (SMOKE_INSTANCES,) if tier == SMOKE else block.instances_per_class
    evaluation_images = SMOKE_EVALUATION_IMAGES if tier == SMOKE else EVALUATION_IMAGES
    for model in matching_models(block.model):
        adapter = find_adapter(model)
        preset_name = _preset_name(adapter, model, block, tier, choices)
        preset = find_preset(adapter, model, preset_name)
        seeds = range(TRAINING_SEED, TRAINING_SEED + choices.seeds) if adapter.presets else [TRAINING_SEED]
        if preset is not None:
            preset = with_images(preset, choices.images or IMAGES_OF_TIER[tier])
            for setting in (*block.settings, *block.settings_of_preset.get(preset_name or "", ()), *choices.settings):
                preset = with_setting(preset, setting)
        for seed, n, layers, value in product(
            seeds, instances, block.layers or (None,), block.vary.values if block.vary else (None,)
        ):
            varied = with_setting(preset, f"{block.vary.setting}={value}") if block.vary else preset
            scenes = SceneParameters.uniform(n, block.classes)
            words = {"model": model.rpartition(":")[2], "preset": preset_name, "tier": tier, "instances": n,
                     "layers": layers, "value": value}  # fmt: skip
            run = Run(
                folder=out / (_name(block, words, scenes) + (f"-seed{seed}" if seed != TRAINING_SEED else "")),
                model=model,
                preset_name=preset_name,
                preset=varied,
                source=scenes,
                layers=layers or 2,
                seed=seed,
                max_minutes=choices.max_minutes,
                command=choices.command,
            )
            variants = matching(block.variants, adapter.variants, model) if block.variants else adapter.variants
            images = choices.evaluation_images or evaluation_images
            tuning_images = min(images, TUNING_IMAGES) if block.tuned and adapter.grid else 0
            yield StudyRun(run, tuple(variants), images, tuning_images)


def matching(patterns: Sequence[str], existing: Sequence[str], model: str) -> list[str]:
    """The variants among `existing` that match any of `patterns`. Raises InputError for one that matches none."""
    found = {pattern: fnmatch.filter(existing, pattern) for pattern in patterns}
    for pattern, names in found.items():
        if not names:
            raise InputError(f"variant {pattern}: {model} has {', '.join(existing)}")
    return list(dict.fromkeys(name for names in found.values() for name in names))


def matching_models(pattern: str) -> list[str]:
    """The learned models that a study's pattern names; one whose library is not installed is left out, with a line."""
    if not any(sign in pattern for sign in "*?["):
        return [pattern]
    missing = {name: missing_library(name) for name in adapter_names()}
    for name, library in missing.items():
        if library and fnmatch.fnmatch(name, pattern):
            print(f"model {name} is left out of {pattern}: {library}", file=sys.stderr)
    learned = [name for name in adapter_names() if not missing[name] and name not in untrained_names()]
    found = fnmatch.filter(learned, pattern)
    if not found:
        raise InputError(f"model {pattern}: expected a pattern of {', '.join(learned)}")
    return found


def _preset_name(adapter: Adapter, model: str, block: Block, tier: str, choices: Choices) -> str | None:
    if not adapter.presets:
        return None
    asked = (SMOKE,) if tier == SMOKE else (choices.preset,) if choices.preset else block.presets
    for name in asked:
        if name in adapter.presets:
            return name
    found = " or ".join(asked) or "none"
    raise InputError(f"preset of {model}: found {found}, expected one of {', '.join(adapter.presets)}")


def _name(block: Block, words: dict[str, Any], scenes: SceneParameters) -> str:
    if block.name is not None:
        try:
            return block.name.format(**words)
        except (KeyError, IndexError, ValueError):
            known = ", ".join("{" + word + "}" for word in words)
            raise InputError(f"name {block.name}: found an unknown field, expected some of {known}") from None
    parts = [words["model"], words["preset"], f"n{scenes.label}"]
    parts += [f"l{words['layers']}"] if words["layers"] else []
    parts += [str(words["value"])] if words["value"] is not None else []
    parts += [words["tier"]] if words["preset"] not in (None, words["tier"]) else []
    return "-".join(part for part in parts if part)


def _check_tier(tier: str, source: str) -> None:
    if tier not in IMAGES_OF_TIER:
        raise InputError(f"{source}: tier: found {tier!r}, expected one of {', '.join(IMAGES_OF_TIER)}")


def _read(kind: type, values: Any, source: str) -> Any:
    """A `kind` from a table of the file; every key and type is checked."""
    hints = get_type_hints(kind)
    if not isinstance(values, dict):
        raise InputError(f"{source}: found {values!r}, expected a table with {', '.join(hints)}")
    unknown = [name for name in values if name not in hints]
    if unknown:
        raise InputError(f"{source}: found {unknown[0]!r}, expected some of {', '.join(hints)}")
    needed = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise InputError(f"{source}: found no {missing[0]!r}, expected one")
    return kind(**{name: _value(hints[name], value, f"{source}: {name}") for name, value in values.items()})


_LISTS = {tuple[int, ...]: int, tuple[str, ...]: str, tuple[Any, ...]: object}


def _value(hint: Any, value: Any, source: str) -> Any:
    if hint in _LISTS:
        kind = _LISTS[hint]
        if not isinstance(value, list | tuple) or not all(type(item) is kind or kind is object for item in value):
            raise InputError(f"{source}: found {value!r}, expected a list of {'values' if kind is object else kind}")
        if kind is int and not all(item > 0 for item in value):
            raise InputError(f"{source}: found {value!r}, expected numbers above 0")
        return tuple(value)
    if hint == Vary | None:
        return _read(Vary, value, source)
    if hint == Mapping[str, tuple[str, ...]]:
        if not isinstance(value, dict):
            raise InputError(f"{source}: found {value!r}, expected a list of settings for each preset")
        return {name: _value(tuple[str, ...], item, f"{source}: {name}") for name, item in value.items()}
    if hint is bool and not isinstance(value, bool):
        raise InputError(f"{source}: found {value!r}, expected true or false")
    if hint in (str, str | None) and not isinstance(value, str):
        raise InputError(f"{source}: found {value!r}, expected text")
    return value
