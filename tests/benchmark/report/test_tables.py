import io
import json
import re

import pandas as pd
import pytest

from benchmark.report.facts import facts
from benchmark.report.formats import to_csv, to_latex, to_markdown
from benchmark.report.tables import NOT_RUN, letters
from benchmark.report.write import build_tables
from benchmark.runs.record import read_run, read_runs
from datasets.errors import InputError

EMBEDDING, DETECTOR, ORACLE = "layered-embedding", "detectron2-mask-rcnn", "ground-truth-layers"


def rows_by_label(table):
    return {(row.group, row.label): row for row in table.rows}


def test_without_runs_every_row_says_so_and_keeps_the_paper(results):
    table = build_tables(results.folder)["table1"][0]
    assert len(table.rows) == 12
    assert all(row.run is None and row.has_paper for row in table.rows)
    assert all(value.ours is None for row in table.rows for value in row.values.values())
    frame = pd.read_csv(io.StringIO(to_csv([table])))
    assert (frame["status"] == NOT_RUN).all()
    assert frame["AP"].isna().all() and frame["AP_paper"].notna().all()
    assert to_markdown([table]).count(NOT_RUN) == 12
    assert to_latex([table]).count(NOT_RUN) == 12
    assert "0.0000" not in to_markdown([table]) + to_latex([table])


def test_differences_and_best(results):
    results.add_run("e", EMBEDDING, {"default": 0.8})
    results.add_run("d", DETECTOR, {"nms-0.1": 0.5, "nms-0.9": 0.80004})
    table = build_tables(results.folder)["table1"][0]
    rows = rows_by_label(table)
    embedding = rows["6", "Layered embedding, L = 2 (compact)"]
    assert embedding.values["AP"].paper == 0.7673
    assert embedding.values["AP"].difference == 0.0327
    # 0.80004 prints as 0.8000: a tie that a reader sees
    assert embedding.values["AP"].best
    assert rows["6", "Mask R-CNN, t = 0.9 (compact)"].values["AP"].best
    assert not rows["6", "Mask R-CNN, t = 0.1 (compact)"].values["AP"].best
    # the run has no such variant
    assert rows["6", "Mask R-CNN, t = 0.5 (compact)"].run is None
    assert rows["12", "Layered embedding, L = 2"].run is None


def test_a_lone_row_is_not_called_best(results):
    results.add_run("e", EMBEDDING, {"default": 0.8})
    table = build_tables(results.folder)["table1"][0]
    assert not any(value.best for row in table.rows for value in row.values.values())


def test_tiers_are_never_mixed(results):
    results.add_run("e-full", EMBEDDING, {"default": 0.8})
    results.add_run("e-short", EMBEDDING, {"default": 0.7}, tier="short", images=30_000)
    results.add_run("d-short", DETECTOR, {"nms-0.5": 0.6}, tier="short", images=30_000)
    tables = build_tables(results.folder)
    table = tables["table1"][0]
    assert "short" in table.title and "30,000" in table.title
    assert {run.name for run in table.runs} == {"e-short", "d-short"}
    (progress,) = tables["progress"]
    assert [run.name for run in progress.runs] == ["d-short", "e-short", "e-full"]
    assert not any(value.best for row in progress.rows for value in row.values.values())
    # the paper's numbers stand beside its own budget only
    assert [row.values["AP"].paper for row in progress.rows] == [None, None, 0.7673]
    stopped = {"images": 10_000, "images_budget": 30_000}
    results.add_run("d-stopped", DETECTOR, {"nms-0.5": 0.4}, **stopped)
    (progress,) = build_tables(results.folder)["progress"]
    labels = [row.label.split(", ", 2)[-1] for row in progress.rows if row.run.model == DETECTOR]
    assert labels == ["10,000 of 30,000 images", "30,000 images"]


