"""Table 1: both sides of the paper's comparison."""

from collections.abc import Sequence
from dataclasses import replace

from benchmark.paper.settings import differences_from_paper
from benchmark.paper.tables import PaperTable
from benchmark.released.seeds import seed_groups
from benchmark.released.verdict import ONE_RUN, REGIME_WORDS
from benchmark.report.formats import format_number
from benchmark.report.paper_tables import beside_paper, variant_plot
from benchmark.report.plots import Plot
from benchmark.report.sections.section import Inputs, Section, scenes_key
from benchmark.report.tables import Table, mark_best, measured_row
from benchmark.report.words import BEST, BEYOND, INTERVALS, PLOT_METRICS, READING
from benchmark.runs.folder import TUNED, read_object
from benchmark.runs.record import ReleasedRun
from benchmark.runs.results import paper_folder

GUESSED = (
    "A run that was not tuned on the tuning scenes is read by the variant with its highest AP on the evaluation "
    "images, which favours it."
)

NOTES = (
    READING,
    INTERVALS,
    "AR none, partial, heavy: recall of instances with occlusion rate 0, up to 0.25, and above. The paper prints AP "
    "over two of these columns; recall is what its text and code mean.",
    "The paper's networks start from pretrained weights (Mask R-CNN from COCO) and see 100,000 images. The footnotes "
    "say what ours start from and saw; models are compared only within one budget.",
)


def tables(inputs: Inputs) -> list[Table]:
    """The paper's table in its own regime, one for each budget, then each model at its best."""
    title = f"Table 1: embeddings against Mask R-CNN, {REGIME_WORDS['paper']}"
    as_paper = beside_paper(_as_paper_reads(inputs), inputs.runs, title, NOTES)
    settings = paper_folder(inputs.results) / "settings.toml"
    as_paper = [
        replace(
            table, differences=tuple(differences_from_paper(settings, table.runs)), notes=(*table.notes, *_once(table))
        )
        for table in as_paper
    ]
    return [*as_paper, *(best for table in as_paper if table.runs for best in _at_best(inputs, table))]


def plots(inputs: Inputs) -> list[Plot]:
    paper, caption = _as_paper_reads(inputs), "Metrics against the NMS threshold; a horizontal line is a model without."
    found = beside_paper(paper, inputs.runs, "", ())
    return [
        Plot(
            f"nms-sweep-{table.tier}" if len(found) > 1 else "nms-sweep",
            variant_plot(paper, table.runs, inputs.looks, "nms_threshold", "NMS threshold t", PLOT_METRICS),
            caption,
        )
        for table in found
    ]


def _as_paper_reads(inputs: Inputs) -> PaperTable:
    """The paper's table with, for each model of one row, the variant by which the paper's regime reads its runs."""
    rows = inputs.table1.rows.copy()
    for model, of_model in rows.groupby("run_model"):
        if (of_model.groupby("instances_per_class").size() == 1).all():
            choices = [inputs.reading(run, "paper") for run in inputs.runs if run.model == model and run.trained]
            variants = {choice.variant for choice in choices if choice}
            if len(variants) == 1:
                rows.loc[rows["run_model"] == model, "run_variant"] = variants.pop()
    return replace(inputs.table1, rows=rows)


def _at_best(inputs: Inputs, as_paper: Table) -> list[Table]:
    """The runs of a table, each by its best reading: one row a run."""
    rows, guessed = [], False
    runs = sorted(as_paper.runs, key=lambda run: scenes_key(run.scenes))
    for group in seed_groups(runs):
        choices = [inputs.reading(run, "best") for run in group]
        readings = [(run, choice.variant) for run, choice in zip(group, choices, strict=True) if choice]
        guessed |= any(choice and choice.chosen_on == "evaluation images" for choice in choices)
        if readings:
            beyond = "" if group[0].model in inputs.sides else BEYOND
            label = beyond + inputs.table1.variant_label(*readings[0])
            rows.append(measured_row(group[0].scenes, label, readings, inputs.table1.metrics))
    notes = (BEST, INTERVALS, *_once(as_paper), *_what_was_tuned(inputs, runs), *([GUESSED] if guessed else []))
    title = f"Table 1, {REGIME_WORDS['best']}"
    return [replace(as_paper, title=title, rows=mark_best(rows), notes=notes, differences=())] if rows else []


def _what_was_tuned(inputs: Inputs, runs: Sequence[ReleasedRun]) -> list[str]:
    """For each tuned run, in words: which reading was chosen, and what it gained."""
    said = []
    for run in runs:
        best, paper = inputs.reading(run, "best"), inputs.reading(run, "paper")
        if not (best and paper and best.chosen_on == "tuning scenes" and (run.folder / TUNED).exists()):
            continue
        tuned = read_object(run.folder / TUNED)
        on_evaluation, as_paper = (run.metrics[choice.variant].get("AP") for choice in (best, paper))
        said.append(
            f"{run.name}: of {len(tuned['AP'])} readings, {tuned['choice']} has the highest AP on "
            f"{tuned['dataset']['images']} tuning scenes, {format_number(tuned['AP'][tuned['choice']])}. Applied once "
            f"to the evaluation images it has {format_number(on_evaluation)}, "
            f"{paper.variant} {format_number(as_paper)}."
        )
    return said


def _once(table: Table) -> list[str]:
    """What the intervals of a table without repeated runs leave open."""
    measured = [row for row in table.rows if row.run]
    return [ONE_RUN] if measured and all(len(row.runs) == 1 for row in measured) else []


SECTION = Section(
    "table1",
    "Table 1",
    "Both sides of the comparison, on the same scenes and with the same evaluator.",
    tables=tables,
    plots=plots,
)
