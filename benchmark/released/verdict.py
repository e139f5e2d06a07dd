"""What the comparisons say, in words: who is better, in what, by how much; and how numbers of tests are printed."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.paper.tables import MAIN_METRICS
from benchmark.released.compare import UNDECIDED
from benchmark.released.regimes import Regime

VERDICTS = ("better", "worse", UNDECIDED)

REGIME_WORDS: Mapping[Regime, str] = {"paper": "read as the paper reads them", "best": "each read at its best"}

MOST_DIGITS = 6


def verdict_sentences(regime: Regime, comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    """One sentence for each two models compared at the same scenes and budget, over all their numbers of layers.

    comparisons: the list "sides" of a regime (`benchmark.released.compare.compare_released`). A metric counts as better
    or worse where it is so in every comparison of the two; else as not told apart.
    """
    together: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for entry in comparisons:
        key = (entry["scenes"], entry["tier"], entry["a"]["model"], entry["b"]["model"])
        together.setdefault(key, []).append(entry)
    return [_sentence(regime, *key, entries) for key, entries in together.items()]


def caution(entry: Mapping[str, Any]) -> str:
    """What a reader must know before believing a comparison: how many runs it rests on, and what chose its readings."""
    runs = entry["seeds"]
    parts = (
        ["One run a side: another seed may say otherwise."]
        if max(runs) == 1
        else [f"{runs[0]} against {runs[1]} runs."]
    )
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


def _sentence(
    regime: Regime, scenes: str, tier: str, model: str, rival: str, entries: Sequence[Mapping[str, Any]]
) -> str:
    layers = sorted({entry["a"]["layers"] for entry in entries})
    of_layers = f" (L = {layers[0]} to {layers[-1]})" if len(layers) > 1 else ""
    said: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for metric in MAIN_METRICS:
        found = [entry["metrics"][metric] for entry in entries if metric in entry["metrics"]]
        if found:
            verdicts = {test["verdict"] for test in found}
            verdict = verdicts.pop() if len(verdicts) == 1 else UNDECIDED
            said[verdict].append(f"{metric.replace('_', ' ')} ({_range([test['value'] for test in found])})")
    words = "; ".join(f"{verdict} in {', '.join(metrics)}" for verdict, metrics in said.items() if metrics)
    cautions = dict.fromkeys(caution(entry) for entry in entries)
    name = f"N = {scenes}" if scenes[:1].isdigit() else scenes
    return f"{name}, {tier}, {REGIME_WORDS[regime]}: {model}{of_layers} against {rival}: {words}. {' '.join(cautions)}"


def _range(values: Sequence[float]) -> str:
    texts = [number_text(min(values)), number_text(max(values))]
    return " to ".join(dict.fromkeys(texts))
