"""The README's first screen, written from the results so that no number is typed by hand."""

from pathlib import Path

from benchmark.released.regimes import Regime
from benchmark.released.verdict import REGIME_WORDS, interval_text
from benchmark.report.escape import markdown
from benchmark.report.formats import UNDEFINED, format_difference, format_number, markdown_line, metric_head
from benchmark.report.sections import SECTIONS, verdict
from benchmark.report.sections.section import Comparison, Inputs, scenes_key
from benchmark.report.tables import seeds_text
from datasets.errors import InputError
from datasets.files import write_atomically

REPORT = "results/report"
"""Where the default command writes it, seen from the README."""

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"

METRICS = ("AP", "AP50", "AR_heavy")
DIFFERENCE = "AP"
"""The metric whose difference between the sides stands in the table."""

DIFFERENCE_HEAD = "difference"

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
            f"difference: {metric_head(DIFFERENCE)}, minus that of {_reference_noun(inputs, compared)}. "
            "AR heavy: recall of instances that are hidden by more than a quarter. A row that names no number of seeds "
            "is one run."
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
    """The comparisons of the verdict at the budget that has most of them, the largest of several."""
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
    """A row for each N and model, with the numbers of both regimes in a cell, and the differences from one model."""
    against = verdict.reference(inputs, [entry for entries in compared.values() for entry in entries])
    numbers: dict[tuple[str, str], dict[str, dict[Regime, str]]] = {}
    for regime, entries in compared.items():
        for side in "ab":  # what the reference is compared with stands first
            for entry in entries:
                runs = entry[side]["runs"]
                label = inputs.table1.run_label(inputs.run(runs[0])) + seeds_text(len(runs))
                row = numbers.setdefault((entry["scenes"], label), {name: {} for name in (*METRICS, DIFFERENCE_HEAD)})
                for metric in METRICS:
                    row[metric][regime] = _number(entry, metric, side)
                if side == "a" and entry["b"]["model"] == against:
                    row[DIFFERENCE_HEAD][regime] = _difference(entry)
    regimes = " / ".join(compared)
    heads = [f"{metric_head(metric)}, {regimes}" for metric in METRICS]
    heads += [f"{DIFFERENCE_HEAD}, {regime}" for regime in compared]
    lines = [markdown_line(["N", "Model", *heads]), markdown_line(["--:", ":--", *["--:"] * len(heads)])]
    former = None
    for (scenes, label), row in sorted(numbers.items(), key=lambda item: scenes_key(item[0][0])):
        cells = [" / ".join(row[metric].get(regime, UNDEFINED) for regime in compared) for metric in METRICS]
        cells += [row[DIFFERENCE_HEAD].get(regime, "") for regime in compared]
        lines.append(markdown_line(["" if scenes == former else markdown(scenes), markdown(label), *cells]))
        former = scenes
    words = "; ".join(f"{regime}: {REGIME_WORDS[regime]}" for regime in compared)
    return "\n".join([*lines, "", f"{words[0].upper()}{words[1:]}."])


def _reference_noun(inputs: Inputs, compared: dict[Regime, list[Comparison]]) -> str:
    return verdict.noun(inputs, verdict.reference(inputs, [entry for of in compared.values() for entry in of]))


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
