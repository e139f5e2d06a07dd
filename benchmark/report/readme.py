"""The README's first screen, written from the results so that no number is typed by hand."""

from pathlib import Path

from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS, interval_text
from benchmark.report.escape import markdown
from benchmark.report.formats import UNDEFINED, format_difference, format_number, markdown_line, metric_head
from benchmark.report.sections import SECTIONS, verdict
from benchmark.report.sections.section import Comparison, Inputs
from datasets.errors import InputError
from datasets.files import write_atomically

REPORT = "results/report"
"""Where the default command writes it, seen from the README."""

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"

METRICS = ("AP", "AP50", "AR_heavy")
DIFFERENCE = "AP"
"""The metric whose difference between the sides stands in the table."""

_SHOWN_ELSEWHERE = ("smoke",)


def update_readme(readme: Path, inputs: Inputs) -> bool:
    """Rewrite the block between the two marks; True if that changed the file. Raises InputError without the marks."""
    old, new = readme.read_text(encoding="utf-8"), _with_results(readme, inputs)
    if new != old:
        write_atomically(readme, lambda temporary: temporary.write_text(new, encoding="utf-8"))
    return new != old


def readme_is_current(readme: Path, inputs: Inputs) -> bool:
    """Whether `update_readme` would change nothing."""
    return readme.read_text(encoding="utf-8") == _with_results(readme, inputs)


def first_screen(inputs: Inputs) -> str:
    """The answer in Markdown: sentences, one table, one plot, and links to everything else."""
    sentences = [markdown(said) for said in verdict.sentences(inputs)]
    parts = ["\n".join(f"- {said}" for said in sentences) or "No two models were compared yet."]
    compared = _one_budget(inputs)
    if compared:
        runs = [inputs.run(name) for entries in compared.values() for entry in entries for name in entry["a"]["runs"]]
        parts.append(_table(inputs, compared))
        parts.append(
            "N: instances of each of three classes in an image. "
            f"{max(run.images_seen for run in runs):,} training images each, 1,000 evaluation images, 95 % intervals; "
            f"difference: {metric_head(DIFFERENCE)}, embedding minus Mask R-CNN. "
            "AR heavy: recall of instances that are hidden by more than a quarter."
        )
        parts.extend(_chosen_on_evaluation_images(inputs, compared))
        parts.append(f"![Recall of each model by the hidden share of an instance]({REPORT}/recall-by-occlusion.svg)")
    parts.append(_links(inputs))
    return "\n\n".join(parts)


def _with_results(readme: Path, inputs: Inputs) -> str:
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(f"{readme}: expected one line {BEGIN} and after it one line {END}")
    block = first_screen(inputs)
    return f"{text[: text.index(BEGIN)]}{BEGIN}\n\n{block}\n\n{text[text.index(END) :]}"


def _one_budget(inputs: Inputs) -> dict[Regime, list[Comparison]]:
    """The comparisons of the paper's sides at the budget that has most of them, the largest of several."""
    compared = verdict.between_sides(inputs)
    entries = [entry for of_regime in compared.values() for entry in of_regime]
    if not entries:
        return {}

    def rank(tier: str) -> tuple[int, int]:
        here = [entry for entry in entries if entry["tier"] == tier]
        return len(here), max(inputs.run(name).images_seen for entry in here for name in entry["a"]["runs"])

    tier = max({entry["tier"] for entry in entries}, key=rank)
    return {regime: [entry for entry in of if entry["tier"] == tier] for regime, of in compared.items()}


def _table(inputs: Inputs, compared: dict[Regime, list[Comparison]]) -> str:
    """A row for each N and model; the regimes stand side by side."""
    cells: dict[tuple[str, str], dict[Regime, list[str]]] = {}
    for regime, entries in compared.items():
        for side in "ab":  # all embeddings of an N, then what they are compared with
            for entry in entries:
                label = inputs.table1.run_label(inputs.run(entry[side]["runs"][0]))
                numbers = [_number(entry, metric, side) for metric in METRICS]
                difference = _difference(entry) if side == "a" else ""
                cells.setdefault((entry["scenes"], label), {})[regime] = [*numbers, difference]
    heads = [f"{metric_head(metric)}, {regime}" for regime in compared for metric in (*METRICS, "difference")]
    lines = [markdown_line(["N", "Model", *heads]), markdown_line(["--:", ":--", *["--:"] * len(heads)])]
    ordered = sorted(cells.items(), key=lambda item: (not item[0][0].isdigit(), item[0][0].zfill(9)))
    former = None
    for (scenes, label), by_regime in ordered:
        empty = [UNDEFINED] * (len(METRICS) + 1)
        values = [cell for regime in compared for cell in by_regime.get(regime, empty)]
        lines.append(markdown_line(["" if scenes == former else markdown(scenes), markdown(label), *values]))
        former = scenes
    words = "; ".join(f"{regime}: {REGIME_WORDS[regime]}" for regime in compared)
    return "\n".join([*lines, "", f"{words[0].upper()}{words[1:]}."])


def _chosen_on_evaluation_images(inputs: Inputs, compared: dict[Regime, list[Comparison]]) -> list[str]:
    """One sentence that names the models whose readings no tuning scenes chose; none where there are no such models."""
    sides = [entry[side] for of_regime in compared.values() for entry in of_regime for side in "ab"]
    runs = [inputs.run(side["runs"][0]) for side in sides if side["chosen_on"] == "evaluation images"]
    labels = dict.fromkeys(f"{inputs.table1.run_label(run)} at N = {run.scenes}" for run in runs)
    if not labels:
        return []
    return [
        "Not tuned on tuning scenes yet, and therefore read in the way that is best on the evaluation images, in their "
        f"favour: {markdown('; '.join(labels))}."
    ]


def _number(entry: Comparison, metric: str, side: str) -> str:
    found = entry["metrics"].get(metric)
    return format_number(found[side]["mean"]) if found else UNDEFINED


def _difference(entry: Comparison) -> str:
    found = entry["metrics"].get(DIFFERENCE)
    if not found:
        return UNDEFINED
    return f"{format_difference(found['value'])} {interval_text(found['low'], found['high'])}"


def _links(inputs: Inputs) -> str:
    """Links to the tables that the report has written, in its order."""
    written = inputs.results / "report"
    shown = [
        section
        for section in SECTIONS
        if section.anchor not in _SHOWN_ELSEWHERE and (written / f"{section.anchor}.md").exists()
    ]
    links = [f"[{section.menu or section.title}]({REPORT}/{section.anchor}.md)" for section in shown]
    pictures = f"All plots and pictures: [the report]({REPORT}/index.html), a page to download."
    return f"All tables: {', '.join(links)}. {pictures}"
