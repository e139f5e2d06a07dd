"""Budgets: what more training images, and more hours, bring."""

from collections.abc import Callable
from dataclasses import replace

from matplotlib.axes import Axes

from benchmark.paper.settings import differences_from_paper
from benchmark.released.seeds import mean_of, seed_groups
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report import escape
from benchmark.report.facts import scenes_title
from benchmark.report.plots import Plot, axes_grid
from benchmark.report.run_list import list_runs
from benchmark.report.sections.section import Inputs, Section, scenes_key
from benchmark.report.tables import Table
from benchmark.report.words import INTERVALS
from benchmark.runs.record import ReleasedRun
from benchmark.runs.results import paper_folder

NOTES = (
    "For one model at a time: rows with different numbers of images do not compare models. The paper's numbers stand "
    "beside runs of as many images as it trains on.",
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    """A row for each trained run, where there are several budgets."""
    trained = [run for run in inputs.runs if run.trained and run.metrics]
    if len({run.tier_and_status for run in trained}) < 2:
        return []
    table = list_runs(f"Each model from budget to budget, {REGIME_WORDS['paper']}", trained, inputs.table1, NOTES)
    settings = paper_folder(inputs.results) / "settings.toml"
    return [replace(table, differences=tuple(differences_from_paper(settings, table.runs)))]


def plots(inputs: Inputs) -> list[Plot]:
    """AP of every trained run, read at its best, against its training images and against its hours of training: a row
    of axes for each N, a line for runs of one model, preset and number of layers."""
    runs = [run for run in inputs.runs if run.trained and run.metrics and run.images_seen]
    groups: dict[str, list[ReleasedRun]] = {}
    for run in sorted(runs, key=lambda run: (scenes_key(run.scenes), run.images_seen)):
        groups.setdefault(run.scenes, []).append(run)
    if not groups:
        return []
    spent: dict[str, Callable[[ReleasedRun], float | None]] = {
        "training images, thousands": lambda run: run.images_seen / 1000,
        "hours of training": _hours,
    }
    places = [(scenes, name) for scenes in groups for name in spent]

    def draw(axis: Axes, place: int) -> None:
        scenes, name = places[place]
        lines: dict[str, list[tuple[float, float, ReleasedRun]]] = {}
        for of_seeds in seed_groups(groups[scenes]):
            run = of_seeds[0]
            choices = [(one, inputs.reading(one, "best")) for one in of_seeds]
            y = mean_of([one.metrics[choice.variant].get("AP") if choice else None for one, choice in choices])
            x = mean_of([spent[name](one) for one in of_seeds])
            if x is not None and y is not None:
                lines.setdefault(inputs.table1.run_label(run), []).append((x, y, run))
        for label, points in lines.items():
            xs, ys, of = zip(*sorted(points, key=lambda point: point[0]), strict=True)
            axis.plot(xs, ys, label=escape.plot(label), **inputs.looks.line(of[0]) | {"markersize": 5})
        axis.set(xlabel=name, xlim=(0, None))

    figure = axes_grid([scenes_title(scenes) for scenes, _ in places], len(spent), "AP", draw, height=1.9)
    caption = (
        "AP of every trained run, read at its best, against its training images and its hours of training, "
        "on the processors that the footnotes name: hours compare models only where these are the same."
    )
    return [Plot("training", figure, caption)]


def _hours(run: ReleasedRun) -> float | None:
    seconds = (run.manifest.get("wall_time_seconds") or {}).get("training")
    return seconds / 3600 if seconds else None


SECTION = Section(
    "progress",
    "Budgets",
    "What more training images bring, and what they cost in time.",
    tables=tables,
    plots=plots,
)
