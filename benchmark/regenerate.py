"""Everything this checkout can regenerate without training: evaluation sets, Tables 1 and 2, report."""

import sys
from pathlib import Path

from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import read_paper
from benchmark.released.compare import compare_released, compared_readings
from benchmark.released.evaluate import analyse_released, resample_released, run_untrained_models
from benchmark.report.readme import update_readme
from benchmark.report.write import write_report
from benchmark.runs.record import read_runs
from benchmark.runs.results import paper_folder, runs_folder
from datasets.files import write_json
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS


def regenerate(results: Path, data: Path, readme: Path) -> None:
    """Recompute what needs no training into `results`/released, then write the report and the tables of `readme`.

    Models without presets need no training and are run; the predictions of all other released runs are evaluated
    and analysed again. Files whose numbers did not change are left alone.
    """
    for instances_per_class in EVALUATION_INSTANCES_PER_CLASS:
        dataset = evaluation_set(data, SceneParameters.uniform(instances_per_class))
        run_untrained_models(results / "released", dataset, analyse=True)
    analyse_released(results / "released", data)
    runs, table = read_runs(runs_folder(results)), read_paper(paper_folder(results))["table1"]
    resamples = resample_released(runs, compared_readings(runs, table), data)
    write_json(results / "comparisons.json", compare_released(runs, table, resamples))
    write_report(results, results / "report", data_folder=data)
    update_readme(readme, results)
    print(f"{results / 'report' / 'index.html'}: tables and figures", file=sys.stderr)
