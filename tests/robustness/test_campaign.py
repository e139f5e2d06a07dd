import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_dozen_disturbances():
    """More of them with ``python -m tests.robustness.campaign --runs 200``."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.robustness.campaign", "--runs", "12"], cwd=Path(__file__).parents[2],
        capture_output=True, text=True, timeout=600, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "12 disturbances, 0 failed" in done.stdout
