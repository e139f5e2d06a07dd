"""Tables of what lies behind the metrics: paired tests, errors, and how much of L layers a model reaches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.paper.tables import MAIN_METRICS, PaperTable, headline_variant
from benchmark.released.select import analysed, beside_oracle, families_of, read_comparisons
from benchmark.report.facts import scenes_title
from benchmark.report.formats import format_number, metric_head
from benchmark.report.tables import Row, Table, Value, mark_best, with_footnotes
from benchmark.report.words import PAIRED_SIDES, TABLE_NOTES, TABLE_TITLES
from benchmark.runs.record import ReleasedRun

LAYER_METRICS = ("AP", "AP50", "AP75", "AR100", "AR_heavy")


def paired_table(name: str, comparisons: Path, runs: Sequence[ReleasedRun], ranking: PaperTable) -> Table | None:
    """The comparisons called `name` (see `compare_released`) in ``comparisons.json``; None where there are none.

    Raises InputError where a comparison names a run that is not released.
    """
    compared = read_comparisons(name, comparisons, runs)
    if not compared:
        return None
    by_name = {run.name: run for run in runs}
    rows = [_paired_row(entry, by_name, ranking, PAIRED_SIDES[name]) for _, entry in compared]
    recall = [_recall_in_words(entry) for _, entry in compared]
    verdicts = [f"{_in_words(row)} {by_occlusion}" for row, by_occlusion in zip(rows, recall, strict=True)]
    title = f"paired-{name}"
    table = Table(title, TABLE_TITLES[title], "Difference", MAIN_METRICS, tuple(rows), TABLE_NOTES[title], {},
                  ours="difference", signed=True, lead=tuple(verdicts))  # fmt: skip
    return with_footnotes(table)


def error_table(runs: Sequence[ReleasedRun], ranking: PaperTable) -> Table | None:
    """AP50 lost to each kind of error, by the headline variant of each trained run that was analysed."""
    rows, kinds = [], ()
    for run, variant, summary in analysed(runs, ranking):
        if not summary["errors"]:
            continue
        kinds = tuple(summary["errors"])
        values = {
            kind: Value(
                cost["lost_ap"],
                details={
                    "share": f"{cost['share']:.0%}",
                    "instances": f"{cost['unmatched_instances']:,}",
                    "false positives": f"{cost['false_positives']:,}",
                },
            )
            for kind, cost in summary["errors"].items()
        }
        rows.append(
            Row(run.scenes, f"{ranking.variant_label(run, variant)}, {run.tier_and_status}", variant, values, run)
        )
    if not rows:
        return None
    title, notes = TABLE_TITLES["errors"], TABLE_NOTES["errors"]
    return with_footnotes(Table("errors", title, "Model", kinds, tuple(rows), notes, {}, ours="lost AP50"))


def layers_table(runs: Sequence[ReleasedRun], ranking: PaperTable) -> Table | None:
    """Trained models of L layers beside the oracle with L layers; None unless one was trained with L > 2."""
    rows = []
    for run, oracle in beside_oracle(runs, ranking):
        variant = headline_variant(run, ranking)
        values = {}
        for metric in LAYER_METRICS:
            ours, best = run.metrics[variant].get(metric), oracle.get(metric)
            details = {"oracle": f"{best:.4f}", "reached": f"{ours / best:.1%}"} if ours is not None and best else {}
            values[metric] = Value(ours, interval=run.interval(variant, metric), details=details)
        rows.append(
            Row(run.scenes, f"{ranking.variant_label(run, variant)}, {run.tier_and_status}", variant, values, run)
        )
    if not any(row.run.layers > 2 for row in rows):
        return None
    title, notes = TABLE_TITLES["layers"], TABLE_NOTES["layers"]
    return with_footnotes(Table("layers", title, "Model", LAYER_METRICS, tuple(rows), notes, {}, ours="trained"))


def families_table(runs: Sequence[ReleasedRun], ranking: PaperTable) -> Table | None:
    """For each family of a run's variants the one with the highest AP; trained runs with several families only, None
    without one."""
    rows = []
    texts: dict[str, str] = {}
    for run, families in families_of(runs):
        for family, of_family in families.items():
            variant = max(of_family, key=lambda name: run.metrics[name].get("AP") or 0.0)
            number = of_family[variant]
            texts.setdefault(family, run.reading(variant).text)
            label = f"{ranking.run_label(run)}, {run.tier_and_status}: {family}" + (
                "" if number is None else f", t = {number}"
            )
            values = {
                metric: Value(run.metrics[variant].get(metric), interval=run.interval(variant, metric))
                for metric in MAIN_METRICS
            }
            rows.append(Row(run.scenes, label, variant, values, run))
    if not rows:
        return None
    explained = " ".join(f"{family}: {text}." for family, text in texts.items() if text)
    title, notes = TABLE_TITLES["families"], (*([explained] if explained else []), *TABLE_NOTES["families"])
    return with_footnotes(Table("families", title, "Best of each", MAIN_METRICS, tuple(mark_best(rows)), notes, {}))


def _paired_row(
    entry: dict[str, Any], by_name: dict[str, ReleasedRun], ranking: PaperTable, names: tuple[str, str]
) -> Row:
    """The row of a comparison a - b; names: what a and b are called where their own numbers stand."""
    run, variant = by_name[entry["a"]["run"]], entry["a"]["variant"]
    rivals = {used["b"]["run"]: by_name[used["b"]["run"]] for used in entry["metrics"].values()}
    values = {}
    for metric in MAIN_METRICS:
        found = entry["metrics"].get(metric)
        if found is None:
            values[metric] = Value()
            continue
        of_b = by_name[found["b"]["run"]].metrics[found["b"]["variant"]][metric]
        numbers = (format_number(run.metrics[variant][metric]), format_number(of_b))
        details = {"p": _p_value(found["p_value"]), **dict(zip(names, numbers, strict=True))}
        if found["b"]["variant"] != variant:
            details["against"] = found["b"]["variant"]
        values[metric] = Value(found["value"], interval=(found["low"], found["high"]), details=details)
    others = " or ".join(ranking.run_label(rival) for rival in rivals.values())
    label = f"{ranking.run_label(run)} minus {others}, {run.tier_and_status}"
    return Row(run.scenes, label, variant, values, run)


def _in_words(row: Row) -> str:
    """In which metrics the first of two runs is better: where the whole interval of the difference says so."""
    said: dict[str, list[str]] = {"better": [], "worse": [], "not told apart": []}
    for metric, value in row.values.items():
        if value.interval is not None:
            low, high = value.interval
            said["better" if low > 0 else "worse" if high < 0 else "not told apart"].append(metric_head(metric))
    words = "; ".join(f"{verdict} in {', '.join(metrics)}" for verdict, metrics in said.items() if metrics)
    return f"{scenes_title(row.group)}, {row.label}: {words}."


def _recall_in_words(entry: dict[str, Any]) -> str:
    """At which occlusion rates the first of two runs finds more, neighbouring bins of one verdict together."""
    recall, variant = entry["recall_by_occlusion"], entry["recall_by_occlusion"]["b"]["variant"]
    edges, spans = recall["edges"], []
    for left, right, low, high in zip(edges, edges[1:], recall["low"], recall["high"], strict=False):
        if low is None:
            continue
        verdict = "better" if low > 0 else "worse" if high < 0 else "not told apart"
        if spans and spans[-1][0] == verdict and spans[-1][2] == left:
            spans[-1][2] = right
        else:
            spans.append([verdict, left, right])
    words = "; ".join(f"{verdict} from {left:g} to {right:g}" for verdict, left, right in spans)
    against = "" if variant == entry["a"]["variant"] else f", against {variant}"
    return f"Recall by occlusion rate{against}: {words}."


def _p_value(p: float) -> str:
    return f"{p:.3f}" if p >= 0.0095 else f"{p:.1g}"
