"""The training loop: any model, any number of images, killed and resumed at will."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import default_collate

from benchmark.adapter import Run
from benchmark.engine.checkpoint import load_checkpoint, save_checkpoint, save_weights
from benchmark.engine.distributed import Processes, processes
from benchmark.engine.interrupt import Interrupt, deferred_interrupt
from benchmark.engine.log import TrainingLog
from benchmark.engine.optimizer import make_optimizer
from benchmark.engine.precision import autocast, computed_in
from benchmark.engine.settings import TrainingSettings
from datasets.errors import InputError
from datasets.render import Drawable
from datasets.stream import training_stream


def fit(
    run: Run,
    model: nn.Module,
    render: Callable[[Drawable], Any],
    step: Callable[[nn.Module, Any], dict[str, Tensor]],
    settings: TrainingSettings,
    collate: Callable[[list], Any] = default_collate,
) -> bool:
    """Train `model` on the training stream of `run` until the budget of `settings` is used up.

    render: scene or image -> sample, in worker processes. collate: list of samples -> batch. step: (model, batch) ->
    named scalars, of which "loss" is minimised and all are logged; runs in the precision that
    `benchmark.engine.precision` decides on.
    Goes on from ``run.checkpoint`` if that exists and then ends with the same weights as an undisturbed run: images,
    learning rate and random numbers are functions of the images seen. Under `torchrun` each process takes its share
    of every batch. Writes the log, checkpoints and, at the end, the weights.

    Returns True when the budget is used up, False when ``run.max_minutes`` or ``run.max_images`` stopped it at a
    checkpoint. Ctrl-C stops it at a checkpoint too and then raises KeyboardInterrupt with a line that says where; a
    second one stops it at once. Raises InputError if the batch cannot be split as asked, the checkpoint has seen more
    than ``run.max_images`` or the loss is no longer finite (the last checkpoint stays).
    """
    with processes(run.device) as group, deferred_interrupt() as interrupt:
        return _fit(run, model, render, step, settings, collate, group, interrupt)


def _fit(
    run: Run, model: nn.Module, render: Callable, step: Callable, settings: TrainingSettings, collate: Callable,
    group: Processes, interrupt: Interrupt,
) -> bool:  # fmt: skip
    started = time.monotonic()
    share = _share_of_batch(settings, group.world_size)
    torch.set_float32_matmul_precision("high")
    memory_format = torch.channels_last if settings.channels_last else torch.preserve_format
    model.to(group.device, memory_format=memory_format).train()
    optimizer = make_optimizer(model, settings)
    position: dict[str, Any] = {"images": 0, "seconds": 0.0, "seconds_waiting_for_data": 0.0}
    if run.checkpoint.exists():
        position = load_checkpoint(run.checkpoint, model, optimizer, str(group.device))
        if group.is_main:
            print(f"{run.folder}: goes on after {position['images']:,} images", file=sys.stderr)
    last = min(settings.images, run.max_images or settings.images)
    if position["images"] >= last + settings.batch_size:
        raise InputError(f"{run.checkpoint}: has seen {position['images']} images, expected at most {last}")
    wrapped = _wrap(model, settings, group)
    if group.is_main and computed_in(settings.precision, group.device.type) != settings.precision:
        print(f"{run.folder}: computes in float32, because this {group.device.type} has no bfloat16", file=sys.stderr)
    log = TrainingLog(run, f"train {run.folder.name}", position["images"], last) if group.is_main else None
    stream = training_stream(
        run.source, run.seed, render, share, start=position["images"], workers=settings.workers, rank=group.rank,
        world_size=group.world_size, collate=collate, pin_memory=group.device.type == "cuda",
    )  # fmt: skip
    batches = iter(stream)
    interval = _Interval(position)
    stopped = False

    while position["images"] < last and not stopped:
        # a function of the position, so that nothing random need be saved
        torch.manual_seed((run.seed * 1_000_003 + position["images"]) * 1_009 + group.rank)
        for group_of_parameters in optimizer.param_groups:
            group_of_parameters["lr"] = learning_rate(settings, position["images"])
        for part in range(settings.accumulate):
            batch = _to_device(interval.wait_for(batches), group.device)
            if isinstance(wrapped, DistributedDataParallel):
                wrapped.require_backward_grad_sync = part == settings.accumulate - 1
            with autocast(settings.precision, group.device.type):
                losses = step(wrapped, batch)
            (losses["loss"] / settings.accumulate).backward()
            interval.add(losses)
        if settings.clip_gradient_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_gradient_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        previous, position["images"] = position["images"], position["images"] + settings.batch_size
        time_is_over = run.max_minutes is not None and time.monotonic() - started > 60 * run.max_minutes
        stopped = group.any(time_is_over or interrupt.asked)
        done = position["images"] >= last

        save = done or stopped or _passes(settings.checkpoint_every, previous, position["images"])
        if save or _passes(settings.log_every, previous, position["images"]):
            row = interval.finish(position, settings)
            if group.any(not math.isfinite(row["loss"])):
                raise InputError(
                    f"{run.folder}: loss is {row['loss']} after {position['images']} images, expected a finite one; "
                    "the last checkpoint is kept, lower the learning rate"
                )
            if log:
                log.write(row)
        if log:
            log.bar.update(settings.batch_size)
            if save:
                save_checkpoint(run.checkpoint, model, optimizer, position)
    if log:
        log.close()
        save_weights(run.weights, model)
    if interrupt.asked and position["images"] < settings.images:
        raise KeyboardInterrupt(f"{run.folder}: checkpoint after {position['images']:,} images")
    return position["images"] >= settings.images


def learning_rate(settings: TrainingSettings, images: int) -> float:
    """Linear warm-up, then constant or a half cosine down to zero at the end of the budget."""
    warmup = min(1.0, (images + settings.batch_size) / settings.warmup_images) if settings.warmup_images else 1.0
    if settings.schedule == "constant":
        return settings.learning_rate * warmup
    span = max(1, settings.images - settings.warmup_images)
    done = min(1.0, max(0, images - settings.warmup_images) / span)
    return settings.learning_rate * warmup * 0.5 * (1 + math.cos(math.pi * done))


class _Interval:
    """What happens between two lines of the log: losses summed on the device, time, and time waiting for data."""

    def __init__(self, position: dict[str, Any]):
        self._start(position)

    def _start(self, position: dict[str, Any]) -> None:
        self._since = time.monotonic()
        self._images = position["images"]
        self._waited = 0.0
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def wait_for(self, batches: Any) -> Any:
        started = time.monotonic()
        batch = next(batches)
        self._waited += time.monotonic() - started
        return batch

    def add(self, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach()
        self._count += 1

    def finish(self, position: dict[str, Any], settings: TrainingSettings) -> dict[str, float]:
        """The row for the log; adds the interval's time to `position` and starts the next one."""
        means = {name: float(total) / self._count for name, total in self._sums.items()}
        seconds, waited = time.monotonic() - self._since, self._waited
        position["seconds"] += seconds
        position["seconds_waiting_for_data"] += waited
        row = {
            "images": position["images"],
            "seconds": position["seconds"],
            "images_per_second": (position["images"] - self._images) / seconds,
            "data_wait_share": waited / seconds,
            "learning_rate": learning_rate(settings, position["images"] - settings.batch_size),
            **means,
        }
        self._start(position)
        return row


def _share_of_batch(settings: TrainingSettings, world_size: int) -> int:
    share, rest = divmod(settings.batch_size, world_size * settings.accumulate)
    if rest or not share:
        raise InputError(
            f"batch size: found {settings.batch_size}, expected a multiple of {world_size} processes times "
            f"{settings.accumulate} accumulated parts"
        )
    return share


def _wrap(model: nn.Module, settings: TrainingSettings, group: Processes) -> nn.Module:
    wrapped = torch.compile(model) if settings.compile else model
    if group.world_size > 1:
        device_ids = None if group.device.index is None else [group.device.index]
        wrapped = DistributedDataParallel(wrapped, device_ids=device_ids)
    return wrapped


def _to_device(value: Any, device: torch.device) -> Any:
    if isinstance(value, dict):
        return {key: _to_device(item, device) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_to_device(item, device) for item in value)
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    return value.to(device) if hasattr(value, "to") else value


def _passes(every: int, before: int, after: int) -> bool:
    return before // every != after // every
