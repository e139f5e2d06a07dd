"""Speed of the generator on one core; run alone: ``pytest -n 0 -m slow -s tests/datasets/test_speed.py``."""

import time

import cv2
import pytest

from datasets.export import export_dataset
from datasets.render import render_layers
from datasets.scene import SceneParameters, sample_scene

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("instances_per_class", "samples_per_second"), [(6, 1000), (30, 250)])
def test_training_samples_per_second(instances_per_class, samples_per_second):
    cv2.setNumThreads(1)
    parameters = SceneParameters.uniform(instances_per_class)
    started, count = time.perf_counter(), 1500
    for index in range(count):
        render_layers(sample_scene(parameters, 5, index), 2).category_layers  # noqa: B018 - classes are part of a sample
    rate = count / (time.perf_counter() - started)
    print(f"\nN={instances_per_class}, L=2: {rate:.0f} training samples per second on one core")
    assert rate >= samples_per_second


def test_export_of_a_thousand_images(tmp_path):
    started = time.perf_counter()
    export_dataset(SceneParameters.uniform(6), 1000, 5, tmp_path / "out", workers=2)
    seconds = time.perf_counter() - started
    print(f"\n1,000 images with PNGs at N=6: {seconds:.1f} s on 2 cores")
    assert seconds < 30
