"""Every option that cannot be meant, and every model that breaks its contract, ends with one line before the work."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.adapter import Adapter, Detections
from benchmark.report.escape import latex, markdown, one_line, plot
from benchmark.report.write import build_tables
from tests.robustness.corpus import (
    HOSTILE_NAMES,
    MINUTES,
    NUMBERS_FOR_COUNTS,
    NUMBERS_FOR_SEEDS,
    PATHS,
    SCORES,
    WORDS,
)

TRAIN = ("train", "layered-embedding", "--preset", "smoke")
UNTRAINED = "ground-truth-layers"
PAPER = Path(__file__).parents[2] / "results" / "paper"
HOSTILE_FILES = ("a\nb", "a\0b", "\ud800", "x" * 300, "nowhere/x.json")


@pytest.mark.area("options: numbers")
def test_numbers(corpus, refused, tmp_path):
    cases = [
        *((f"--seed={value}", "export", "--out", "o") for value in NUMBERS_FOR_SEEDS),
        *((f"--{name}={value}", *TRAIN) for name in ("seed", "evaluation-seed") for value in NUMBERS_FOR_SEEDS),
        *((f"--{name}={value}", "export", "--out", "o")
          for name in ("images", "instances-per-class") for value in NUMBERS_FOR_COUNTS),
        *((f"--{name}={value}", *TRAIN) for name in ("images", "max-images", "evaluation-images", "layers",
                                                    "instances-per-class") for value in NUMBERS_FOR_COUNTS),
        *((f"--images={value}", "tune", tmp_path) for value in NUMBERS_FOR_COUNTS),
        *((f"--max-minutes={value}", *TRAIN) for value in MINUTES),
        *((f"--min-score={value}", "predict", UNTRAINED, "--images", tmp_path, "--draw", "d") for value in SCORES),
        *((f"{name}={value}", "reproduce", "table1") for name in ("--parallel",) for value in NUMBERS_FOR_COUNTS),
        ("--layers=5000", *TRAIN), ("--set=training.workers=1000000", *TRAIN), ("--set=training.images=0", *TRAIN),
    ]  # fmt: skip
    for option, *command in corpus.some(cases):
        refused((command[0], option), *[tmp_path / "o" if part == "o" else part for part in command], option)


@pytest.mark.area("options: paths")
def test_paths(corpus, refused, exported, tmp_path):
    annotations = exported / "annotations_64.json"
    outputs = {
        "export": ("export",), "train": TRAIN, "predict": ("predict", UNTRAINED, "--dataset", exported),
        "report": ("report",), "convert": ("convert", "--from=benchmark", "--to=kins", "--annotations", annotations),
        "evaluate": ("evaluate", "--annotations", annotations, "--predictions", annotations, "--model=m"),
        "reproduce": ("reproduce", "table1", "--tier=smoke"), "speed": ("speed",),
    }  # fmt: skip
    inputs = {
        "--dataset": ("predict", UNTRAINED, "--out", tmp_path / "p.json"), "status": ("status",), "tune": ("tune",),
        "--annotations": ("evaluate", "--predictions", annotations), "compare": ("compare", annotations),
        "--predictions": ("evaluate", "--annotations", annotations), "--results": ("verify",),
        "report --results": ("report",), "predict": ("predict", "--dataset", exported, "--out", tmp_path / "p.json"),
        "train --dataset": TRAIN,
    }  # fmt: skip
    for command, arguments in outputs.items():
        for value in corpus.some(PATHS):
            refused((command, value), *arguments, f"--out={value}")
    for option, arguments in inputs.items():
        for value in corpus.some(HOSTILE_FILES):
            name = option.split()[-1]
            refused((option, value), *arguments, f"{name}={value}" if name.startswith("--") else value)
    for value in corpus.some(("a\nb", "", " ", "x" * 300, "\ud800")):
        refused(("--json", value), *outputs["evaluate"], f"--json={value}/x.json")


@pytest.mark.area("options: words")
def test_words(corpus, refused, exported, tmp_path):
    annotations = exported / "annotations_64.json"
    both = ("evaluate", f"--annotations={annotations}", f"--predictions={annotations}", f"--out={tmp_path / 'o'}")
    cases = [
        *((*both, "--model=m", option) for option in ("--model=", "--model=a\nb", "--model= ", "--images-seen=-1",
                                                      "--images-seen=x", "--layers=0")),
        *((command, word) for command in ("train", "check", "models", "predict") for word in WORDS if word != "--help"),
        *((*TRAIN[:3], word) for word in WORDS), *((*TRAIN, f"--set={word}") for word in WORDS),
        *((*TRAIN, f"--set=training.learning_rate={word}") for word in (*WORDS, "nan", "inf", "-1", "[1]", "true")),
        *((*TRAIN, f"--set=network.{word}=1") for word in WORDS), *((*TRAIN, f"--device={word}") for word in WORDS),
        *(("convert", f"--from={word}", "--to=kins", "--annotations", annotations, "--out", tmp_path / "o")
          for word in WORDS),
        *(("compare", annotations, annotations, f"--fail-if={word}") for word in (*WORDS, "AP <", "AP < x", "< 1")),
        *(("predict", UNTRAINED, "--dataset", exported, "--out", tmp_path / "o.json", f"--variants={word}")
          for word in WORDS),
        *(("reproduce", word) for word in WORDS),
        ["unheard"], ["export"], ["train"], ["predict", "\ud800", "--dataset", ".", "--out", "o"],
        ["export", "--classes=", "--out", "o"], ["evaluate", "--annotations", "a\nb", "--predictions", "c"],
    ]  # fmt: skip
    for arguments in corpus.some(cases):
        refused(arguments, *arguments)


@pytest.mark.area("names in reports")
def test_names(corpus, results, tmp_path):
    """Each name in each format alone; that whole reports compile with such names is the report's own test."""
    for name in HOSTILE_NAMES:
        with corpus.case(("escapes", name)):
            for escape in (markdown, latex, plot, one_line):
                assert "\n" not in escape(name) and escape(name).encode()
    folder = None
    for number, name in enumerate(corpus.some(HOSTILE_NAMES)):
        with corpus.case(("tables", name)):
            if "/" not in name and "\0" not in name and "\ud800" not in name:
                folder = results.add_run(f"{number} {name}"[:200], name[:200], {"default": 0.5}, preset=name)
                assert build_tables(results.folder)
    assert folder is not None


