"""Running the jobs of a study: processes on this machine or an array of a Slurm cluster, both through submitit.

Each run is trained, predicts its evaluation set and is evaluated in a job of its own, and leaves the folder that
`train` leaves. So a study that was killed, stopped or extended goes on where it was: finished runs are skipped and
half-trained ones go on from their checkpoint.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError, environment_variables
from submitit.helpers import as_completed, clean_env

from benchmark.evaluation.sets import evaluation_set
from benchmark.models.registry import find_adapter
from benchmark.runs.folder import holds_run
from benchmark.runs.hardware import find_device
from benchmark.runs.manifest import check_same, read_manifest
from benchmark.studies.job import JOBS, LOCK_PATIENCE, Job, Outcome, keep_error
from benchmark.studies.plan import keep_plan
from benchmark.studies.slurm import Value
from benchmark.studies.study import StudyRun
from datasets.errors import InputError
from datasets.processes import usable_cores

ROOT = Path(__file__).parents[2]

LOCAL_MINUTES = 365 * 24 * 60
"""submitit ends a local job after a few minutes unless told otherwise; a run has its own ``max_minutes``."""

REQUEUES = 1_000
"""How often a job of the cluster whose time is over is queued again: a run goes on until it is done."""

POLL_SECONDS = 0.5


def make_jobs(
    runs: Sequence[StudyRun], data: Path, *, cluster: str, device: str | None, processes: int, parallel: int
) -> list[Job]:
    """A job for each of `runs`.

    device: "cpu", "cuda", or None for what there is where the job runs. processes: that train a run together. Raises
    InputError if a folder holds another run or the machine lacks what is asked for; starts nothing.
    """
    for name, value in (("runs at a time", parallel), ("GPUs per run", processes)):
        if value < 1:
            raise InputError(f"{name}: found {value}, expected at least 1")
    for planned in runs:
        if holds_run(planned.run.folder):
            check_same(planned.run, find_adapter(planned.run.model), read_manifest(planned.run.folder))
    if cluster != "local":
        return [Job(planned, data, device, processes, patience=LOCK_PATIENCE) for planned in runs]
    device = find_device(device)
    if processes > 1 and (device != "cuda" or processes > len(_visible_gpus())):
        found = len(_visible_gpus()) if device == "cuda" else 0
        raise InputError(f"GPUs per run: found {processes}, expected at most the {found} GPUs of this machine")
    return [Job(planned, data, device, processes) for planned in runs]


def run_jobs(
    jobs: Sequence[Job], out: Path, *, cluster: str, parallel: int, slurm: Mapping[str, Value]
) -> dict[str, Outcome]:
    """Run all `jobs` that are not finished, whose run folders lie in `out`; prints what becomes of each.

    cluster: "local" or "slurm". parallel: jobs at a time; on this machine they share its cores and GPUs. slurm:
    parameters for sbatch by submitit's names. Returns the outcome of each job by run. Raises InputError, before
    anything is started, for what the cluster refuses.
    """
    pending = [job for job in jobs if not job.is_finished()]
    print(f"{out}: {len(jobs)} runs, {len(jobs) - len(pending)} of them finished already", flush=True)
    if not pending:
        return {}
    executor = make_executor(out / JOBS / time.strftime("%Y%m%d-%H%M%S"), cluster, parallel, slurm)
    keep_plan(out, jobs)
    for scenes, images in dict.fromkeys((job.planned.scenes, job.planned.evaluation_images) for job in pending):
        evaluation_set(pending[0].data, scenes, images)  # here, so that no two jobs write the same one
    outcomes = {}
    with clean_env(), environment_variables(**_environment(cluster, parallel)):
        ended = _run_locally(executor, pending, parallel) if cluster == "local" else _run_on_slurm(executor, pending)
        for done, (job, outcome) in enumerate(ended, 1):
            print(f"[{done}/{len(pending)}] {job.planned.name}: {_describe(outcome)}", flush=True)
            outcomes[job.planned.name] = outcome
    return outcomes


def make_executor(folder: Path, cluster: str, parallel: int, slurm: Mapping[str, Value]) -> submitit.Executor:
    """What jobs are given to; writes nothing. folder: for its files. Raises InputError for what it does not take."""
    if cluster == "local":
        if slurm:
            raise InputError(f"slurm parameter {next(iter(slurm))}: has no meaning without a Slurm cluster")
        executor = submitit.LocalExecutor(folder)
        executor.update_parameters(timeout_min=LOCAL_MINUTES)
        return executor
    try:
        executor = submitit.SlurmExecutor(folder, max_num_timeout=REQUEUES)
        executor.update_parameters(**{"job_name": folder.parents[1].name, "array_parallelism": parallel, **slurm})
    except RuntimeError:
        raise InputError("cluster slurm: found no srun, expected a machine of a Slurm cluster") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"slurm parameters: {str(error).splitlines()[0]}") from None
    return executor


def _visible_gpus() -> list[str]:
    """Names of this process's GPUs as ``CUDA_VISIBLE_DEVICES`` takes them."""
    import torch

    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",") if given else [str(number) for number in range(torch.cuda.device_count())]


