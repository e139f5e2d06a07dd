"""Everything this checkout can regenerate without training: evaluation sets, Tables 1 and 2, report."""

import sys
from pathlib import Path

from benchmark.evaluation.sets import evaluation_set
from benchmark.released.compare import compare_released
from benchmark.released.evaluate import analyse_released, run_untrained_models
from benchmark.report.readme import update_readme
from benchmark.report.write import write_report
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
    analyses = analyse_released(results / "released", data)
    write_json(results / "comparisons.json", compare_released(results, analyses))
    write_report(results, results / "report", data_folder=data)
    update_readme(readme, results)
    print(f"{results / 'report' / 'index.html'}: tables and figures", file=sys.stderr)
