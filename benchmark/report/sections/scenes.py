"""Scenes and layers: a training sample, as in the paper's Fig. 1."""

from benchmark.report.page.parts import PanelRow
from benchmark.report.pictures.colors import category_colors, to_rgb
from benchmark.report.pictures.paint import Panel, instance_colors, paint_labels
from benchmark.report.plots import Plot, panel_figure
from benchmark.report.sections.section import Inputs, Section
from datasets.layers import masks_from_layers
from datasets.render import render_layers
from datasets.scene import CATEGORIES, Scene, SceneParameters, sample_scene
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS, TRAINING_SEED


def pictures(inputs: Inputs) -> list[PanelRow]:
    return [
        PanelRow(f"N = {n}", sample_panels(sample_scene(SceneParameters.uniform(n), TRAINING_SEED, 0)))
        for n in EVALUATION_INSTANCES_PER_CLASS
    ]


def prints(inputs: Inputs) -> list[Plot]:
    return [Plot("training-sample", panel_figure([(row.title, row.panels) for row in pictures(inputs)]))]


def sample_panels(scene: Scene) -> list[Panel]:
    """The paper's Fig. 1: image, then class masks and instance masks of the foreground and the occluded layer."""
    sample = render_layers(scene, layers=2)
    count = len(sample.categories)
    class_colors = to_rgb(list(category_colors(CATEGORIES).values()))
    colors = instance_colors(masks_from_layers(sample.layers, count))
    names = ("Foreground", "Occlusion")
    panels = [Panel("Input image", sample.image, f"White shapes with black outlines, {count} of them visible")]
    panels += [
        Panel(f"{name} class mask", paint_labels(layer, class_colors), f"Class of each pixel, {name.lower()}")
        for name, layer in zip(names, sample.category_layers, strict=True)
    ]
    panels += [
        Panel(f"{name} instance mask", paint_labels(layer, colors), f"Instance of each pixel, {name.lower()}")
        for name, layer in zip(names, sample.layers, strict=True)
    ]
    return panels


SECTION = Section(
    "scenes",
    "Scenes and layers",
    "A training sample, as in the paper's Fig. 1. Only outlines carry information. The occlusion masks show what lies "
    "directly behind the foreground. In the instance masks a colour is the same instance in both layers.",
    pictures=pictures,
    prints=prints,
    legend=[(color, name) for name, color in category_colors(CATEGORIES).items()],
    menu="Scenes",
)