class Wrong(Adapter):
    """An adapter that needs no training and says of each image whatever `found` is."""

    found: object = None

    def predict(self, dataset, run, variants):
        for image_id in dataset.image_ids:
            if isinstance(self.found, Exception):
                raise self.found
            yield image_id, dict.fromkeys(variants, self.found)


MASK, SCORE, ONE = np.ones((1, 64, 64), bool), np.array([0.5]), np.array([1])
WRONG_DETECTIONS = {
    "None": None,
    "a list": [],
    "an exception": ValueError("of the model's own\nin two lines"),
    "masks of floats": Detections(MASK.astype(float), SCORE, ONE),
    "small masks": Detections(MASK[:, :32], SCORE, ONE),
    "one mask flat": Detections(MASK[0], SCORE, ONE),
    "two scores": Detections(MASK, np.array([0.5, 0.4]), ONE),
    "a score of 2": Detections(MASK, np.array([2.0]), ONE),
    "a score of NaN": Detections(MASK, np.array([np.nan]), ONE),
    "a score of text": Detections(MASK, np.array(["x"]), ONE),
    "category 0": Detections(MASK, SCORE, np.array([0])),
    "category 9": Detections(MASK, SCORE, np.array([9])),
    "a category of .5": Detections(MASK, SCORE, np.array([0.5])),
    "an order of .5": Detections(MASK, SCORE, ONE, np.array([0.5])),
    "an order of -1": Detections(MASK, SCORE, ONE, np.array([-1])),
    "an order of two": Detections(MASK, SCORE, ONE, np.array([1, 2])),
    "lists": Detections(MASK.tolist(), [0.5], [1]),
}


@pytest.mark.area("check and predict: models that break the contract")
def test_models(corpus, refused, exported, tmp_path, monkeypatch, capfd):
    from benchmark.conformance import check_adapter

    model = f"{__name__}:Wrong"
    for name, found in corpus.some(WRONG_DETECTIONS.items()):
        monkeypatch.setattr(Wrong, "found", found)
        if not isinstance(found, Exception):  # whose traceback its author needs
            refused(name, "predict", model, "--dataset", exported, "--out", tmp_path / "o.json")
        with corpus.case(("check", name)):
            faults = check_adapter(model)
            assert faults and all("\n" not in fault for fault in faults), faults
