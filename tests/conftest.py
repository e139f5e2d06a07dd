"""Tests run side by side, a process a core: further threads in each would only wait for those of the others."""

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before torch and NumPy are imported, and for every process that a test starts
