"""Models compared at budgets that the verdict leaves out: is the baseline a fair one?"""

from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS
from benchmark.report.paired import paired_table
from benchmark.report.sections import verdict
from benchmark.report.sections.section import Comparison, Inputs, Section
from benchmark.report.tables import Table


def tables(inputs: Inputs) -> list[Table]:
    """A table for each regime."""
    return [
        table
        for regime, compared in beside_verdict(inputs).items()
        for table in paired_table(inputs, compared, f"Other models, {REGIME_WORDS[regime]}", folded=True)
    ]


def beside_verdict(inputs: Inputs) -> dict[Regime, list[Comparison]]:
    """Regime -> the comparisons at budgets at which the paper's sides do not meet."""
    judged = verdict.between_sides(inputs)
    return {
        regime: [entry for entry in entries if entry not in judged.get(regime, [])]
        for regime, entries in inputs.comparisons("sides").items()
    }


SECTION = Section(
    "other-models",
    "Other models, and is the baseline a fair one?",
    "Models against each other with the same budget, where the paper's two sides do not meet. Where an independent "
    "implementation of Mask R-CNN comes as far, with one run a side and the same number of images, a fault in one code "
    "alone is unlikely to explain the numbers of Table 1.",
    tables=tables,
    menu="Other models",
)