def test_one_table_for_each_tier_with_both_sides(results):
    for tier, images in (("short", 30_000), ("full", 100_000)):
        results.add_run(f"e-{tier}", EMBEDDING, {"default": 0.8}, tier=tier, images=images)
        results.add_run(f"d-{tier}", DETECTOR, {"nms-0.5": 0.8}, tier=tier, images=images)
    tables = build_tables(results.folder)["table1"]
    assert [table.tier for table in tables] == ["full", "short"] * 2
    assert ["at its best" in table.title for table in tables] == [False, False, True, True]


def test_smoke_runs_stand_apart(results):
    results.add_run("e", EMBEDDING, {"default": 0.3}, tier="smoke", images=800, preset="smoke")
    tables = build_tables(results.folder)
    table = tables["table1"][0]
    assert not table.runs
    assert [run.name for run in tables["smoke"][0].runs] == ["e"]
    assert "runs" not in tables


def test_more_layers_and_other_models_have_rows_without_the_paper(results):
    results.add_run("deep", EMBEDDING, {"default": 0.9}, layers=3)
    results.add_run("other", "other-mask-rcnn", {"nms-0.5": 0.6, "nms-0.55": 0.9, "nms-0.9": 0.5})
    results.add_run("new", "brand-new", {"fast": 0.5, "slow": 0.7})
    table = build_tables(results.folder)["table1"][0]
    rows = rows_by_label(table)
    assert rows["6", "Layered embedding, L = 2"].run is None
    for label, ap in {
        "Layered embedding, L = 3 (compact)": 0.9,
        "beyond the paper: other-mask-rcnn (compact), nms-0.5": 0.6,
        "beyond the paper: other-mask-rcnn (compact), nms-0.9": 0.5,
        "beyond the paper: brand-new (compact), fast": 0.5,
    }.items():
        assert rows["6", label].values["AP"].ours == ap
        assert not rows["6", label].has_paper
    assert len(table.rows) == 12 + 4


def test_a_model_beyond_the_paper_has_its_row_where_it_is_alone(results):
    results.add_run("new", "brand-new", {"fast": 0.5}, tier="short", images=30_000)
    table = build_tables(results.folder)["table1"][0]
    assert "tier short" in table.title
    assert rows_by_label(table)["6", "beyond the paper: brand-new (compact), fast"].values["AP"].ours == 0.5


def test_table2_takes_its_scenes_from_the_dataset(results):
    """An oracle is trained on nothing, so its N is that of the data."""
    for n in (6, 12):
        variants = {f"layers-{layers}": layers / 10 for layers in range(1, 6)}
        scenes = {"counts": [6, 6, 6], "label": "6"}
        results.add_run(f"oracle-{n}", ORACLE, variants, n=n, tier="none", images=0, scenes=scenes)
    (table,) = build_tables(results.folder)["table2"]
    assert len(table.rows) == 9
    rows = rows_by_label(table)
    assert rows["12", "5 layers of ground truth"].run.name == "oracle-12"
    assert rows["6", "1 layer of ground truth"].values["AP"].paper is None
    assert any("IoU" in note for note in table.notes)


def test_scenes_other_than_trained_on_do_not_enter_the_table(results):
    results.add_run("moved", EMBEDDING, {"default": 0.5}, scenes={"counts": [12] * 3, "label": "12"})
    table = build_tables(results.folder)["table1"][0]
    assert not table.runs


def test_different_datasets_are_pointed_out(results):
    results.add_run("e", EMBEDDING, {"default": 0.8})
    results.add_run("d", DETECTOR, {"nms-0.5": 0.6}, dataset={"content_hash": "another"})
    table = build_tables(results.folder)["table1"][0]
    assert any("different datasets" in note for note in table.cautions)


def test_footnotes_say_what_a_run_is(results):
    results.add_run("e", EMBEDDING, {"default": 0.8}, images=25_000, images_budget=30_000)
    table = build_tables(results.folder)["table1"][0]
    ((letter, run),) = letters([table]).values()
    assert letter == "a" and f"- <sup>a</sup> e: {facts(run)}." in to_markdown([table])
    for part in ("preset compact", "tier short", "25,000 images seen of 30,000", "0.25 times the paper's"):
        assert part in facts(run)
    assert (
        "Abacus 1 (2 cores), no GPU" in facts(run)
        and "training 50 min" in facts(run)
        and "pretraining: none" in facts(run)
    )


