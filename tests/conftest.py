"""What all tests share. They run side by side, a process a core: further threads in each would wait for the others'."""

import os

import pytest

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before torch and NumPy are imported, and for every process that a test starts


@pytest.fixture
def own_folders(tmp_path, monkeypatch):
    """Commands find results, data and runs in folders of the test."""
    from benchmark.cli import paths

    for name in ("RESULTS", "DATA", "RUNS"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
