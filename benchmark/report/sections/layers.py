"""More than two layers: what a model with L layers reaches of what L layers can hold, and what a layer brings."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from matplotlib.axes import Axes

from benchmark.released.seeds import mean_run, seed_groups
from benchmark.released.select import beside_oracle, oracle_variants
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report import escape
from benchmark.report.formats import metric_head
from benchmark.report.paired import paired_table
from benchmark.report.plots import PAPER_COLOR, Plot, columns_of_axes
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table, measured_row
from benchmark.report.words import INTERVALS, PLOT_METRICS

LAYER_METRICS = ("AP", "AP50", "AP75", "AR100", "AR_heavy")

NOTES = (
    "Oracle: as many layers of ground truth (Table 2). Reached: the trained model's number as a share of it.",
    "Each run is read at its best.",
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    """Trained models of L layers beside the oracle with L layers, and more layers minus fewer."""
    rows = []
    oracles = {run.name: oracle for run, oracle in beside_oracle(inputs.runs, inputs.table1)}
    for of_seeds in seed_groups([inputs.run(name) for name in oracles]):
        choices = [(run, inputs.reading(run, "best")) for run in of_seeds]
        readings = [(run, choice.variant) for run, choice in choices if choice]
        if not readings:
            continue
        run, variant = readings[0]
        label = f"{inputs.table1.variant_label(run, variant)}, {run.tier_and_status}"
        row = measured_row(run.scenes, label, readings, LAYER_METRICS)
        values = {}
        for metric, value in row.values.items():
            ours, best = value.ours, oracles[run.name].get(metric)
            share = {"oracle": f"{best:.4f}", "reached": f"{ours / best:.1%}"} if ours is not None and best else {}
            values[metric] = replace(value, details=value.details | share)
        rows.append(replace(row, values=values))
    if not any(row.run and row.run.layers > 2 for row in rows):
        return []
    title = "Layers: trained models and what so many layers can hold"
    reached = Table(title, "Model", LAYER_METRICS, tuple(rows), NOTES, ours="trained")
    paired = [
        table
        for regime, compared in inputs.comparisons("layers").items()
        for table in paired_table(
            inputs, compared, f"More layers minus fewer, {REGIME_WORDS[regime]}", ("more layers", "fewer layers"), True
        )
    ]
    return [reached, *paired]


def plots(inputs: Inputs) -> list[Plot]:
    """Trained models against the number of layers, with the oracle's curve; none unless one was trained with L > 2."""
    pairs = [run for run, _ in beside_oracle(inputs.runs, inputs.table1)]
    if not any(run.layers > 2 for run in pairs):
        return []
    labels = {run.name: f"{run.model} ({run.preset}), {run.tier_and_status}" for run in pairs}
    places = {label: place for place, label in enumerate(dict.fromkeys(labels.values()))}

    def draw(axes: Sequence[Axes], group: str) -> None:
        here = [run for run in pairs if run.scenes == group]
        oracle = next(run for run in inputs.runs if oracle_variants(run) and run.dataset_hash == here[0].dataset_hash)
        layers = oracle_variants(oracle)
        for axis, metric in zip(axes, PLOT_METRICS, strict=True):
            best = [oracle.metrics[variant][metric] for variant in layers.values()]
            axis.plot(list(layers), best, "o--", color=PAPER_COLOR, fillstyle="none", linewidth=1.2,
                      label="layers of ground truth")  # fmt: skip
            by_label = sorted(here, key=lambda run: (labels[run.name], run.layers))
            for label, of_label in groupby(by_label, key=lambda run: labels[run.name]):
                runs = [mean_run(group) for group in seed_groups(list(of_label))]
                choices = [(run, inputs.reading(run, "best")) for run in runs]
                points = [(run.layers, run.metrics[choice.variant][metric]) for run, choice in choices if choice]
                style = inputs.looks.numbered(runs[0].model, places[label])
                axis.plot(*zip(*points, strict=True), label=escape.plot(label), **style)
            axis.set_xticks(list(layers))
        axes[-1].set_xlabel("layers")

    figure = columns_of_axes([run.scenes for run in pairs], [metric_head(metric) for metric in PLOT_METRICS], draw)
    return [Plot("layers-reached", figure, "Trained models, and the most that so many layers can hold.")]


SECTION = Section(
    "layers-reached",
    "More than two layers",
    "The paper uses a foreground and one occluded layer and suggests more. How much of what L layers can hold does a "
    "model with L layers reach, and what does a layer bring?",
    tables=tables,
    plots=plots,
    menu="More layers",
)