def test_undefined_metrics_are_dashes(results):
    results.add_run("e", EMBEDDING, {"default": {"AP": 0.5, "AR_none": None}})
    table = build_tables(results.folder)["table1"][0]
    line = next(line for line in to_markdown([table]).splitlines() if "Layered" in line)
    assert [cell.strip() for cell in line.split("|")[4:-1]] == ["0.5000"] + ["–"] * 6


def test_ablation_lists_the_variants_of_one_run(results):
    results.add_run("e", EMBEDDING, {"default": 0.7, "semantic-ground-truth": 0.75})
    results.add_run("d", DETECTOR, {"nms-0.5": 0.6})
    results.add_run("g", "ground-truth-layers", {"layers-2": 0.86}, tier="none", images=0)  # stands in every tier
    (table,) = build_tables(results.folder)["ablation"]
    rows = [row for row in table.rows if row.group == "6"]
    assert [row.values["AP"].ours for row in rows] == [0.7, 0.75, None, 0.86]
    assert [row.values["AP"].paper for row in rows] == [0.7673, 0.7959, None, 0.8584]


def test_a_run_without_metrics_is_listed_but_not_compared(results):
    folder = results.add_run("e", EMBEDDING, {"default": 0.7})
    (folder / "metrics.json").unlink()
    tables = build_tables(results.folder)
    assert not tables["table1"][0].runs
    assert NOT_RUN in to_markdown(tables["runs"])


def test_csv_keeps_full_precision_and_provenance(results):
    results.add_run("e", EMBEDDING, {"default": 0.123456789012})
    frame = pd.read_csv(io.StringIO(to_csv(build_tables(results.folder)["table1"])))
    row = frame[frame["run"] == "e"].iloc[0]
    assert row["AP"] == 0.123456789012
    assert (row["tier"], row["images_seen"], row["variant"]) == ("full", 100_000, "default")


def test_latex_is_booktabs_and_escapes_names(results):
    results.add_run("run_1&2", EMBEDDING, {"default": 0.8}, preset="a_b")
    results.add_run("d", DETECTOR, {"nms-0.5": 0.6})
    text = to_latex(build_tables(results.folder)["table1"])
    assert r"\toprule" in text and r"\bottomrule" in text and r"\textbf{0.8000}" in text
    assert r"(a\_b)\textsuperscript{a}" in text and r"run\_1\&2" in text
    assert r"\caption{embeddings against" in text
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    for table in text.split(r"\end{table*}"):
        lines = [line.replace(r"\&", "") for line in table.splitlines() if "multicolumn" not in line]
        assert len({line.count("&") for line in lines if "&" in line}) <= 1


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("manifest.json", "{", "manifest.json: not JSON"),
        ("manifest.json", '{"model": "x"}', "found no 'scenes'"),
        ("metrics.json", "[]", "metrics.json: found a list"),
        ("metrics.json", '{"default": 3}', "metrics.json: default: found 3"),
        ("metrics.json", '{"a/b": {}}', "metrics.json: a/b: found"),
        ("manifest.json", '{"model": "x", "scenes": {"label": "6"}, "layers": "2"}', "layers: found '2', expected"),
        ("analysis.json", '{"default": {"intervals": {"AP": [1]}}}', "analysis.json: default: intervals: AP: found"),
        ("metrics.json", '{"default": {"AP": "high"}}', "default: AP: found 'high'"),
        ("metrics.json", '{"default": {"AP": NaN}}', "default: AP: found nan"),
    ],
)
def test_broken_runs_are_named(results, file, text, message, capsys):
    folder = results.add_run("e", EMBEDDING, {"default": 0.8})
    whole = results.add_run("f", EMBEDDING, {"default": 0.8})
    (folder / file).write_text(text)
    with pytest.raises(InputError, match=message):
        read_run(folder)
    (run,) = read_runs(results.folder / "released")  # the others are shown
    assert run.folder == whole and re.search(message, capsys.readouterr().err)


