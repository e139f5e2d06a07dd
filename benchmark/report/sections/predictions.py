"""Predictions beside the truth for the first evaluation images: not chosen, so not flattering."""

from benchmark.report.page.parts import Gallery
from benchmark.report.pictures.paint import UNMATCHED_COLOR
from benchmark.report.scene_gallery import galleries_of
from benchmark.report.sections.section import Inputs, Section
from benchmark.report.words import UNMATCHED
from benchmark.runs.manifest import SMOKE

SCENES = 12
"""Scenes of a gallery: a third of them a whole number."""


def galleries(inputs: Inputs) -> list[Gallery]:
    return galleries_of("predictions", inputs.evaluations, lambda run: run.tier != SMOKE, SCENES)


SECTION = Section(
    "predictions",
    "Predictions",
    "The first evaluation images, not chosen. An outline is a whole amodal mask, a fill is what lies in front. Of each "
    "model as many detections are drawn as there are instances, those with the highest scores, each in the colour of "
    "the instance that it matches at IoU 0.5; below, how many do, and what becomes of the other instances. Step with "
    "the buttons, the arrow keys or a swipe; a click enlarges a picture.",
    galleries=galleries,
    legend=[(UNMATCHED_COLOR, UNMATCHED)],
)
