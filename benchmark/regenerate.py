"""Everything this checkout can regenerate without training: evaluation sets, Tables 1 and 2, report."""

import sys
import time
from pathlib import Path

from benchmark.evaluation.sets import evaluation_set
from benchmark.released.analyse import analyse_released, analyse_untrained, keep_readings
from benchmark.released.compare import compare_released, compared_readings
from benchmark.released.evaluate import resample_released
from benchmark.released.kept import ANALYSING, Kept, digest_of, digest_of_code, digest_of_files
from benchmark.report.readme import update_readme
from benchmark.report.sections.section import COMPARISONS, Inputs
from benchmark.report.sections.speed import FILE as SPEED
from benchmark.report.terminal import answer
from benchmark.report.write import write_sections
from benchmark.runs.folder import WEIGHTS, kept_predictions
from benchmark.runs.results import FIGURE3, PAPER, RELEASED, runs_folder
from datasets.files import write_json
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS

CODE = ("benchmark", "datasets")
"""What the report follows from, besides the results."""


def regenerate(results: Path, data: Path, readme: Path) -> None:
    """Bring everything in `results` that needs no training up to date, and the first screen of `readme`.

    Models that need no training are run; their predictions and those of all released runs are evaluated, analysed and
    compared, and the report is written, each only where it does not belong any more to what it follows from (see
    `benchmark.released.kept`). Ends with the verdict and Tables 1 and 2 on standard output.
    """
    started = time.monotonic()
    kept = Kept(results)
    released, out = runs_folder(results), results / "report"
    sets = [evaluation_set(data, SceneParameters.uniform(count)) for count in EVALUATION_INSTANCES_PER_CLASS]
    _say(f"evaluation sets: {len(sets)} in {data}")
    new = [name for dataset in sets for name in analyse_untrained(released, dataset, kept)]
    _say(f"models without training: {_changes(new)}")
    kept.write()
    keep_readings(released)
    analysed = analyse_released(released, data, kept)
    _say(f"released predictions: {_changes(analysed)}")
    kept.write()
    inputs = Inputs.read(results, data)
    computed = _compare(inputs, data, kept)
    _say(f"comparisons: {'computed' if computed else 'unchanged'}")
    kept.write()
    hashes = [dataset.info["content_hash"] for dataset in sets]
    follows_from = digest_of(digest_of_files(_sources(results), results), digest_of_code(*CODE), hashes)
    current = kept.holds("report", _report_digest(follows_from, out))
    if not current:
        write_sections(inputs, out)
        kept.note("report", _report_digest(follows_from, out))
    _say(f"report: {'unchanged' if current else 'written'}, {out / 'index.html'}")
    kept.write(all_known=True)
    update_readme(readme, inputs)
    _say(f"done in {time.monotonic() - started:.0f} s")
    print(answer(inputs))


def write_comparisons(inputs: Inputs, data: Path) -> None:
    """Compare the runs in pairs, those of a results folder or of a study, whatever was computed before."""
    readings = compared_readings(inputs.runs, inputs.table1)
    resamples = resample_released(inputs.runs, readings, data)
    write_json(inputs.results / COMPARISONS, compare_released(inputs.runs, inputs.table1, resamples))


def _compare(inputs: Inputs, data: Path, kept: Kept) -> bool:
    """Write ``comparisons.json`` unless it belongs to what is there; returns whether it was computed."""
    readings = compared_readings(inputs.runs, inputs.table1)
    files = [kept_predictions(inputs.run(name).folder, variant) for name, variant in readings]
    runs = [(run.manifest, run.metrics) for run in inputs.runs]
    follows_from = digest_of(readings, *files, runs, digest_of_code(*ANALYSING, "benchmark/released"))
    path = inputs.results / COMPARISONS
    if kept.holds("comparisons", digest_of(follows_from, path)):
        return False
    write_comparisons(inputs, data)
    kept.note("comparisons", digest_of(follows_from, path))
    return True


def _sources(results: Path) -> list[Path]:
    """The files that the report reads: all but weights, and what other programs hide there."""
    found = [path for folder in (RELEASED, FIGURE3, PAPER) for path in (results / folder).rglob("*")]
    found = [path for path in found if path.is_file() and path.name != WEIGHTS and not path.name.startswith(".")]
    return [*found, *(path for path in (results / COMPARISONS, results / SPEED) if path.is_file())]


def _report_digest(follows_from: str, out: Path) -> str:
    files = [path for path in out.rglob("*") if path.is_file()]
    return digest_of(follows_from, digest_of_files(files, out))


def _changes(names: list[str]) -> str:
    return f"{len(names)} new or changed" if names else "unchanged"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
