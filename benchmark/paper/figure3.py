"""The paper's Fig. 3 as data: which hyperparameter of which model is varied, and over which scenes."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.adapter import Run
from benchmark.models.presets import with_images, with_setting
from benchmark.models.registry import find_adapter, find_preset
from datasets.errors import InputError
from datasets.scene import SceneParameters
from datasets.seeds import TRAINING_SEED


@dataclass(frozen=True)
class Figure3:
    """What ``results/paper/figure3.toml`` says.

    model: name of an adapter. setting: dotted path of the hyperparameter that is called C. channels: its values, one
    line of the plot each. classes: of the scenes. instances_per_class: the values of the x-axis.
    """

    model: str
    setting: str
    channels: tuple[int, ...]
    classes: tuple[str, ...]
    instances_per_class: tuple[int, ...]


def read_figure3(paper: Path) -> Figure3:
    """The figure's description from the folder `paper`. Raises InputError if it is missing or damaged."""
    path = paper / "figure3.toml"
    try:
        values = tomllib.loads(path.read_text())
        return Figure3(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()})
    except FileNotFoundError:
        raise InputError(f"{path}: not found, expected the description of the paper's Fig. 3") from None
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise InputError(f"{path}: {error}") from None


def figure3_runs(
    figure: Figure3,
    out: Path,
    preset_name: str,
    *,
    channels: Sequence[int],
    instances: Sequence[int],
    images: int | None,
    layers: int,
    max_minutes: float | None,
    settings: Sequence[str] = (),
    command: str = "",
) -> list[Run]:
    """One run for each of `channels` and `instances`, in folders of `out` such as ``c4-n18``.

    images: budget of each, None for the preset's. settings: further hyperparameters, NAME=VALUE. command: what
    a person typed, for the manifests. Raises InputError for
    a preset, a setting, channels, scenes or layers that do not exist.
    """
    if layers < 1:
        raise InputError(f"--layers: found {layers}, expected at least 1")
    preset = with_images(find_preset(find_adapter(figure.model), figure.model, preset_name), images)
    for text in settings:
        preset = with_setting(preset, text)
    presets = {value: with_setting(preset, f"{figure.setting}={value}") for value in channels}
    scenes = {n: SceneParameters.uniform(n, figure.classes) for n in instances}
    return [
        Run(
            folder=out / f"c{value}-n{n}",
            model=figure.model,
            preset_name=preset_name,
            preset=presets[value],
            source=scenes[n],
            layers=layers,
            seed=TRAINING_SEED,
            max_minutes=max_minutes,
            command=command,
        )
        for value in channels
        for n in instances
    ]
