"""What the page shows besides tables and plots: rows of pictures, galleries of scenes, and failure cases."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.report.pictures.paint import Panel


@dataclass(frozen=True)
class PanelRow:
    """Pictures that belong together. fold: title of the fold that the page hides them in, with neighbours of the same;
    "" for none."""

    title: str
    panels: Sequence[Panel]
    fold: str = ""


@dataclass(frozen=True)
class GalleryScene:
    """One evaluation image: the picture, the truth, and a panel per run.

    third: of the gallery's scenes by their share of heavily occluded instances. beyond: numbers of layers that hold
    less than half of some instance. failures: (place of the run, kind of failure) that occur.
    """

    anchor: str
    title: str
    details: str
    panels: tuple[Panel, ...]
    third: str
    beyond: tuple[int, ...]
    failures: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Gallery:
    """The scenes of one evaluation set. thirds: third -> its range in words. layers: numbers that `beyond` may hold.
    kinds: of failures that occur. models: the runs, for readers."""

    anchor: str
    title: str
    scenes: tuple[GalleryScene, ...]
    thirds: dict[str, str]
    layers: tuple[int, ...]
    kinds: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True)
class CasePicture:
    """One failure case: the truth and what the model says there."""

    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class FailureKind:
    """The cases of one kind. count: how many there are, in words. columns: of cases in a row."""

    title: str
    count: str
    text: str
    columns: int
    cases: tuple[CasePicture, ...]


@dataclass(frozen=True)
class Failures:
    """What one run does wrong. name: of its files. label, scenes, tier: for readers."""

    name: str
    label: str
    scenes: str
    tier: str
    kinds: tuple[FailureKind, ...]
