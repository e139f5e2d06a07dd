"""Colours of categories: any number of them, all different, and told apart by readers who are colour-blind."""

from collections.abc import Sequence

import numpy as np

PALETTE = (
    "#0072B2", "#E69F00", "#CC79A7", "#117733", "#DDCC77", "#332288", "#88CCEE", "#882255", "#661100", "#D55E00",
    "#F0E442", "#EE3377",
)  # fmt: skip
"""From the colour-blind safe schemes of Okabe and Ito and of Paul Tol: after the first three, each is the farthest from
those before it for readers with normal, red-blind and green-blind sight."""


def category_colors(names: Sequence[str]) -> dict[str, str]:
    """Category -> "#RRGGBB", by the place of the category in its data set; lighter and darker shades after the
    palette's twelve, 96 in all before one comes again."""
    return {name: _color(place) for place, name in enumerate(names)}


def to_rgb(colors: Sequence[str]) -> np.ndarray:
    """ "#RRGGBB" texts as (n, 3) uint8."""
    return np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors], np.uint8).reshape(-1, 3)


def _color(place: int) -> str:
    turn, number = divmod(place, len(PALETTE))
    share = (0.0, 0.5, -0.4, 0.25, -0.2, 0.7, -0.6, 0.6)[turn % 8]  # of white, or of black below zero
    mixed = to_rgb([PALETTE[number]])[0] * (1 - abs(share)) + 255 * max(share, 0)
    return "#" + "".join(f"{round(part):02X}" for part in mixed)
