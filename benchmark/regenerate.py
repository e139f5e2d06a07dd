"""Everything this checkout can regenerate without training: evaluation sets, Tables 1 and 2, report."""

import sys
from pathlib import Path

from benchmark.evaluation.evaluate import evaluate
from benchmark.evaluation.validate import read_annotations
from benchmark.evaluation_sets import evaluation_set
from benchmark.files import write_json
from benchmark.manifest import read_manifest
from benchmark.registry import adapter_names, find_adapter
from benchmark.report.readme import update_readme
from benchmark.report.write import write_report
from benchmark.run import Run
from benchmark.runs import predict_and_evaluate, read_metrics
from datasets.exported import ExportedDataset
from datasets.scene import SceneParameters
from datasets.seeds import EVALUATION_INSTANCES_PER_CLASS


def regenerate(results: Path, data: Path, readme: Path) -> None:
    """Recompute what needs no training into `results`/released, then write the report and the tables of `readme`.

    Models without presets need no training and are run; the predictions of all other released runs are evaluated
    again. Files whose numbers did not change are left alone.
    """
    for instances_per_class in EVALUATION_INSTANCES_PER_CLASS:
        dataset = evaluation_set(data, SceneParameters.uniform(instances_per_class))
        run_untrained_models(results / "released", dataset)
    evaluate_released(results / "released", data)
    write_report(results, results / "report", data_folder=data)
    update_readme(readme, results)
    print(f"{results / 'report' / 'index.html'}: tables and figures", file=sys.stderr)


def run_untrained_models(released: Path, dataset: ExportedDataset) -> dict[str, dict]:
    """Run every registered model that needs no training on `dataset`; returns metrics by name of the run."""
    scenes = SceneParameters(tuple(dataset.info["parameters"]["counts"]))
    metrics = {}
    for name in adapter_names():
        adapter = find_adapter(name)
        if not adapter.presets:
            run = Run(released / f"{name}-n{scenes.label}", name, None, None, scenes)
            # cheap to make again, so the predictions themselves are not kept
            metrics[run.folder.name] = predict_and_evaluate(run, dataset, adapter.variants, keep_predictions=False)
    return metrics


def evaluate_released(released: Path, data: Path, *, write: bool = True) -> dict[str, dict]:
    """Evaluate the kept predictions of every released run again; returns metrics by name of the run.

    write: put metrics that changed into the run's folder.
    """
    metrics = {}
    for folder in sorted(path.parent for path in released.glob("*/metrics.json")):
        files = sorted(folder.glob("predictions.*.json.gz"))
        if not files:
            continue
        described = read_manifest(folder)["dataset"]
        scenes = SceneParameters(tuple(described["parameters"]["counts"]))
        dataset = evaluation_set(data, scenes, described["images"], described["seed"])
        ground_truth = read_annotations(dataset.annotations_file)
        found = {
            path.name.removeprefix("predictions.").removesuffix(".json.gz"): evaluate(ground_truth, path)
            for path in files
        }
        earlier = read_metrics(folder)
        metrics[folder.name] = {name: found[name] for name in [*earlier, *found] if name in found}
        if write and any(earlier.get(name) != values for name, values in found.items()):
            write_json(folder / "metrics.json", {**earlier, **metrics[folder.name]})
    return metrics
