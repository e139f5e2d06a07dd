"""Disturbs commands and looks at what is left: kills at random moments and at every rename, full disks, two at once.

    python -m tests.robustness.campaign --runs 200

After each disturbance the same command has to succeed, to end with the files of an undisturbed one, and to leave no
temporary file or process behind. Prints how many disturbances of each kind each command took, and what failed.
"""

import argparse
import hashlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark import cli

MODEL = "tests.robustness.tiny:Tiny"
KINDS = ("kill", "kill before a rename", "kill after a rename", "full disk", "two at once")
PATIENCE = 120.0
"""Seconds after which a process that should have ended counts as hanging."""


@dataclass(frozen=True)
class Command:
    """arguments: with {out} for the path that it makes. again: what to add when `out` is there after a disturbance.
    compared: names of files in a folder `out` that an undisturbed command makes the same; all of them where empty."""

    name: str
    arguments: tuple[str, ...]
    out: str
    again: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


def commands(inputs: Path) -> list[Command]:
    """The commands that write something; `inputs` holds what `make_inputs` made."""
    dataset, run, predictions = inputs / "set", inputs / "run", inputs / "predictions.json.gz"
    evaluate = ("evaluate", f"--annotations={dataset}/annotations_64.json", f"--predictions={predictions}")
    train = ("train", MODEL, "--preset=tiny", "--instances-per-class=2", "--evaluation-images=3", "--device=cpu")
    return [
        Command("export", ("export", "--instances-per-class=2", "--images=24", "--out={out}"), "set"),
        Command("train", (*train, "--out={out}"), "run", ("--resume",),
                ("weights.safetensors", "metrics.json", "analysis.json", "predictions.default.json.gz")),
        Command("predict", ("predict", str(run), f"--dataset={dataset}", "--out={out}", "--device=cpu"), "p.json.gz"),
        Command("evaluate --out", (*evaluate, "--model=m", "--out={out}"), "run", ("--overwrite",)),
        Command("evaluate --json", (*evaluate, "--json={out}"), "metrics.json"),
        Command("convert", ("convert", "--from=benchmark", "--to=kins", "--out={out}",
                            f"--annotations={dataset}/annotations_64.json"), "k.json"),
    ]  # fmt: skip


