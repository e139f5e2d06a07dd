"""Models that the paper does not have, beside those of its Table 1 and each other."""

from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report.paired import paired_table
from benchmark.report.sections.section import Comparison, Inputs, Section
from benchmark.report.tables import Table


def tables(inputs: Inputs) -> list[Table]:
    """A table for each regime."""
    return [
        table
        for regime, compared in with_others(inputs).items()
        for table in paired_table(inputs, compared, f"Other models, {REGIME_WORDS[regime]}", ("first", "second"))
    ]


def with_others(inputs: Inputs) -> dict[Regime, list[Comparison]]:
    """Regime -> the comparisons with a model that the paper does not have."""
    return {
        regime: [entry for entry in entries if not {entry["a"]["model"], entry["b"]["model"]} <= set(inputs.sides)]
        for regime, entries in inputs.comparisons("sides").items()
    }


SECTION = Section(
    "other-models",
    "Other models, and is the baseline a fair one?",
    "Models that the paper does not have, against its two sides with the same budget. Where an independent "
    "implementation of Mask R-CNN comes as far, with one run a side and the same number of images, a fault in one code "
    "alone is unlikely to explain the numbers of Table 1.",
    tables=tables,
    menu="Other models",
)