def _environment(cluster: str, parallel: int) -> dict[str, str]:
    """What jobs find in their environment: this project, and on this machine their share of the cores."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths)}
    if cluster == "local" and "OMP_NUM_THREADS" not in os.environ:
        environment["OMP_NUM_THREADS"] = str(max(1, usable_cores() // parallel))
    return environment


def _run_locally(executor: submitit.Executor, jobs: Sequence[Job], parallel: int) -> Iterator[tuple[Job, Outcome]]:
    """submitit's local executor starts all that it is given, so it gets the next job when one has ended.

    Its jobs would outlive this process, so an interrupt or a request to terminate ends them too.
    """
    waiting = list(jobs)
    running: dict[submitit.Job, Job] = {}
    shares = _shares_of_gpus(jobs[0], parallel)
    terminate = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    # jobs are cancelled by an interrupt, which they would ignore if this process does, as in a shell's background
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                job = replace(waiting.pop(0), gpus=shares.pop(0))
                running[executor.submit(job)] = job
            ended = next(as_completed(list(running), poll_frequency=POLL_SECONDS))
            job = running.pop(ended)
            shares.append(job.gpus)
            yield job, _outcome(job, ended)
    finally:
        for submitted in running:
            submitted.cancel()
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGINT, interrupt)


def _shares_of_gpus(job: Job, parallel: int) -> list[tuple[str, ...] | None]:
    """The GPUs of each of `parallel` jobs; they share them where there are too few."""
    if job.device != "cuda":
        return [None] * parallel
    gpus = _visible_gpus()
    groups = [tuple(gpus[at : at + job.processes]) for at in range(0, len(gpus), job.processes)]
    whole = [group for group in groups if len(group) == job.processes]
    return [whole[place % len(whole)] for place in range(parallel)]


def _run_on_slurm(executor: submitit.Executor, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
    """One job array, which goes on without this process."""
    try:
        with executor.batch():
            submitted = [executor.submit(job) for job in jobs]
    except FailedJobError as error:
        raise InputError(f"cluster slurm: sbatch: {str(error).strip().splitlines()[-1]}") from None
    print(f"submitted to Slurm as job {submitted[0].job_id.split('_')[0]}", flush=True)
    for ended in as_completed(submitted, poll_frequency=POLL_SECONDS):
        job = jobs[submitted.index(ended)]
        yield job, _outcome(job, ended)


def _outcome(job: Job, submitted: submitit.Job) -> Outcome:
    try:
        outcome = submitted.result()
    except (UncompletedJobError, FailedJobError):  # killed, out of memory, or its code could not be loaded
        error = f"ended without a result, its log is {submitted.paths.stderr}"
        keep_error(job.planned.run.folder, error)
        return Outcome("failed", error=error)
    if outcome.error:
        return replace(outcome, error=f"{outcome.error} (log: {submitted.paths.stderr})")
    return outcome


def _describe(outcome: Outcome) -> str:
    after = f"after {outcome.seconds / 60:.1f} min"
    if outcome.state == "done" and outcome.metrics is not None:
        metrics = outcome.metrics
        shown = [f"{name} {metrics[name]:.4f}" for name in ("AP", "AR100") if metrics.get(name) is not None]
        return f"{', '.join(shown)} {after}"
    words = {
        "stopped": f"stopped {after}; the same command goes on",
        "elsewhere": "left alone, as another process is working on it",
        "failed": f"failed {after}",
    }
    return words[outcome.state]
