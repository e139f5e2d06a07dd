"""The two regimes in which models are compared, and which variant of a run each of them reads.

paper: the paper's post-processing on every side. Where the paper has several readings of a model (the thresholds of its
Table 1), the one with the highest AP among the paper's own numbers. A model that the paper does not have is read as its
author declared, by its first variant.

best: every model in the best way that was found on the tuning scenes (`tune`). A run that was never tuned has only its
variants on the evaluation images to choose from: its reading says so wherever it is shown, because a choice among the
images that it is judged by favours it.

Nothing else is chosen on evaluation images: no threshold, no family of variants, no metric by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmark.adapter import TUNED_VARIANT
from benchmark.paper.tables import PaperTable
from benchmark.runs.record import ReleasedRun

Regime = Literal["paper", "best"]
REGIMES: tuple[Regime, ...] = ("paper", "best")

ChosenOn = Literal["declared", "the paper's numbers", "tuning scenes", "evaluation images"]


@dataclass(frozen=True)
class Choice:
    """The variant by which a regime reads a run, and what it was chosen on; "declared" where nothing was chosen."""

    variant: str
    chosen_on: ChosenOn


def choose(regime: Regime, run: ReleasedRun, table: PaperTable) -> Choice | None:
    """The reading of a run in a regime; None for a run without predictions of its own. table: the paper's Table 1."""
    contenders = [variant for variant in run.metrics if not run.reading(variant).uses_ground_truth]
    if not contenders:
        return None
    return _of_paper(run, contenders, table) if regime == "paper" else _best(run, contenders)


def _of_paper(run: ReleasedRun, contenders: Sequence[str], table: PaperTable) -> Choice:
    of_paper = [variant for variant in contenders if run.reading(variant).paper]
    if len(of_paper) > 1:
        rows = table.rows[table.rows["run_variant"].isin(of_paper)]
        same_scenes = rows[rows["instances_per_class"] == run.scenes]
        rows = same_scenes if len(same_scenes) else rows
        if len(rows):
            return Choice(rows.loc[rows["AP"].idxmax(), "run_variant"], "the paper's numbers")
    declared = [variant for variant in contenders if variant != TUNED_VARIANT]
    return Choice((of_paper or declared or list(contenders))[0], "declared")


def _best(run: ReleasedRun, contenders: Sequence[str]) -> Choice:
    if TUNED_VARIANT in contenders:
        return Choice(TUNED_VARIANT, "tuning scenes")
    if len(contenders) == 1:
        return Choice(contenders[0], "declared")
    return Choice(max(contenders, key=lambda variant: run.metrics[variant].get("AP") or 0.0), "evaluation images")
