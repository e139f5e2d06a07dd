"""The corpus's tools: every case is tried and counted, and a table of areas ends the run."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from benchmark import cli
from datasets.export import export_dataset
from datasets.scene import SceneParameters
from tests.benchmark.conftest import results  # noqa: F401 - a fixture

BESIDE = (" left", "; the run is left out")
"""How lines end that stand beside an error: those of progress, and of a command that goes on with other runs."""

EVERY = 6
"""Of so many cases a run without ``--all-cases`` tries one."""


def pytest_addoption(parser):
    parser.addoption("--cases", type=int, default=25, help="random cases of each parity test (run 2000 of them alone: "
                     "`pytest tests/robustness/test_parity.py --cases 2000`)")  # fmt: skip
    parser.addoption("--all-cases", action="store_true", help="the whole corpus of broken inputs (alone: "
                     "`pytest -n 0 tests/robustness -k corpus --all-cases`)")  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A data set of two images, nothing broken."""
    folder = tmp_path_factory.mktemp("corpus") / "set"
    export_dataset(SceneParameters((2, 2, 2)), 2, 11, folder, workers=1)
    return folder


@dataclass
class Corpus:
    """The cases of one test. part: one of so many is tried. faults: what was wrong, a line for each case."""

    part: int
    tried: int = 0
    faults: list[str] = field(default_factory=list)

    def some(self, cases: Iterable) -> Iterator:
        """The cases to try of `cases`: all of them, or the same few in every run, the first among them."""
        for number, case in enumerate(cases):
            if number % self.part == 0:
                yield case

    @contextmanager
    def case(self, name: object) -> Iterator[None]:
        """Within the block one case is tried; what it raises is a fault, and the next case is tried all the same."""
        self.tried += 1
        try:
            yield
        except (Exception, pytest.fail.Exception) as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            self.faults.append(f"{name!r}"[:100] + f": {text[:300]}")


@pytest.fixture
def corpus(request):
    """Counts the cases of a test under the area that its marker names, and fails at its end if one was wrong."""
    corpus = Corpus(1 if request.config.getoption("--all-cases") else EVERY)
    yield corpus
    area = request.node.get_closest_marker("area").args[0]
    request.node.user_properties.append(("corpus", (area, corpus.tried, len(corpus.faults))))
    assert not corpus.faults, f"{len(corpus.faults)} of {corpus.tried} wrong:\n" + "\n".join(corpus.faults)


@pytest.fixture
def handled(corpus, tmp_path, capfd, own_folders):
    """Runs a command that ends well, or with exit code 2, one line and nothing written."""
    return _runner(corpus, tmp_path, capfd, must_fail=False)


@pytest.fixture
def refused(corpus, tmp_path, capfd, own_folders):
    """Runs a command that must end with exit code 2, one line and nothing written; `told` has to stand in the line."""
    return _runner(corpus, tmp_path, capfd, must_fail=True)


def _runner(corpus, tmp_path, capfd, must_fail):
    def run(case, *arguments, told=""):
        before = files_of(tmp_path)
        with corpus.case(case):
            capfd.readouterr()
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.simplefilter("ignore", DeprecationWarning)  # of libraries among themselves
                code = cli.main([str(argument) for argument in arguments])
            error = capfd.readouterr().err
            lines = [line for line in error.replace("\r", "\n").split("\n") if line and not line.endswith(BESIDE)]
            if must_fail or code:
                right = code == 2 and len(lines) == 1 and lines[0].startswith("error: ") and told in lines[0]
                assert right, f"exit code {code}, {error[-300:]!r}"
                assert files_of(tmp_path) == before, "left files"
        for path in files_of(tmp_path) - before:  # the next case finds what this one found
            if not os.path.isdir(path):
                os.unlink(path)

    return run


def files_of(folder):
    return {os.path.join(place, name) for place, folders, names in os.walk(folder) for name in folders + names}


def pytest_terminal_summary(terminalreporter):
    tried, wrong = Counter(), Counter()
    for outcome in ("", "passed", "failed", "error"):  # a teardown that passed stands under no name
        for report in terminalreporter.stats.get(outcome, ()):
            if getattr(report, "when", None) == "teardown":
                for name, value in report.user_properties:
                    if name == "corpus":
                        area, cases, faults = value
                        tried[area] += cases
                        wrong[area] += faults
    if tried:
        terminalreporter.section("broken inputs: area, cases, handled rightly")
        for area, cases in [*tried.items(), ("all", tried.total())]:
            faults = wrong.total() if area == "all" else wrong[area]
            terminalreporter.write_line(f"{area:55} {cases:6,} {cases - faults:6,}")
