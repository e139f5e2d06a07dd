"""The benchmark's door: see `run_benchmark.py --help`, or benchmark/cli/."""

import sys

from benchmark.cli import main

if __name__ == "__main__":
    sys.exit(main())
