"""A study's file becomes runs; every fault of it is one line."""

from pathlib import Path

import pytest

from benchmark.cli import paths
from benchmark.models.registry import adapter_names, find_adapter, missing_library
from benchmark.studies.study import Choices, read_study, study_names, study_runs
from datasets.errors import InputError
from tests.benchmark.studies.trainable import STUDY

OURS = Path(__file__).parents[3] / "results" / "paper" / "studies"
OUT = Path("out")


def runs_of(name, folder=OURS, **choices):
    return study_runs(read_study(name, folder), OUT, Choices(**choices))


def test_table1_is_both_sides_at_both_densities():
    runs = runs_of("table1", tier="short", seeds=2)
    assert [run.name for run in runs if run.run.seed == 0] == [
        "layered-embedding-compact-n6-l2-short",
        "layered-embedding-compact-n12-l2-short",
        "detectron2-mask-rcnn-cpu-n6-short",
        "detectron2-mask-rcnn-cpu-n12-short",
    ]
    assert {run.name for run in runs if run.run.seed == 1} == {f"{run.name}-seed1" for run in runs[:2] + runs[4:6]}
    assert {run.images for run in runs} == {30_000} and {run.evaluation_images for run in runs} == {1000}
    assert runs[-1].variants == find_adapter("detectron2-mask-rcnn").variants


def test_the_paper_s_own_protocol():
    embedding, mask_rcnn = runs_of("table1", preset="paper", only=("*-n6-*",))
    assert embedding.images == mask_rcnn.images == 100_000
    assert embedding.run.preset.network.encoder_weights == "imagenet"
    preset = mask_rcnn.run.preset
    assert (preset.weights, preset.norm) == ("coco", None) and "R_101_FPN" in preset.config


def test_figure3_is_six_dimensions_times_five_crowds():
    runs = runs_of("figure3")
    assert len(runs) == 30 and {run.name for run in runs} >= {"c1-n6", "c6-n30"}
    assert {run.run.preset.network.embedding_channels for run in runs if run.name.startswith("c4")} == {4}
    assert {run.run.source.counts for run in runs if run.name.endswith("n18")} == {(0, 0, 18)}
    assert runs_of("figure3", only=("c2-n6",))[0].variants == ("default",)


def test_all_studies_have_a_smoke_tier():
    assert set(study_names(OURS)) == {"ablation", "baselines", "figure3", "layers", "table1", "table2"}
    learned = {name for name in adapter_names() if not missing_library(name) and find_adapter(name).presets}
    assert {run.run.model for run in runs_of("baselines", tier="smoke")} == learned
    for name in study_names(OURS):
        assert all(run.run.preset_name in ("smoke", None) for run in runs_of(name, tier="smoke", seeds=2))
    assert [run.name for run in runs_of("table2", seeds=3)] == ["ground-truth-layers-n6", "ground-truth-layers-n12"]


def test_the_guide_s_own_study(tmp_path):
    guide = (OURS.parents[2] / "docs" / "reproduce.md").read_text()
    text = guide.split("```toml")[1].split("```")[0].replace("my_module:MyModel", "layered-embedding")
    (tmp_path / "mine.toml").write_text(text)
    runs = runs_of(str(tmp_path / "mine.toml"))
    assert len(runs) == 12 and {run.images for run in runs} == {30_000} and not any(run.tuning_images for run in runs)
    assert runs[-1].name == "layered-embedding-compact-n18-l3-8-short"
    assert runs[-1].run.preset.network.embedding_channels == 8


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("[[runs]]", "[runs]", "[[runs]]"),
        ('"tiny"\n[', '"huge"\n[', "'huge', expected one of smoke, tiny, short, full"),
        ("presets =", "colour =", "'colour'"),
        ("[2, 3]", '["two"]', "instances_per_class: found ['two']"),
        ("[2, 3]", "[0]", "above 0"),
        ("instances_per_class = [2, 3]", "", "'instances_per_class'"),
        ('["rectangle"]', '["hexagon"]', "hexagon"),
        ('["default"]', '["nms-*"]', "nms-*"),
        ('["small"]', '["huge"]', "found huge, expected one of small, other, smoke"),
        ('"width"', '"height"', "height"),
        ("values = [1, 2]", "values = [1, 1]", "two runs called"),
        ("variants =", 'name = "{colour}"\nvariants =', "{colour}"),
        ("title", "\0", "not TOML"),
        ("trainable:Trainable", "trainable:Missing", "Missing"),
    ],
)
def test_a_faulty_file_is_one_line(tmp_path, before, after, fault):
    path = tmp_path / "mine.toml"
    assert before in STUDY
    path.write_text(STUDY.replace(before, after))
    with pytest.raises(InputError) as error:
        study_runs(read_study(str(path), OURS), OUT, Choices())
    assert fault in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("choices", "fault"),
    [
        ({"tier": "huge"}, "huge"),
        ({"seeds": 0}, "seeds: found 0"),
        ({"images": 0}, "images: found 0"),
        ({"only": ("c9-*",)}, "c9-"),
        ({"preset": "huge"}, "huge"),
        ({"preset": "other", "tier": "smoke"}, "other"),
        ({"settings": ("training.height=3",)}, "training.height"),
    ],
)
def test_impossible_choices_are_one_line(choices, fault):
    with pytest.raises(InputError, match=fault):
        runs_of("widths", paths.RESULTS / "paper" / "studies", **choices)
    with pytest.raises(InputError, match="expected one of"):
        read_study("table9", OURS)
