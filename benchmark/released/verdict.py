"""What the comparisons say, in words: who is better, in what, by how much; and how numbers of tests are printed."""

from collections.abc import Mapping
from typing import Any

from benchmark.released.compare import UNDECIDED
from benchmark.released.regimes import Regime

VERDICTS = ("better", "worse", UNDECIDED)

REGIME_WORDS: Mapping[Regime, str] = {"paper": "read as the paper reads them", "best": "each read at its best"}

ONE_RUN = "One run a side: another seed may say otherwise."

MOST_DIGITS = 6


def caution(entry: Mapping[str, Any]) -> str:
    """What a reader must know before believing a comparison: how many runs it rests on, and what chose its readings."""
    runs = entry["seeds"]
    parts = [ONE_RUN] if max(runs) == 1 else [f"{runs[0]} against {runs[1]} runs."]
    for side in (entry["a"], entry["b"]):
        if side["chosen_on"] == "evaluation images":
            variants = ", ".join(dict.fromkeys(side["variants"]))
            parts.append(f"{side['model']}'s reading ({variants}) was chosen on the evaluation images, in its favour.")
    return " ".join(parts)


def interval_text(low: float, high: float, digits: int = 3, *, signed: bool = True) -> str:
    """ "[−0.004, +0.010]", with more digits than asked for where an end would else be printed as zero and is not."""
    while digits < MOST_DIGITS and any(value != 0 and round(value, digits) == 0 for value in (low, high)):
        digits += 1
    return f"[{number_text(low, digits, signed=signed)}, {number_text(high, digits, signed=signed)}]"


def number_text(value: float, digits: int = 3, *, signed: bool = True) -> str:
    """With a true minus sign; a rounded zero has no sign."""
    rounded = round(value, digits) + 0.0
    text = f"{rounded:+.{digits}f}" if signed and rounded else f"{rounded:.{digits}f}"
    return text.replace("-", "−")


def p_text(p_value: float, at_floor: bool) -> str:
    """ "0.412", "0.003", "≤ 0.0002" where no resample contradicts the sign."""
    text = f"{p_value:.3f}" if p_value >= 0.0095 else f"{p_value:.1g}"
    return f"≤ {text}" if at_floor else text
