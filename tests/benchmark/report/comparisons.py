"""Runs and comparisons made by hand, as ``comparisons.json`` and ``analysis.json`` hold them."""

import json
from pathlib import Path
from typing import Any

from benchmark.paper.tables import MAIN_METRICS
from tests.benchmark.conftest import Results

KINDS = ("missed", "merged", "poor mask")


def summary(value: float) -> dict[str, Any]:
    return {
        "intervals": {metric: [value - 0.01, value + 0.01] for metric in MAIN_METRICS} | {"AR_heavy": None},
        "errors": {
            kind: {"false_positives": 1200, "unmatched_instances": 7, "lost_ap": 0.1, "share": 0.25} for kind in KINDS
        },
        "recall_by_occlusion": {"edges": [0, 0.5, 1], "instances": [3, 1], "recall": [value, None]},
    }


def side(run: str, model: str, variant: str, layers: int = 2) -> dict[str, Any]:
    return {"model": model, "layers": layers, "runs": [run], "variants": [variant], "chosen_on": "declared"}


def comparison(a: dict[str, Any], b: dict[str, Any], value: float, scenes: str = "6") -> dict[str, Any]:
    """AP differs by `value`, AR100 by nothing once Holm has judged it; recall in four bins, the third of them empty."""
    numbers = {"value": value, "exact": value, "low": value - 0.02, "high": value + 0.02, "at_floor": True}
    numbers |= {"p_value": 0.0002, "holm": 0.0028, "verdict": "better" if value > 0 else "worse"}
    own = {"a": {"mean": 0.5, "deviation": None, "count": 1}, "b": {"mean": 0.45, "deviation": 0.01, "count": 2}}
    same = {"value": 0.0, "low": -0.0004, "high": 0.02, "p_value": 0.03, "holm": 0.12, "at_floor": False}
    recall = {"edges": [0, 0.25, 0.5, 0.75, 1], "value": [0.1, 0.2, None, -0.3], "low": [0.05, 0.1, None, -0.4]}
    recall |= {"high": [0.15, 0.3, None, -0.2], "verdict": ["better", "better", None, "worse"]}
    recall |= {"p_value": [0.0002, 0.0002, None, 0.0002], "holm": [0.003, 0.003, None, 0.003]}
    return {
        "scenes": scenes,
        "tier": "full",
        "a": a,
        "b": b,
        "seeds": [1, 1],
        "metrics": {"AP": own | numbers, "AR100": own | same | {"exact": 0.0, "verdict": "not told apart"}},
        "recall_by_occlusion": recall,
    }


def add_compared_runs(results: Results) -> Path:
    """Embeddings of two and three layers, a detector, another model, the oracle; all analysed and compared."""
    runs = {
        "e2": ("layered-embedding", {"default": 0.5}, {}),
        "e3": ("layered-embedding", {"default": 0.6}, {"layers": 3}),
        "d": ("detectron2-mask-rcnn", {"nms-0.5": 0.4, "nms-0.7": 0.45}, {}),
        "new": ("brand-new", {"default": 0.3}, {}),
        "oracle": ("ground-truth-layers", {"layers-2": 0.8, "layers-3": 0.9}, {"tier": "none"}),
    }
    for name, (model, variants, options) in runs.items():
        folder = results.add_run(name, model, variants, **options)
        analysis = {variant: summary(value) for variant, value in variants.items()}
        (folder / "analysis.json").write_text(json.dumps(analysis))
    e2, e3 = side("e2", "layered-embedding", "default"), side("e3", "layered-embedding", "default", 3)
    d, new = side("d", "detectron2-mask-rcnn", "nms-0.7"), side("new", "brand-new", "default")
    comparisons = {
        "sides": {
            "paper": [comparison(e2, d, 0.05), comparison(new, d, -0.15)],
            "best": [comparison(e2, d, -0.01), comparison(new, d, -0.15)],
        },
        "layers": {"paper": [comparison(e3, e2, -0.1)], "best": [comparison(e3, e2, -0.1)]},
    }
    (results.folder / "comparisons.json").write_text(json.dumps(comparisons))
    return results.folder
