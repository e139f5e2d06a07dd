"""Where the commands look for results and put data and runs; tests point them elsewhere."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "results"
DATA = ROOT / "data"
RUNS = ROOT / "runs"
