"""Run folders made by hand: the report works on files, so no model has to run."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmark.adapter import Reading
from benchmark.paper.tables import MAIN_METRICS
from benchmark.report import plots, write

PAPER = Path(__file__).parents[2] / "results" / "paper"


def readings(variants: Iterable[str]) -> dict[str, dict]:
    """What the adapters say of the variants, so that no test has to import them for it."""
    found = {}
    for name in variants:
        family, _, number = name.rpartition("-")
        if name.startswith("layers-"):
            found[name] = asdict(Reading(family, int(number), paper=True, uses_ground_truth=True, layers=int(number)))
        elif "nms" in name:
            wide, numbered = name.startswith("coco-"), number[:1].isdigit()
            found[name] = asdict(
                Reading(
                    family=family if numbered else name,
                    number=float(number) if numbered else None,
                    paper=family == "nms",
                    suppression="mask" if "mask" in name else "box" if numbered else "soft",
                    limits="coco" if wide else "paper",
                    score_floor=0.05 if wide else 0.7,
                    detections_per_image=1000 if wide else 100,
                )
            )
        else:
            found[name] = asdict(Reading(name, uses_ground_truth="truth" in name, paper=name != "default"))
    return found


class Results:
    """A results folder with the paper's numbers and whatever runs a test adds."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(PAPER, folder / "paper")

    def add_run(self, name: str, model: str, variants: dict, *, n=6, tier="full", images=100_000, **manifest) -> Path:
        """variants: name -> one value for every metric, or the metrics themselves."""
        folder = self.folder / "released" / name
        folder.mkdir(parents=True)
        described = {
            "model": model,
            "preset": {"none": None, "smoke": "smoke"}.get(tier, "compact"),
            "hyperparameters": {},
            "scenes": {"counts": [n] * 3, "label": str(n)},
            "layers": 2,
            "seed": 0,
            "images_seen": images,
            "images_budget": images,
            "tier": tier,
            "dataset": {"content_hash": f"hash-of-n{n}", "images": 1000, "parameters": {"counts": [n] * 3}},
            "hardware": {"cpu": "Abacus 1", "cores": 2, "gpu": None},
            "wall_time_seconds": {"training": 3000.0},
            "readings": readings(variants),
        }
        (folder / "manifest.json").write_text(json.dumps(described | manifest))
        metrics = {v: m if isinstance(m, dict) else dict.fromkeys(MAIN_METRICS, m) for v, m in variants.items()}
        (folder / "metrics.json").write_text(json.dumps(metrics))
        return folder


@pytest.fixture(scope="session", autouse=True)
def fonts_of_plots():
    """PDFs have fonts of Type 3 here, and the tests know the type that they have otherwise.

    Cutting the glyphs out of a TrueType font takes two thirds of the time of a PDF.
    """
    of_reports = plots.STYLE["pdf.fonttype"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(plots.STYLE, "pdf.fonttype", 3)
        yield of_reports


@pytest.fixture
def only_sections(monkeypatch):
    """A function that leaves the report the named sections alone: drawing all takes seconds."""

    def keep(*anchors: str) -> None:
        sections = [section for section in write.SECTIONS if section.anchor in anchors]
        assert len(sections) == len(anchors), anchors
        monkeypatch.setattr(write, "SECTIONS", sections)

    return keep


@pytest.fixture
def results(tmp_path) -> Results:
    return Results(tmp_path / "results")