def test_manifest_written_by_the_benchmark_is_understood(results):
    """Keys that older or newer manifests lack are optional."""
    folder = results.add_run("e", EMBEDDING, {"default": 0.8})
    needed = {"model": EMBEDDING, "scenes": {"label": "6"}, "layers": 2}
    (folder / "manifest.json").write_text(json.dumps(needed))
    (run,) = read_runs(results.folder / "released")
    assert (run.scenes, run.images_seen, run.dataset_hash) == ("6", 0, "")
    assert facts(run).startswith(EMBEDDING)


def test_runs_stand_in_the_order_of_their_numbers(results):
    for name in ("m-n12-l2", "m-n6-l10", "m-n6-l2", "a"):
        results.add_run(name, EMBEDDING, {"default": 0.5})
    assert [run.name for run in read_runs(results.folder / "released")] == ["a", "m-n6-l2", "m-n6-l10", "m-n12-l2"]


def test_table_1_says_what_a_run_does_unlike_the_paper(results):
    training = {"optimizer": "muon", "learning_rate": 1e-4, "images": 100_000, "schedule": "cosine"}
    hyperparameters = {
        "training": training,
        "weights": None,
        "rois_per_image": 128,
        "overrides": [["MODEL.FPN.OUT_CHANNELS", 128], ["MODEL.RPN.PRE_NMS_TOPK_TRAIN", 1000]],
    }
    for n in (6, 12):
        results.add_run(f"d{n}", DETECTOR, {"nms-0.5": 0.6}, n=n, hyperparameters=hyperparameters)
    table = build_tables(results.folder)["table1"][0]
    (line,) = [note for note in table.differences if "unlike the paper's" in note]  # one for both runs
    assert line == (
        "detectron2-mask-rcnn (compact), unlike the paper's: Detectron2 in place of a TensorFlow Mask R-CNN, anchors "
        "fitted to the shapes, pretrained weights none (MS COCO), changes to the network MODEL.FPN.OUT_CHANNELS 128 "
        "and MODEL.RPN.PRE_NMS_TOPK_TRAIN 1,000, ROIs per image 128 (64), optimiser muon (adam), schedule cosine "
        "(constant)."
    )


def test_runs_of_one_preset_with_other_settings_are_told_apart(results):
    for name, rois in (("a", 64), ("b", 128), ("c", 128)):
        results.add_run(name, DETECTOR, {"nms-0.5": 0.6}, hyperparameters={"rois_per_image": rois})
    table = build_tables(results.folder)["table1"][0]
    lines = [note for note in table.differences if "unlike the paper's" in note]
    assert lines[0].startswith(f"{DETECTOR} (compact) in a, unlike")
    assert lines[1].startswith(f"{DETECTOR} (compact) in b, c, unlike")
    assert "ROIs per image 128 (64)" in lines[1] and "ROIs" not in lines[0]


def test_an_unreadable_list_of_the_papers_settings_is_named(results):
    results.add_run("d", DETECTOR, {"nms-0.5": 0.6})
    (results.folder / "paper" / "settings.toml").write_text(f"[{DETECTOR}]\nalso = []")
    with pytest.raises(InputError, match=r"settings.toml: 'settings'"):
        build_tables(results.folder)


def test_what_older_manifests_do_not_say_is_told_by_the_papers_settings(results):
    """Runs made before fragments could be kept dissolved them; nobody clips gradients where both say none."""
    results.add_run("e", EMBEDDING, {"default": 0.5}, hyperparameters={"training": {"clip_gradient_norm": None}})
    (line,) = [note for note in build_tables(results.folder)["table1"][0].differences if "unlike the paper's" in note]
    assert line.endswith("fragments dissolved (kept).") and "gradients" not in line
