"""Everything this checkout can regenerate without training: evaluation sets, Tables 1 and 2, report."""

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import PaperTable, read_paper
from benchmark.released.analyse import analyse_released, analyse_untrained, keep_readings
from benchmark.released.compare import compare_released, compared_readings
from benchmark.released.evaluate import resample_released
from benchmark.released.kept import ANALYSING, Kept, digest_of, digest_of_code, digest_of_files
from benchmark.report.readme import update_readme
from benchmark.report.write import write_report
from benchmark.runs.folder import TRAINING_LOG, WEIGHTS, kept_predictions
from benchmark.runs.record import ReleasedRun, read_runs
from benchmark.runs.results import FIGURE3, PAPER, RELEASED, paper_folder, runs_folder
from datasets.files import write_json
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS

COMPARISONS = "comparisons.json"

CODE = ("benchmark", "datasets")
"""What the report follows from, besides the results."""

_NOT_SHOWN = (WEIGHTS, TRAINING_LOG)
"""Files of runs that no part of the report depends on."""


def regenerate(results: Path, data: Path, readme: Path) -> None:
    """Bring everything in `results` that needs no training up to date, and the first screen of `readme`.

    Models that need no training are run; their predictions and those of all released runs are evaluated, analysed and
    compared, and the report is written, each only where it does not belong any more to what it follows from (see
    `benchmark.released.kept`). Ends with the verdict and Tables 1 and 2 on standard output.
    """
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
    computed = _compare(results, read_runs(released), read_paper(paper_folder(results))["table1"], data, kept)
    _say(f"comparisons: {'computed' if computed else 'unchanged'}")
    kept.write()
    sources = [path for folder in (RELEASED, FIGURE3, PAPER) for path in (results / folder).rglob("*")]
    sources = [path for path in (*sources, results / COMPARISONS) if path.is_file() and path.name not in _NOT_SHOWN]
    hashes = [dataset.info["content_hash"] for dataset in sets]
    follows_from = digest_of(digest_of_files(sources, results), digest_of_code(*CODE), hashes)
    current = kept.holds("report", _report_digest(follows_from, out))
    if not current:
        write_report(results, out, data_folder=data)
        kept.note("report", _report_digest(follows_from, out))
    _say(f"report: {'unchanged' if current else 'written'}, {out / 'index.html'}")
    kept.write(all_known=True)
    update_readme(readme, results)


def _compare(results: Path, runs: Sequence[ReleasedRun], table: PaperTable, data: Path, kept: Kept) -> bool:
    """Write ``comparisons.json`` unless it belongs to what is there; returns whether it was computed."""
    readings = compared_readings(runs, table)
    by_name = {run.name: run for run in runs}
    files = [kept_predictions(by_name[name].folder, variant) for name, variant in readings]
    manifests = [run.manifest for run in runs]
    metrics = [run.metrics for run in runs]
    code = digest_of_code(*ANALYSING, "benchmark/released")
    follows_from = digest_of(readings, *files, manifests, metrics, code)
    path = results / COMPARISONS
    if kept.holds("comparisons", digest_of(follows_from, path)):
        return False
    write_json(path, compare_released(runs, table, resample_released(runs, readings, data)))
    kept.note("comparisons", digest_of(follows_from, path))
    return True


def _report_digest(follows_from: str, out: Path) -> str:
    files = [path for path in out.rglob("*") if path.is_file()]
    return digest_of(follows_from, digest_of_files(files, out))


def _changes(names: list[str]) -> str:
    return f"{len(names)} new or changed" if names else "unchanged"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def write_comparisons(results: Path, data: Path) -> None:
    """Compare the runs in `results`, or in the folder of a study, in pairs, whatever was computed before."""
    runs, table = read_runs(runs_folder(results)), read_paper(paper_folder(results))["table1"]
    resamples = resample_released(runs, compared_readings(runs, table), data)
    write_json(results / COMPARISONS, compare_released(runs, table, resamples))