def campaign(runs: int, seed: int, only: str | None = None) -> int:
    """Disturb as often as asked, commands and kinds in turn; returns how many disturbances failed."""
    chance = random.Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        inputs = make_inputs(Path(scratch) / "inputs")
        tried = [command for command in commands(inputs) if only in (None, command.name)]
        expected = {}
        for command in tried:
            folder = Path(scratch) / f"undisturbed {command.name}"
            started = time.monotonic()
            attempt = run_undisturbed(command, folder)
            assert attempt.code == 0, attempt
            renames = int((folder / "renames").read_text())
            expected[command.name] = (digest(command, folder), time.monotonic() - started, renames)
        for number in range(runs):
            kind, command = KINDS[number % len(KINDS)], tried[number % len(tried)]  # five and six: all pairs in thirty
            folder = Path(scratch) / f"{number}"
            wanted, seconds, renames = expected[command.name]
            fault = disturb(kind, command, folder, chance, seconds, renames) or recover(command, folder, wanted)
            counts[command.name, kind] += 1
            if fault:
                failures.append(f"{number}: {command.name}: {kind}: {fault}")
                print(f"failed {failures[-1]}", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
    for command in tried:
        told = ", ".join(f"{counts[command.name, kind]} x {kind}" for kind in KINDS if counts[command.name, kind])
        print(f"{command.name}: {told or 'not disturbed'}")
    print(f"{sum(counts.values())} disturbances, {len(failures)} failed")
    return len(failures)


def make_inputs(folder: Path) -> Path:
    """A dataset, a trained run and its predictions."""
    folder.mkdir()
    train = replace(commands(folder)[1], out="run")
    export = ("export", "--instances-per-class=2", "--images=6", f"--out={folder}/set")
    predict = ("predict", f"{folder}/run", f"--dataset={folder}/set", f"--out={folder}/predictions.json.gz")
    for arguments in (export, filled(train, folder), predict):
        attempt = finish(start(arguments, folder))
        assert attempt.code == 0, attempt
    return folder


@dataclass(frozen=True)
class Attempt:
    """How a process ended: its exit code, negative for a signal, None where it hangs; what it said on standard error;
    whether processes of its own outlived it."""

    code: int | None
    error: str
    survivors: bool


@dataclass(frozen=True)
class Started:
    """A process and the end of a pipe from which to read its standard error, which no full disk cuts short."""

    process: int
    errors: int


def filled(command: Command, folder: Path, *more: str) -> tuple[str, ...]:
    return tuple(argument.format(out=folder / command.out) for argument in command.arguments) + more


def start(arguments: tuple[str, ...], folder: Path, prepare: Callable[[], None] = lambda: None) -> Started:
    """Run a command in a process of its own, forked from this one, which has imported everything already.

    prepare: called in the new process first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    sys.stdout.flush()
    process = os.fork()
    if process:
        os.close(writer)
        return Started(process, reader)
    code = 70
    try:
        os.setsid()
        os.dup2(writer, 2)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - lives as long as the process
        for name in ("RESULTS", "DATA", "RUNS"):
            setattr(cli.paths, name, folder / name.lower())
        prepare()
        with redirect_stdout(io.StringIO()):
            code = cli.main(list(arguments))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        try:
            sys.stderr.flush()
        finally:  # whatever happens, this process never returns to the campaign's own work
            os._exit(code)


def finish(started: Started) -> Attempt:
    """Wait for a process and for those that it started."""
    limit = time.monotonic() + PATIENCE
    code = None
    while code is None and time.monotonic() < limit:
        ended, status = os.waitpid(started.process, os.WNOHANG)
        code = os.waitstatus_to_exitcode(status) if ended else None
        time.sleep(0.005)
    while (survivors := _in_session(started.process)) and time.monotonic() < limit:
        time.sleep(0.02)
    for process in survivors:
        os.kill(process, signal.SIGKILL)
    with open(started.errors, "rb") as file:
        error = (file.read() or b"").decode(errors="replace")
    return Attempt(code, error, bool(survivors))


def run_undisturbed(command: Command, folder: Path) -> Attempt:
    def count() -> None:
        renames = 0

        def counted(_: bool) -> None:
            nonlocal renames
            renames += 1
            (folder / "renames").write_text(str(renames))

        _watch_renames(lambda after: None if after else counted(after))

    folder.mkdir()
    (folder / "renames").write_text("0")
    return finish(start(filled(command, folder), folder, count))


def disturb(
    kind: str, command: Command, folder: Path, chance: random.Random, seconds: float, renames: int
) -> str | None:
    """Run the command and disturb it; what was wrong with it then, None where it behaved."""
    arguments = filled(command, folder)
    if kind == "two at once":
        both = [start(arguments, folder), start(arguments, folder)]
        ended = [finish(started) for started in both]
        if not any(attempt.code == 0 for attempt in ended):
            return f"neither of two succeeded: {[attempt.error[-300:] for attempt in ended]}"
        return next(filter(None, map(complaint, ended)), None)
    if kind == "full disk":
        size = int(10 ** chance.uniform(0, 5))
        return complaint(finish(start(arguments, folder, lambda: _limit_files(size))))
    if kind == "kill":
        started = start(arguments, folder)
        time.sleep(chance.uniform(0, seconds))
        with suppress(ProcessLookupError):
            os.kill(started.process, signal.SIGKILL)
    else:
        number, moment = chance.randrange(max(1, renames)), kind.startswith("kill after")
        started = start(arguments, folder, lambda: _kill_at_rename(number, moment))
    attempt = finish(started)
    return "its workers outlived it" if attempt.survivors else None


def recover(command: Command, folder: Path, wanted: str) -> str | None:
    """Run the command again, undisturbed; what is wrong with the outcome, None where nothing is."""
    there = (folder / command.out).exists()
    attempt = finish(start(filled(command, folder, *(command.again if there else ())), folder))
    if attempt.code != 0:
        return f"does not recover: exit code {attempt.code}: {attempt.error[-400:]}"
    found = digest(command, folder)
    if found != wanted:
        return "the files differ from those of an undisturbed command"
    # the lock file of a killed process may stay: nobody holds it, and the next one that needs it takes and removes it
    left = [path for path in folder.rglob(".*") if path.name.endswith(".partial")]
    return f"left {left[0].name}" if left else None


def complaint(attempt: Attempt) -> str | None:
    """What is wrong with how a process ended by itself: only success, or one line and exit code 2, is right."""
    lines = [line for line in attempt.error.splitlines() if line.startswith("error: ")]
    if attempt.survivors:
        return "its workers outlived it"
    if attempt.code == 0:
        return None
    if attempt.code != 2 or len(lines) != 1 or "Traceback" in attempt.error:
        return f"exit code {attempt.code}: {attempt.error[-400:]}"
    return None


def digest(command: Command, folder: Path) -> str:
    """Of what a command made; a manifest, which holds times and places, aside."""
    out = folder / command.out
    files = sorted(path for path in out.rglob("*") if path.is_file()) if out.is_dir() else [out]
    kept = [
        path for path in files if (path.name in command.compared if command.compared else path.name != "manifest.json")
    ]
    content = b"".join(path.name.encode() + path.read_bytes() for path in kept)
    return f"{len(kept)} {hashlib.sha256(content).hexdigest()}"


def _watch_renames(call: Callable[[bool], None]) -> None:
    """Call with False before and with True after each rename of this process."""
    for name in ("rename", "replace"):
        original = getattr(os, name)

        def watched(*arguments, original=original, **options):
            call(False)
            original(*arguments, **options)
            call(True)

        setattr(os, name, watched)


def _kill_at_rename(number: int, after: bool) -> None:
    passed = 0

    def call(is_after: bool) -> None:
        nonlocal passed
        if is_after == after:
            if passed == number:
                os.kill(os.getpid(), signal.SIGKILL)
            passed += 1

    _watch_renames(call)


def _limit_files(size: int) -> None:
    """No file of this process grows beyond `size` bytes, which it meets as it meets a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _in_session(leader: int) -> list[int]:
    """The living processes of the session of `leader`."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                state, _, _, session = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == leader and state not in "ZX":
                found.append(int(entry))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--command", help="only this one")
    options = parser.parse_args()
    import torch
    import torch._dynamo  # what making an optimizer imports, which takes seconds

    import benchmark.runs.external
    import benchmark.runs.make  # noqa: F401
    import tests.robustness.tiny  # noqa: F401 - forked processes have all of this then

    torch.set_num_threads(1)
    return 1 if campaign(options.runs, options.seed, options.command) else 0


if __name__ == "__main__":
    sys.exit(main())
