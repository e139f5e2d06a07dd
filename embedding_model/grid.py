"""The readings of a trained embedding network among which `tune` chooses."""

from collections.abc import Mapping
from itertools import product
from typing import get_args

from embedding_model.clustering import Seeding
from embedding_model.instances import Fragments, InstanceSettings, Score

BANDWIDTHS = (1.3, 1.5, 1.6, 1.75, 2.0)
"""Around the paper's 1.5, which is half the distance that training keeps between the means of two instances."""

GRID: Mapping[str, InstanceSettings] = {
    f"bandwidth-{bandwidth}-{seeding}-{score}-{fragments}": InstanceSettings(
        bandwidth=bandwidth, seeding=seeding, score=score, fragments=fragments
    )
    for bandwidth, seeding, score, fragments in product(
        BANDWIDTHS, get_args(Seeding), get_args(Score), get_args(Fragments)
    )
}
