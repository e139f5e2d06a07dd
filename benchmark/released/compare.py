"""Paired tests between released runs: the two sides of the paper's Table 1, baselines, and numbers of layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.analysis.analyse import DIGITS, Analysis
from benchmark.analysis.bootstrap import paired_differences, paired_recall_differences
from benchmark.analysis.occlusion import bin_edges
from benchmark.paper.tables import MAIN_METRICS, headline_variant, read_paper
from benchmark.runs.record import ReleasedRun, read_runs
from benchmark.runs.results import paper_folder, runs_folder

BOTTOM_UP, TOP_DOWN = "bottom-up", "top-down"

Analyses = Mapping[str, Mapping[str, Analysis]]
"""Run -> variant -> analysis."""


def compare_released(results: Path, analyses: Analyses) -> dict[str, list[dict[str, Any]]]:
    """The content of ``comparisons.json``: "sides", "any-nms", "baselines" and "layers", each a list of comparisons
    a - b.

    A comparison: "a" {"run", "variant"}; "metrics": name -> {"b": {"run", "variant"}, "value", "low", "high",
    "p_value"} (see `paired_differences`); "recall_by_occlusion": "edges" of the bins, "b", and lists "value", "low" and
    "high", null in an empty bin. b is for each metric the best of the rivals, for the recall the one with the highest
    AP. As it is chosen by its result on these very images, the difference leans towards b.

    sides: a is a bottom-up run of the paper's Table 1, its rivals are that table's variants of any top-down run of the
    same scenes and budget; any-nms: all variants whose predictions are kept. baselines: a is a model that the table
    does not have, b its top-down one, each by the variant that the table has with the highest AP. layers: a has more
    layers than b, all else equal.
    """
    table = read_paper(paper_folder(results))["table1"]
    runs = [run for run in read_runs(runs_folder(results)) if run.trained and run.name in analyses]
    sides = dict(zip(table.rows["run_model"], table.rows["side"], strict=True))
    compared: dict[str, list[dict[str, Any]]] = {"sides": [], "any-nms": [], "baselines": [], "layers": []}
    for run in runs:
        if sides.get(run.model) != BOTTOM_UP:
            continue
        variant = headline_variant(run, table)
        rivals = [
            (other.name, of_other)
            for other in runs
            if sides.get(other.model) == TOP_DOWN and _same_conditions(run, other)
            for of_other in analyses[other.name]
        ]
        of_table = [rival for rival in rivals if rival[1] in set(table.rows["run_variant"])]
        for kind, chosen in (("sides", of_table), ("any-nms", rivals)):
            if chosen:
                compared[kind].append(_compare((run.name, variant), chosen, analyses))
        fewer = [other for other in runs if _more_layers(run, other)]
        compared["layers"] += [
            _compare((run.name, variant), [(other.name, headline_variant(other, table))], analyses)
            for other in sorted(fewer, key=lambda other: other.layers)
        ]
    compared["baselines"] = [
        _compare((run.name, headline_variant(run, table)), [(other.name, headline_variant(other, table))], analyses)
        for run in runs
        for other in runs
        if run.model not in sides and sides.get(other.model) == TOP_DOWN and _same_conditions(run, other)
    ]
    return compared


def _compare(a: tuple[str, str], rivals: Sequence[tuple[str, str]], analyses: Analyses) -> dict[str, Any]:
    """a against, for each metric, the best of `rivals`; (run, variant) each."""
    of_a = analyses[a[0]][a[1]]
    metrics = {}
    for metric in MAIN_METRICS:
        measured = [(run, variant) for run, variant in rivals if analyses[run][variant].metrics[metric] is not None]
        if not measured or of_a.metrics[metric] is None:
            continue
        b = max(measured, key=lambda rival: analyses[rival[0]][rival[1]].metrics[metric])
        difference = paired_differences([of_a.resamples], [analyses[b[0]][b[1]].resamples])[metric]
        if difference is not None:
            metrics[metric] = {
                "b": {"run": b[0], "variant": b[1]},
                "value": round(difference.value, DIGITS),
                "low": round(difference.interval.low, DIGITS),
                "high": round(difference.interval.high, DIGITS),
                "p_value": round(difference.p_value, DIGITS),
            }
    best = max(rivals, key=lambda rival: analyses[rival[0]][rival[1]].metrics["AP"] or 0.0)
    recall = paired_recall_differences([of_a.resamples], [analyses[best[0]][best[1]].resamples])
    return {
        "a": {"run": a[0], "variant": a[1]},
        "metrics": metrics,
        "recall_by_occlusion": {
            "edges": bin_edges(len(recall)).tolist(),
            "b": {"run": best[0], "variant": best[1]},
            "value": [found and round(found.value, DIGITS) for found in recall],
            "low": [found and round(found.interval.low, DIGITS) for found in recall],
            "high": [found and round(found.interval.high, DIGITS) for found in recall],
        },
    }


def _same_conditions(run: ReleasedRun, other: ReleasedRun) -> bool:
    return (run.scenes, run.tier_and_status, run.dataset_hash) == (
        other.scenes,
        other.tier_and_status,
        other.dataset_hash,
    )


def _more_layers(run: ReleasedRun, other: ReleasedRun) -> bool:
    same = (run.model, run.manifest["hyperparameters"]) == (other.model, other.manifest["hyperparameters"])
    return same and _same_conditions(run, other) and run.layers > other.layers
