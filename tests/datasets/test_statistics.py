"""Our scenes against what the authors' generator gives (docs/protocol.md "Measured on the authors' code").

Two samples of 1000 images differ by chance; the tolerances are three standard errors of that difference, computed
from our own images.
"""

import numpy as np
import pytest

from datasets.render import render_layers
from datasets.scene import SceneParameters, sample_scene

AUTHORS = {
    6: {"instances": 17.885, "rates": (0.286, 0.204, 0.513), "shares": (0.536, 0.201, 0.056, 0.012)},
    12: {"instances": 34.585, "rates": (0.163, 0.138, 0.700), "shares": (0.755, 0.453, 0.221, 0.089)},
}


@pytest.mark.parametrize("instances_per_class", AUTHORS)
def test_scenes_are_like_the_authors(instances_per_class):
    rows = []
    for index in range(1000):
        sample = render_layers(sample_scene(SceneParameters.uniform(instances_per_class), 77, index), 8)
        count = len(sample.categories)
        numbers = np.arange(1, count + 1)
        visible = np.bincount(sample.layers[0].ravel(), minlength=count + 1)[numbers]
        amodal = np.bincount(sample.layers.ravel(), minlength=count + 1)[numbers]
        rate = (amodal - visible) / amodal
        ranges = [(rate <= 1e-5).mean(), ((rate > 1e-5) & (rate <= 0.25)).mean(), (rate > 0.25).mean()]
        rows.append([count, *ranges, *(sample.layers[:4] > 0).mean(axis=(1, 2))])
    ours = np.array(rows)
    authors = AUTHORS[instances_per_class]
    expected = np.array([authors["instances"], *authors["rates"], *authors["shares"]])
    standard_error = ours.std(axis=0) * np.sqrt(2 / len(ours))
    rounding = 0.0005
    assert (np.abs(ours.mean(axis=0) - expected) < 3 * standard_error + rounding).all()
