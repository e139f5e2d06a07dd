"""What has not changed is not computed again, and what has changed is."""

import json

import pytest

from benchmark.evaluation.sets import evaluation_set
from benchmark.released import analyse
from benchmark.released.analyse import analyse_released, analyse_untrained, keep_readings
from benchmark.released.kept import NAME, Kept, digest_of
from benchmark.runs.folder import ANALYSIS, METRICS, read_metrics
from benchmark.runs.manifest import read_manifest
from datasets.files import rounded, write_compact_json, write_json
from datasets.scene import SceneParameters


@pytest.fixture
def one_run(results, tmp_path):
    """A results folder with a run that sees the truth, and its data."""
    data = tmp_path / "data"
    dataset = evaluation_set(data, SceneParameters.uniform(2), images=3, seed=5)
    described = {key: dataset.info[key] for key in ("content_hash", "images", "seed", "parameters")}
    folder = results.add_run("mine", "my-model", {"default": 0.5}, n=2, dataset=described)
    keys = ("image_id", "category_id", "segmentation")
    instances = [one for image_id in dataset.image_ids for one in dataset.annotations(image_id)]
    found = [{key: one[key] for key in keys} | {"score": 1.0} for one in instances]
    write_compact_json(folder / "predictions.default.json.gz", found)
    return results.folder, data, folder, found


def run_again(results, data):
    kept = Kept(results)
    analysed = analyse_released(results / "released", data, kept)
    kept.write()
    return analysed


def test_unchanged_predictions_are_analysed_once(one_run):
    results, data, folder, _ = one_run
    assert run_again(results, data) == ["mine/default"] and read_metrics(folder)["default"]["AP"] == 1
    times = [(folder / name).stat().st_mtime_ns for name in (METRICS, ANALYSIS)]
    assert run_again(results, data) == []
    assert times == [(folder / name).stat().st_mtime_ns for name in (METRICS, ANALYSIS)]


def change_predictions(results, folder, found, monkeypatch):
    write_compact_json(folder / "predictions.default.json.gz", found[1:])


def change_a_metric(results, folder, found, monkeypatch):
    write_json(folder / METRICS, {"default": read_metrics(folder)["default"] | {"AP": 0.25}})


def lose_the_analysis(results, folder, found, monkeypatch):
    (folder / ANALYSIS).unlink()


def change_the_code(results, folder, found, monkeypatch):
    monkeypatch.setattr(analyse, "digest_of_code", lambda *places: "other code")


def damage_what_is_kept(results, folder, found, monkeypatch):
    (results / NAME).write_text("[")


@pytest.mark.parametrize(
    "change",
    [change_predictions, change_a_metric, lose_the_analysis, change_the_code, damage_what_is_kept],
    ids=lambda change: change.__name__,
)
def test_each_change_is_seen(one_run, monkeypatch, change):
    results, data, folder, found = one_run
    run_again(results, data)
    change(results, folder, found, monkeypatch)
    assert run_again(results, data) == ["mine/default"]
    assert (read_metrics(folder)["default"]["AP"] == 1) == (change is not change_predictions)


def test_last_bits_change_no_file(one_run):
    results, data, folder, _ = one_run
    run_again(results, data)
    metrics = read_metrics(folder)
    metrics["default"]["AP"] -= 1e-14
    write_json(folder / METRICS, metrics)
    before = (folder / METRICS).read_bytes()
    assert run_again(results, data) == ["mine/default"] and (folder / METRICS).read_bytes() == before


def test_models_without_training_are_run_and_analysed_where_new(tmp_path):
    dataset = evaluation_set(tmp_path / "data", SceneParameters.uniform(2), images=2, seed=5)
    kept = Kept(tmp_path)
    assert analyse_untrained(tmp_path / "released", dataset, kept) == ["ground-truth-layers-n2"]
    kept.write()
    assert analyse_untrained(tmp_path / "released", dataset, Kept(tmp_path)) == []
    names = json.loads((tmp_path / NAME).read_text())
    assert all(name.startswith("released/ground-truth-layers-n2") for name in names)


def test_models_without_training_predict_only_where_code_or_numbers_changed(tmp_path, monkeypatch):
    released = tmp_path / "released"
    folder = released / "ground-truth-layers-n2"
    dataset = evaluation_set(tmp_path / "data", SceneParameters.uniform(2), images=2, seed=5)
    predicted = []
    predict = analyse.predict
    monkeypatch.setattr(analyse, "predict", lambda *of: predicted.append(of[0]) or predict(*of))

    def run_again():
        predicted.clear()
        kept = Kept(tmp_path)
        new = analyse_untrained(released, dataset, kept)
        kept.write(all_known=True)
        return new, len(predicted)

    assert run_again() == (["ground-truth-layers-n2"], 1)
    before = (tmp_path / NAME).read_bytes()
    assert run_again() == ([], 0) and (tmp_path / NAME).read_bytes() == before
    monkeypatch.setattr(analyse, "PREDICTING", ("benchmark/analysis",))  # other code that gives the same predictions
    assert run_again() == ([], 1) and run_again() == ([], 0)
    first = read_metrics(folder)
    write_json(folder / METRICS, {name: values | {"AP": 0.25} for name, values in first.items()})
    assert run_again() == (["ground-truth-layers-n2"], 1) and read_metrics(folder) == first


def test_manifests_are_given_the_readings_that_they_lack(results):
    stated = {"tuned": {"family": "tuned", "text": "as tuned"}}
    folder = results.add_run("mine", "ground-truth-layers", {"layers-1": 0.5, "tuned": 0.5}, n=2, readings=stated)
    keep_readings(results.folder / "released")
    readings = read_manifest(folder)["readings"]
    assert readings["tuned"] == stated["tuned"] and readings["layers-1"]["layers"] == 1


def test_what_nobody_asks_for_is_forgotten(tmp_path):
    kept = Kept(tmp_path)
    kept.note("a", "1")
    kept.write()
    kept = Kept(tmp_path)
    kept.note("b", "2")
    kept.write()
    assert set(json.loads((tmp_path / NAME).read_text())) == {"a", "b"}
    kept.write(all_known=True)
    assert set(json.loads((tmp_path / NAME).read_text())) == {"b"}


def test_digests_tell_apart(tmp_path):
    assert len({digest_of("a", "b"), digest_of("ab"), digest_of(["a", "b"]), digest_of(tmp_path / "a")}) == 4


def test_rounded():
    assert str(rounded({"a": [-1e-12, 0.1234567891234, 1, True, None, float("nan")]}, 6)) == (
        "{'a': [0.0, 0.123457, 1, True, None, None]}"
    )
