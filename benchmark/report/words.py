"""The words that several parts of the report share: title, and how to read what many tables have."""

TITLE = "Layered embeddings and Mask\N{NO-BREAK SPACE}R\N{NON-BREAKING HYPHEN}CNN under heavy occlusion"
LEAD = (
    "Which finds whole objects better where they hide each other, and from which hidden share on: pixel embeddings in "
    "two or more layers, boxes and masks, or something that the paper does not have? The experiments of Liu, Psota and "
    "Pérez, measured again, from generated scenes to tables."
)

BEYOND = "beyond the paper: "
"""Begins the row of a model that the paper does not have, in its table."""

READING = "Difference: ours minus the paper's. Bold: the best of ours in its column for this N."
INTERVALS = "95 % intervals: percentile bootstrap over images."
BEST = "Bold: the best in its column for this N."

SHARED_NOTES = (READING, INTERVALS, BEST)
"""Notes that stand below many tables; the page says them once, above the first."""

UNMATCHED = "matches no instance, or one already found"
"""What the colour of a prediction that belongs to no instance means."""

PLOT_METRICS = ("AP", "AR100")
"""What plots against a number (of layers, a threshold) show."""
