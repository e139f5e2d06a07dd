"""What one job of a study does: train, predict and evaluate one run, or go on with it."""

import os
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from submitit.helpers import Checkpointable

from benchmark.adapter import TUNED_VARIANT, Run
from benchmark.evaluation.evaluate import Metrics
from benchmark.evaluation.sets import evaluation_set
from benchmark.runs.folder import read_metrics
from benchmark.runs.hardware import find_device
from benchmark.runs.make import predict_and_evaluate, train
from benchmark.runs.manifest import describe, read_manifest
from benchmark.studies.study import StudyRun
from benchmark.tuning import tune
from datasets.errors import InputError
from datasets.files import write_atomically
from datasets.locks import Held, locked
from datasets.seeds import EVALUATION_SEED

JOBS = "jobs"
"""Folder beside the run folders: pickled jobs and their logs, and why a run failed last."""

LOCK_PATIENCE = 60.0
"""Seconds that a job of a cluster waits for the lock of its run: the job that it replaces may still be ending."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended. state: "done"; "stopped" by its time limit, to go on later; "elsewhere": another process is
    working on the run; "failed". metrics: of the first variant. error: one line, empty unless it failed."""

    state: Literal["done", "stopped", "elsewhere", "failed"]
    seconds: float = 0.0
    metrics: Metrics | None = None
    error: str = ""


@dataclass(frozen=True)
class Job(Checkpointable):
    """One run as a job. One that the cluster pre-empts is queued again as it is, because a run resumes.

    data: where evaluation sets lie or are made. device: "cpu", "cuda", or None for what there is. processes: that train
    the run together, one a GPU. gpus: that a job on this machine gets, None to leave that alone. patience: seconds to
    wait for the run's lock.
    """

    planned: StudyRun
    data: Path
    device: str | None
    processes: int = 1
    gpus: tuple[str, ...] | None = None
    patience: float = 0.0

    def __call__(self) -> Outcome:
        """Train, predict, evaluate and tune. An error is an outcome too; its traceback goes to the job's log."""
        started = time.monotonic()
        folder = self.planned.run.folder
        try:
            # of several processes that train together, the first takes the lock itself
            with _hold(folder, self.patience) if self.processes == 1 else nullcontext():
                forget_error(folder)
                metrics = read_metrics(folder) if self.is_finished() else self._work()
        except Held:
            return Outcome("elsewhere", time.monotonic() - started)
        except Exception as error:  # of any kind: the other runs go on, and the study tells
            traceback.print_exc()
            text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            keep_error(folder, text)
            return Outcome("failed", time.monotonic() - started, error=" ".join(text.split()))
        seconds = time.monotonic() - started
        return Outcome("done", seconds, next(iter(metrics.values()))) if metrics else Outcome("stopped", seconds)

    def is_finished(self) -> bool:
        """Whether the folder holds this run, trained to the end and evaluated on these images."""
        run = self.planned.run
        metrics = read_metrics(run.folder)
        if not metrics:
            return False
        manifest, wanted = read_manifest(run.folder), describe(run)
        dataset = manifest.get("dataset") or {}
        counts = (dataset.get("parameters") or {}).get("counts")  # another data set has none
        evaluated_on = counts, dataset.get("images"), dataset.get("seed")
        return (
            bool(manifest.get("finished"))
            and all(manifest.get(key) == value for key, value in wanted.items())
            and evaluated_on == (list(self.planned.scenes.counts), self.planned.evaluation_images, EVALUATION_SEED)
            and set(self.planned.variants) <= set(metrics)
            and (TUNED_VARIANT in metrics or not self.planned.tuning_images)
        )

    def _work(self) -> dict[str, Metrics]:
        if self.gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(self.gpus)  # submitit hides all of them from a local job
        run = replace(self.planned.run, device=find_device(self.device))
        if run.preset is not None and not (_train(run) if self.processes == 1 else _train_together(run, self)):
            return {}
        dataset = evaluation_set(self.data, self.planned.scenes, self.planned.evaluation_images)
        metrics = predict_and_evaluate(run, dataset, self.planned.variants)
        if self.planned.tuning_images:
            tune(run, self.data, self.planned.tuning_images)
        return metrics


def _train(run: Run) -> bool:
    return train(run, resume=True, overwrite=False)


def _train_together(run: Run, job: Job) -> bool:
    """Train in several processes of this machine, as `torchrun` does."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=job.processes,
        run_id=run.folder.name,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
    )
    try:
        return all(elastic_launch(config, _train)(run).values())
    except ChildFailedError as error:
        rank, first = error.get_first_failure()
        message = first.message.get("message", "") if isinstance(first.message, dict) else str(first.message)
        raise RuntimeError(f"process {rank} of {job.processes}: {message}") from None


@contextmanager
def _hold(folder: Path, patience: float) -> Iterator[None]:
    """The run's lock, if need be after a wait of `patience` seconds. Raises Held."""
    until = time.monotonic() + patience
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(folder))
                break
            except Held:
                if time.monotonic() > until:
                    raise
            time.sleep(1.0)
        yield


def keep_error(folder: Path, text: str) -> None:
    """Note why the run failed, for `status`."""
    write_atomically(_error_file(folder), lambda path: path.write_text(" ".join(text.split()) + "\n"))


def forget_error(folder: Path) -> None:
    """Remove what an earlier try left behind."""
    _error_file(folder).unlink(missing_ok=True)


def last_error(folder: Path) -> str:
    """Why the run failed when it was last tried, or ""."""
    path = _error_file(folder)
    return path.read_text().strip() if path.exists() else ""


def _error_file(folder: Path) -> Path:
    return folder.parent / JOBS / f"{folder.name}.error"
