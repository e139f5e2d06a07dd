"""Other ways to suppress detections, and other limits on them, from the same network."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from benchmark.paper.tables import MAIN_METRICS
from benchmark.released.seeds import mean_run, seed_groups
from benchmark.released.select import families_of
from benchmark.report import escape
from benchmark.report.formats import metric_head
from benchmark.report.plots import Plot, columns_of_axes
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Row, Table, mark_best, measured, seeds_text
from benchmark.report.words import BEST, INTERVALS, PLOT_METRICS
from benchmark.runs.record import ReleasedRun

NOTES = ("The threshold is chosen on the evaluation images, for each alike.", BEST, INTERVALS)


def tables(inputs: Inputs) -> list[Table]:
    """For each family of a run's variants ("nms", "coco-nms", ...) the variant with the highest AP; trained runs with
    several families only."""
    rows: list[Row] = []
    texts: dict[str, str] = {}
    seeds = {group[0].name: len(group) for group in seed_groups(inputs.runs)}
    for run, families in _families(inputs):
        for family, of_family in families.items():
            variant = max(of_family, key=lambda name: run.metrics[name].get("AP") or 0.0)
            number = of_family[variant]
            texts.setdefault(family, run.reading(variant).text)
            label = f"{inputs.table1.run_label(run)}, {run.tier_and_status}{seeds_text(seeds[run.name])}: {family}"
            label += "" if number is None else f", t = {number}"
            rows.append(Row(run.scenes, label, variant, measured(run, variant, MAIN_METRICS), run))
    explained = tuple(f"{family}: {text}." for family, text in texts.items() if text)
    title = "NMS variants and detection protocols, each at its best threshold"
    notes = (*explained, *NOTES)
    return [Table(title, "Best of each", MAIN_METRICS, mark_best(rows), notes, folded=True)] if rows else []


def plots(inputs: Inputs) -> list[Plot]:
    """Metrics against the number in the variants' names, a line for each family of a run's variants; a horizontal one
    for a variant without a number."""
    entries = _families(inputs)
    if not entries:
        return []

    def draw(axes: Sequence[Axes], group: str) -> None:
        for axis, metric in zip(axes, PLOT_METRICS, strict=True):
            for run, families in entries:
                for place, (family, variants) in enumerate(families.items() if run.scenes == group else ()):
                    label = escape.plot(f"{inputs.table1.run_label(run)}, {run.tier_and_status}: {family}")
                    style = inputs.looks.numbered(run.model, place)
                    points = [(number, run.metrics[variant][metric]) for variant, number in variants.items()]
                    if points[0][0] is None:
                        kept = {key: style[key] for key in ("color", "linestyle", "linewidth")}
                        axis.axhline(points[0][1], label=label, **kept)
                    else:
                        axis.plot(*zip(*sorted(points), strict=True), label=label, **style)
        axes[-1].set_xlabel("NMS threshold t")

    figure = columns_of_axes([run.scenes for run, _ in entries], [metric_head(metric) for metric in PLOT_METRICS], draw)
    return [Plot("families", figure, "Metrics against the threshold; a horizontal line has none.")]


def _families(inputs: Inputs) -> list[tuple[ReleasedRun, dict[str, dict[str, float | None]]]]:
    """`families_of` the runs; those that differ in their seed alone are one, with the mean of their metrics."""
    return families_of([mean_run(group) for group in seed_groups(inputs.runs)])


SECTION = Section(
    "families",
    "Does the verdict on NMS survive?",
    "The paper blames non-maximum suppression for what top-down models miss. Other ways to suppress, and other limits "
    "on detections, from the same network.",
    tables=tables,
    plots=plots,
    menu="NMS",
)
