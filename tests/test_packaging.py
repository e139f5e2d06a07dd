"""The project installs with pip alone, and calls nothing that only Linux has."""

import ast
import os
import tomllib
from pathlib import Path

from setuptools import find_packages

from datasets.processes import usable_cores

ROOT = Path(__file__).parents[1]
PACKAGES = ("baselines", "benchmark", "datasets", "embedding_model")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ONLY_LINUX = {"fcntl", "resource", "pwd", "grp", "termios", "sched_getaffinity", "sched_setaffinity", "fork", "getuid"}


def test_packages_and_templates_are_found():
    found = find_packages(str(ROOT), **PROJECT["tool"]["setuptools"]["packages"]["find"])
    folders = {path.parent.relative_to(ROOT).as_posix() for name in PACKAGES for path in ROOT.glob(f"{name}/**/*.py")}
    assert {name.replace(".", "/") for name in found} == folders
    kept = PROJECT["tool"]["setuptools"]["package-data"]["benchmark"]
    others = {path for path in (ROOT / "benchmark").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    others -= set((ROOT / "benchmark").rglob("*.py"))
    assert others == {path for pattern in kept for path in (ROOT / "benchmark").glob(pattern)}


def test_nothing_that_only_linux_has():
    found = []
    for path in (path for name in PACKAGES for path in sorted(ROOT.glob(f"{name}/**/*.py"))):
        if path != ROOT / "datasets" / "processes.py":
            for node in ast.walk(ast.parse(path.read_text())):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                names += [node.attr] if isinstance(node, ast.Attribute) else []
                found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name in ONLY_LINUX]
    assert found == []


def test_cores_are_known_everywhere(monkeypatch):
    assert usable_cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert usable_cores() == os.cpu_count()
