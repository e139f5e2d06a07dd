"""Many runs with one command: on the cores of this machine or on a Slurm cluster, both through submitit.

Each run is trained, predicts its evaluation set and is evaluated in a job of its own, and leaves the folder that
`train` leaves. So a sweep that was killed, stopped or extended goes on where it was: finished runs are skipped and
half-trained ones go on from their checkpoint.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import submitit
from submitit.core.utils import FailedJobError, UncompletedJobError, environment_variables
from submitit.helpers import Checkpointable, as_completed, clean_env

from benchmark.adapter import Run
from benchmark.evaluation.sets import evaluation_set
from benchmark.models.registry import find_adapter
from benchmark.runs.folder import holds_run, read_metrics
from benchmark.runs.hardware import find_device
from benchmark.runs.make import predict_and_evaluate, train
from benchmark.runs.manifest import check_same, describe, read_manifest
from datasets.errors import InputError
from datasets.locks import locked
from datasets.processes import usable_cores
from datasets.seeds import EVALUATION_SEED

ROOT = Path(__file__).parents[2]

JOBS = "jobs"
"""Folder beside the runs' for what submitit writes: pickled jobs and their logs."""

LOCAL_MINUTES = 365 * 24 * 60
"""submitit ends a local job after a few minutes unless told otherwise; a run has its own ``max_minutes``."""

SLURM_DEFAULTS = {"time": 24 * 60}
"""submitit's own limit is five minutes."""

POLL_SECONDS = 0.5


def sweep(
    runs: Sequence[Run], out: Path, data: Path, *, evaluation_images: int, device: str | None, cluster: str,
    parallel: int, slurm: Mapping[str, int | str],
) -> bool:  # fmt: skip
    """Train, predict and evaluate all `runs`, whose folders lie in `out`; prints what becomes of each.

    data: where evaluation sets lie or are made. device: "cpu", "cuda", or None for what there is. cluster: "local" or
    "slurm". parallel: runs at a time; on this machine they share its cores. slurm: sbatch's parameters by submitit's
    names. Returns whether no run failed. Raises InputError, before anything is started, if a folder holds another run
    or an option is impossible.
    """
    if parallel < 1:
        raise InputError(f"--parallel: found {parallel}, expected at least 1")
    for run in runs:
        if holds_run(run.folder):
            check_same(run, find_adapter(run.model), read_manifest(run.folder))
    gpus = [None]
    if cluster == "local":
        device = find_device(device)
        gpus = _visible_gpus() if device == "cuda" else gpus
    jobs = [Job(run, data, evaluation_images, device, gpus[place % len(gpus)]) for place, run in enumerate(runs)]
    pending = [job for job in jobs if not job.is_finished()]
    print(f"{out}: {len(jobs)} runs, {len(jobs) - len(pending)} of them finished already", flush=True)
    if not pending:
        return True

    executor = _executor(out / JOBS / time.strftime("%Y%m%d-%H%M%S"), cluster, parallel, device, slurm)
    for scenes in dict.fromkeys(job.run.source for job in pending):
        evaluation_set(data, scenes, evaluation_images)  # here, so that no two jobs write the same one
    failed = {}
    with clean_env(), environment_variables(**_environment(cluster, parallel)):
        outcomes = _run_locally(executor, pending, parallel) if cluster == "local" else _run_on_slurm(executor, pending)
        for done, (job, outcome) in enumerate(outcomes, 1):
            name = job.run.folder.name
            print(f"[{done}/{len(pending)}] {name}: {_describe(job, outcome)}", flush=True)
            if outcome.error is not None:
                failed[name] = outcome.error
    for name, error in failed.items():
        print(f"failed: {name}: {error}")
    return not failed


