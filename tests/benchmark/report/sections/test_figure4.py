"""Fig. 4: which runs show their steps, and how they are painted."""

import copy
import json

import numpy as np
import pytest

from benchmark.adapter import Picture
from benchmark.evaluation.sets import evaluation_set
from benchmark.report.pictures.colors import category_colors, to_rgb
from benchmark.report.pictures.paint import UNMATCHED_COLOR
from benchmark.report.sections.figure4 import match_masks, model_steps, paint_steps, pictures
from benchmark.report.sections.section import Inputs
from benchmark.runs.pictures import write_pictures
from datasets.scene import SceneParameters


def truth_as_pictures(dataset):
    """What a model shows that sees the truth of the first layer, and an instance that is none."""
    truth = dataset.layers(1, 1)[0].astype(int)
    found = np.where(truth > 0, truth + 1, 0)
    found[:3, :3] = 1
    colors = np.zeros((64, 64, 4), np.uint8)
    colors[0, 0] = (10, 20, 30, 255)
    return [
        Picture("Layer 1", "Colours", "colors", colors),
        Picture("Layer 1", "Classes", "classes", np.full((64, 64), 3)),
        Picture("Layer 1", "Found", "instances", found),
        Picture("Layer 1", "Truth", "truth", truth),
    ]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return evaluation_set(tmp_path_factory.mktemp("data"), SceneParameters.uniform(1), images=2, seed=5)


def add(results, dataset, name, *, pictures=True, **options):
    described = {key: dataset.info[key] for key in ("content_hash", "images", "seed", "parameters")}
    folder = results.add_run(name, "layered-embedding", {"default": 0.5}, n=1, dataset=described, **options)
    if pictures:
        write_pictures(folder, 1, truth_as_pictures(dataset))
    return folder


def steps(results, dataset):
    return model_steps(Inputs.read(results.folder, dataset.folder.parent))


def test_only_trained_runs_with_pictures_are_shown(results, dataset):
    add(results, dataset, "a")
    add(results, dataset, "b", pictures=False)
    add(results, dataset, "c", tier="smoke", preset="smoke")
    assert [shown.run.name for shown in steps(results, dataset)] == ["a"]


def test_all_runs_but_the_first_fold(results, dataset):
    for name in "ab":
        add(results, dataset, name)
    folds = [row.fold for row in pictures(Inputs.read(results.folder, dataset.folder.parent))]
    assert folds[:2] == ["", ""] and all("layered-embedding" in fold for fold in folds[2:]) and len(folds) == 4


def test_a_matched_instance_has_the_colour_of_the_true_one(results, dataset):
    add(results, dataset, "a")
    (shown,) = steps(results, dataset)
    (title, first), (layer, panels) = shown.rows
    assert "N = 1, image 1" in title and layer == "Layer 1"
    instances = len(dataset.annotations(1))
    assert [panel.caption for panel in first] == [
        "Image",
        f"Truth: {instances} instances",
        f"{instances} of {instances} found, {instances + 1} masks",
    ]
    colors, classes, found, truth = (panel.image for panel in panels)
    assert tuple(colors[3, 3]) == (10, 20, 30, 255) and not colors[4:].any()
    assert len(np.unique(classes.reshape(-1, 4), axis=0)) == 1
    assert (found[1, 1, :3] == to_rgb([UNMATCHED_COLOR])[0]).all()
    assert (found[20:] == truth[20:]).all() and found[20:].any()


def test_seven_categories_have_seven_colours(dataset):
    names = ["cyclist", "pedestrian", "car", "tram", "truck", "van", "misc"]
    driving = copy.copy(dataset)
    driving.categories = [{"id": 10 * number, "name": name} for number, name in enumerate(names)]
    stripes = np.repeat(np.arange(8), 8)[None].repeat(64, axis=0)
    ((_, _), (_, (panel,))) = paint_steps("title", [Picture("Layer 1", "Classes", "classes", stripes)], driving, 1)
    painted = [tuple(panel.image[128, 32 * number + 16, :3]) for number in range(1, 8)]
    assert painted == [tuple(color) for color in to_rgb(list(category_colors(names).values()))]
    assert len(set(painted)) == 7


def test_a_run_without_a_dataset_is_left_out(results, dataset):
    folder = add(results, dataset, "a")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["dataset"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert steps(results, dataset) == []


def test_masks_are_matched_from_the_best_pair_down():
    truth = np.zeros((2, 64, 64), bool)
    truth[0, :10], truth[1, 5:20] = True, True
    masks = np.zeros((3, 64, 64), bool)
    masks[0, :9], masks[1, :10], masks[2, 5:18] = True, True, True
    assert list(match_masks(masks, truth)) == [-1, 0, 1]
    assert list(match_masks(masks[:0], truth)) == [] and list(match_masks(masks, truth[:0])) == [-1, -1, -1]
