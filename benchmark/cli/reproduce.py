"""One command for a study: its plan, then its runs, then its report."""

import argparse
from pathlib import Path

from benchmark.cli import paths, values
from benchmark.cli.options import add_device, add_settings

AFTER_CTRL_C = "the same command goes on where it stopped"


def add_parser(commands: argparse._SubParsersAction) -> None:
    reproduce = commands.add_parser(
        "reproduce", help="train, predict, evaluate and report all runs of a study",
        epilog="Finished runs are skipped and half-trained ones resume, so the same command goes on after a kill.",
    )  # fmt: skip
    add = reproduce.add_argument
    add("study", type=values.text, metavar="STUDY",
        help="table1, table2, ablation, layers, figure3, baselines, or a .toml file of the "
        "same form")  # fmt: skip
    add("--tier", metavar="TIER", help="budget of each run: smoke, tiny (10,000 images), short (30,000) or full "
        "(100,000, as in the paper; the default unless the study says otherwise)")  # fmt: skip
    add("--preset", help="in place of the study's; `models` lists them")
    add_settings(reproduce)
    add("--images", type=values.count, help="budget of each run in images seen, in place of the tier's")
    add("--seeds", type=values.whole_number(1, 1000), default=1, metavar="K", help="train each run K times, with the "
        "training seeds 0, 1, ... (default 1)")  # fmt: skip
    add("--only", metavar="PATTERN,...", help="runs by their folders, such as *-n6-*")
    add("--out", type=values.output_folder, help="folder of the run folders (default: runs/STUDY-TIER)")
    add("--evaluation-images", type=values.count, help="default: 1000, in the tier smoke 5")
    add("--max-minutes", type=values.minutes, help="stop each run at a checkpoint after so long")
    add("--parallel", type=values.whole_number(1, 10_000), default=1, metavar="P", help="runs at a time (default 1)")
    add("--gpus-per-run", type=values.whole_number(1, 64), default=1, metavar="G", help="train each run on so many "
        "GPUs of one machine, as torchrun does (default 1)")  # fmt: skip
    add("--cluster", choices=("local", "slurm"), default="local", help="where runs run (default: local)")
    add("--slurm", action="append", default=[], metavar="NAME=VALUE", help="a parameter for sbatch, such as "
        "partition=gpu, time=10:00:00 or cpus_per_task=4")  # fmt: skip
    add_device(reproduce)
    add("--dry-run", action="store_true", help="print the plan and stop")
    reproduce.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    from benchmark.studies import plan, runner
    from benchmark.studies.slurm import default_parameters, slurm_parameters, with_defaults
    from benchmark.studies.study import Choices, read_study, study_runs

    study = read_study(options.study, paths.RESULTS / "paper" / "studies")
    out = options.out or paths.RUNS / f"{study.name}-{options.tier or study.tier}"
    choices = Choices(
        tier=options.tier,
        preset=options.preset,
        images=options.images,
        evaluation_images=options.evaluation_images,
        seeds=options.seeds,
        settings=tuple(options.settings),
        only=tuple(options.only.split(",")) if options.only else (),
        max_minutes=options.max_minutes,
        command=options.command_line,
    )
    slurm = slurm_parameters(options.slurm)
    runs = study_runs(study, out, choices)
    jobs = runner.make_jobs(
        runs, paths.DATA, cluster=options.cluster, device=options.device, processes=options.gpus_per_run,
        parallel=options.parallel,
    )  # fmt: skip
    here = options.cluster == "local"
    measured = [*plan.measurements(out), *plan.measurements(paths.RESULTS / "released")]
    expected = plan.expect(jobs, measured, here=here)
    print(plan.plan_text(study, out, expected, here=here), flush=True)
    if not here:
        defaults = default_parameters(runs, options.device, options.gpus_per_run, plan.longest(expected))
        slurm = with_defaults(slurm, defaults)
        print("sbatch: " + ", ".join(f"{name}={value}" for name, value in slurm.items()))
    if options.dry_run:
        return 0
    outcomes = runner.run_jobs(jobs, out, cluster=options.cluster, parallel=options.parallel, slurm=slurm)
    return _finish(out, [run.run.folder for run in runs], outcomes)


def _finish(out: Path, runs: list[Path], outcomes: dict) -> int:
    from benchmark.regenerate import write_comparisons
    from benchmark.report.sections.section import Inputs
    from benchmark.report.write import write_sections
    from benchmark.studies.status import results_text

    inputs = Inputs.read(out, paths.DATA)
    write_comparisons(inputs, paths.DATA)
    write_sections(inputs, out / "report")
    print(results_text(runs))
    print(f"{out / 'report' / 'index.html'}: all tables and figures")
    failed = {name: outcome.error for name, outcome in outcomes.items() if outcome.state == "failed"}
    for name, error in failed.items():
        print(f"failed: {name}: {error}")
    return 1 if failed else 0
