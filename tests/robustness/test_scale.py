"""Memory grows by little for each image; see `tests.robustness.scale` for many images."""

import tracemalloc

from benchmark.evaluation import match
from benchmark.evaluation.evaluate import evaluate
from datasets import documents
from tests.robustness.scale import write_set

BUDGET = 2**32 / 100_000
"""Bytes for each image, if 100,000 of them are to take 4 GiB."""


def test_memory_for_each_image_stays_within_the_budget(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "REMEMBERED", 0)
    monkeypatch.setattr(documents, "BLOCK", 500)
    monkeypatch.setattr(match, "IMAGES_AT_ONCE", 20)
    peaks = {}
    for images in (20, 60, 180):  # the first warms up
        files = write_set(tmp_path, images)
        tracemalloc.start()
        try:
            assert evaluate(*files)["AP"] > 0.2
            peaks[images] = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    print(peaks)
    assert (peaks[180] - peaks[60]) / 120 < BUDGET / 2