@dataclass(frozen=True)
class Outcome:
    """How a job ended. metrics: of the model's first variant, None where it failed or the time limit came first.
    error: one line, None where nothing went wrong."""

    metrics: dict[str, float | None] | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Job(Checkpointable):
    """What one job does. One that the cluster pre-empts is queued again as it is, because a run resumes.

    device: as for `sweep`. gpu: the one that a job on this machine gets, None to leave that alone.
    """

    run: Run
    data: Path
    evaluation_images: int
    device: str | None
    gpu: str | None

    def __call__(self) -> Outcome:
        """Train, predict and evaluate. An error is an outcome too; its traceback goes to the job's log."""
        started = time.monotonic()
        try:
            with locked(self.run.folder):
                metrics = read_metrics(self.run.folder) if self.is_finished() else self._work()
        except Exception as error:  # of any kind: the other runs go on, and the sweep tells
            traceback.print_exc()
            text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            return Outcome(None, time.monotonic() - started, " ".join(text.split()))
        return Outcome(next(iter(metrics.values()), None), time.monotonic() - started)

    def is_finished(self) -> bool:
        """Whether the folder holds this run, trained to the end and evaluated on these images."""
        if not read_metrics(self.run.folder):
            return False
        manifest, wanted = read_manifest(self.run.folder), describe(self.run)
        dataset = manifest.get("dataset") or {"parameters": {}}
        evaluated_on = dataset["parameters"].get("counts"), dataset.get("images"), dataset.get("seed")
        return (
            manifest["finished"]
            and all(manifest[key] == value for key, value in wanted.items())
            and evaluated_on == (list(self.run.source.counts), self.evaluation_images, EVALUATION_SEED)
        )

    def _work(self) -> dict[str, dict[str, float | None]]:
        if self.gpu is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpu  # submitit hides all of them from a local job
        run = replace(self.run, device=find_device(self.device))
        if not train(run, resume=True, overwrite=False):
            return {}
        dataset = evaluation_set(self.data, run.source, self.evaluation_images)
        return predict_and_evaluate(run, dataset, find_adapter(run.model).variants[:1])


def _visible_gpus() -> list[str]:
    """Names of this process's GPUs as ``CUDA_VISIBLE_DEVICES`` takes them."""
    import torch

    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return given.split(",") if given else [str(number) for number in range(torch.cuda.device_count())]


def _executor(
    folder: Path, cluster: str, parallel: int, device: str | None, slurm: Mapping[str, int | str]
) -> submitit.Executor:
    if cluster == "local":
        if slurm:
            raise InputError(f"--slurm {next(iter(slurm))}: has no meaning without --cluster slurm")
        executor = submitit.LocalExecutor(folder)
        executor.update_parameters(timeout_min=LOCAL_MINUTES)
        return executor
    parameters = {**SLURM_DEFAULTS, **({"gpus_per_node": 1} if device == "cuda" else {}), **slurm}
    try:
        executor = submitit.SlurmExecutor(folder)
        executor.update_parameters(job_name=folder.parents[1].name, array_parallelism=parallel, **parameters)
    except RuntimeError:
        raise InputError("--cluster slurm: found no srun, expected a machine of a Slurm cluster") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"--slurm: {str(error).splitlines()[0]}") from None
    return executor


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
    waiting, running = list(jobs), {}
    terminate = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    # jobs are cancelled by an interrupt, which they would ignore if this process does, as in a shell's background
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        while waiting or running:
            while waiting and len(running) < parallel:
                job = waiting.pop(0)
                running[executor.submit(job)] = job
            ended = next(as_completed(list(running), poll_frequency=POLL_SECONDS))
            yield running.pop(ended), _outcome(ended)
    finally:
        for submitted in running:
            submitted.cancel()
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGINT, interrupt)


def _run_on_slurm(executor: submitit.Executor, jobs: Sequence[Job]) -> Iterator[tuple[Job, Outcome]]:
    """One job array, which goes on without this process."""
    try:
        with executor.batch():
            submitted = [executor.submit(job) for job in jobs]
    except FailedJobError as error:
        raise InputError(f"--cluster slurm: sbatch: {str(error).strip().splitlines()[-1]}") from None
    for ended in as_completed(submitted, poll_frequency=POLL_SECONDS):
        yield jobs[submitted.index(ended)], _outcome(ended)


def _outcome(submitted: submitit.Job) -> Outcome:
    try:
        return submitted.result()
    except (UncompletedJobError, FailedJobError):  # killed, out of memory, or its code could not be loaded
        return Outcome(None, 0.0, f"ended without a result, its log is {submitted.paths.stderr}")


def _describe(job: Job, outcome: Outcome) -> str:
    if outcome.error is not None:
        return f"failed after {outcome.seconds / 60:.1f} min"
    if outcome.metrics is None:
        return f"stopped after {outcome.seconds / 60:.1f} min; the same command goes on"
    shown = [f"{name} {outcome.metrics[name]:.4f}" for name in ("AP", "AR100") if outcome.metrics.get(name) is not None]
    return f"{', '.join(shown)} after {outcome.seconds / 60:.1f} min"
