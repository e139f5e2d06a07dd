import pytest

from benchmark.manifest import tier


@pytest.mark.parametrize(
    ("preset", "seen", "budget", "name"),
    [
        (None, 0, 0, "none"),
        ("smoke", 100_000, 100_000, "smoke"),
        ("paper", 100_000, 100_000, "full"),
        ("compact", 30_016, 30_000, "short"),  # batches of 64
        ("compact", 29_000, 30_000, "29000 images"),
        ("compact", 50_000, 50_000, "50000 images"),
    ],
)
def test_tier(preset, seen, budget, name):
    assert tier(preset, seen, budget) == name
