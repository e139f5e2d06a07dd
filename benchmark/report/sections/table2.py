"""Table 2: how much of the truth L layers of masks hold."""

from benchmark.report.page.parts import PanelRow
from benchmark.report.paper_tables import beside_paper, variant_plot
from benchmark.report.pictures.paint import Panel, instance_colors, paint_instances
from benchmark.report.plots import Plot
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.tables import Table
from benchmark.report.words import INTERVALS, PLOT_METRICS, READING
from datasets.layers import masks_from_layers
from datasets.render import render_layers
from datasets.scene import Scene, SceneParameters, sample_scene
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS, TRAINING_SEED

NOTES = (
    "Layers of ground truth have no scores of their own: each mask is scored by its IoU with its instance. AR does not "
    "depend on scores; AP does, and the paper does not say which it used.",
    READING,
    INTERVALS,
)


def tables(inputs: Inputs) -> list[Table]:
    title = "Table 2: masks made from L layers of ground truth"
    return beside_paper(inputs.paper["table2"], inputs.runs, title, NOTES)


def plots(inputs: Inputs) -> list[Plot]:
    paper, caption = inputs.paper["table2"], "The best that any model with so many layers of masks can reach."
    return [
        Plot(
            "layers",
            variant_plot(paper, table.runs, inputs.looks, "layers", "layers of ground truth", PLOT_METRICS),
            caption,
        )
        for table in tables(inputs)[:1]
    ]


def pictures(inputs: Inputs) -> list[PanelRow]:
    return [
        PanelRow(
            f"N = {n}", layer_panels(sample_scene(SceneParameters.uniform(n), TRAINING_SEED, 0)), "What layers hold"
        )
        for n in EVALUATION_INSTANCES_PER_CLASS
    ]


def layer_panels(scene: Scene, most: int = 5) -> list[Panel]:
    """Instance masks as complete as 1, 2, ..., `most` layers can hold them."""
    sample = render_layers(scene, most)
    count = len(sample.categories)
    whole = masks_from_layers(sample.layers, count)
    colors = instance_colors(whole)
    return [
        Panel(
            f"{layers} {'layer' if layers == 1 else 'layers'}",
            paint_instances(masks_from_layers(sample.layers[:layers], count), colors),
            f"Instances as complete as {layers} layers of masks allow",
        )
        for layers in range(1, most + 1)
    ]


SECTION = Section(
    "table2",
    "Table 2",
    "How much of the truth L layers of masks can hold, whatever model fills them. In the pictures an outline is a "
    "whole mask, a fill what lies in front.",
    tables=tables,
    plots=plots,
    pictures=pictures,
)
