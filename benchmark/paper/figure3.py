"""The paper's Fig. 3 as the report needs it: which hyperparameter of which model is varied."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from datasets.errors import InputError


@dataclass(frozen=True)
class Figure3:
    """What the study ``results/paper/studies/figure3.toml`` varies.

    model: name of an adapter. setting: dotted path of the hyperparameter that is called C. classes: of the scenes.
    """

    model: str
    setting: str
    classes: tuple[str, ...]


def read_figure3(paper: Path) -> Figure3:
    """The figure's description from the folder `paper`. Raises InputError if it is missing or damaged."""
    path = paper / "studies" / "figure3.toml"
    try:
        (block,) = tomllib.loads(path.read_text())["runs"]
        return Figure3(block["model"], block["vary"]["setting"], tuple(block["classes"]))
    except FileNotFoundError:
        raise InputError(f"{path}: not found, expected the study of the paper's Fig. 3") from None
    except (tomllib.TOMLDecodeError, TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: expected one [[runs]] with model, classes and vary ({error!r})") from None
