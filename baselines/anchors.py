"""Anchor boxes that fit the shapes, for every detector that has anchors."""

SIZES = (36, 52, 67, 80, 96, 116, 140, 160)
"""Square roots of anchor areas in pixels, smallest first, shared out among the feature levels of stride 4 to 32.

Boxes of clipped shapes start at about 33 pixels; a 204.8 x 25.6 rectangle has a box of 163 x 163 at 45 degrees and one
of 1:8 upright. Nearly all boxes have an anchor of IoU 0.7 or more (docs/experiments.md).
"""

ASPECT_RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Height by width; flatter boxes are few, and these come within an IoU of 0.5 of them."""


def sizes_of_levels(levels: int) -> tuple[tuple[int, ...], ...]:
    """`SIZES` in as many equal parts as there are feature levels, finest first. levels: 1, 2, 4 or 8."""
    each = len(SIZES) // levels
    return tuple(SIZES[start : start + each] for start in range(0, len(SIZES), each))
