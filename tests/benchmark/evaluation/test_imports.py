"""The evaluator starts quickly: nothing it imports needs torch, a model or a plotting library."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "detectron2", "cv2", "matplotlib", "pandas", "timm", "pycocotools.coco")


@pytest.mark.parametrize("module", ["evaluate", "match", "validate", "depth_order"])
def test_nothing_heavy_is_imported(module):
    code = f"import sys, benchmark.evaluation.{module}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
