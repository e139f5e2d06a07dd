"""The table of docs/data.md: what is read of a spoiled file in each form, what is counted and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from datasets.coco import encode_masks
from datasets.formats import coco, cocoa
from datasets.formats.masks import outline
from datasets.keys import AMODAL_KEYS, HIDDEN_KEYS, RATE_KEYS, VISIBLE_KEYS
from tests.datasets.formats.drawings import AMODAL, HOUSE, TREE
from tests.datasets.formats.test_coco import FORMS, POLYGONS, column, document

PAGE = Path(__file__).parents[3] / "docs" / "data.md"
PLAIN = "plain COCO"
WIDE, NOTHING, ELSEWHERE = encode_masks(np.stack([TREE | HOUSE, TREE & HOUSE, HOUSE]))
ROWS = {
    PLAIN: (column("segmentation", POLYGONS),),
    "COCOA": None,
    **{name: FORMS[name] for name in ("COCOA-cls", "D2SA")},
    "UOAIS-Sim, OSD-Amodal": FORMS["UOAIS"],
    **{name: FORMS[name] for name in ("occluded parts alone", "AIStron", "KINS 2019", "KINS 2020")},
}


def made(form):
    """(a file of four drawn instances in a form, its entries, the tree's, the sky's); COCOA has regions of an image."""
    if ROWS[form] is not None:
        file = document(*ROWS[form])
        return file, file["annotations"], file["annotations"][1], file["annotations"][2]
    file = cocoa.write(coco.read(document(*FORMS["D2SA"]), "file"))
    regions = file["annotations"][0]["regions"]  # front to back: car, house, tree, sky
    return file, regions, regions[2], regions[3]


def first_key(keys, entry):
    return next((key for key in keys if key in entry), None)


def in_form_of(value, mask):
    return outline(mask) if isinstance(value, list) else mask


def spoil(form):
    """The file with a fifth instance without a pixel, a crowd region, and tree and sky contradicting themselves in
    every way that the form has words for."""
    file, entries, tree, sky = made(form)
    amodal, visible, hidden, rate = (
        first_key(keys, tree) for keys in (AMODAL_KEYS, VISIBLE_KEYS, HIDDEN_KEYS, RATE_KEYS)
    )
    entries.append({**entries[0], amodal: NOTHING, "id": 50} | ({visible: NOTHING} if visible else {}))
    if form != "COCOA":
        entries.append({**entries[0], "iscrowd": 1, "id": 60})
    if visible or hidden:  # the tree's part reaches out of the tree
        part = visible or hidden
        tree[part] = in_form_of(tree[part], WIDE)
    if visible and hidden:
        sky[hidden] = AMODAL[0]
    if rate:
        sky[rate] = 0.1
    return file


def refuse(form):
    """The file with what no reading can mend in its tree."""
    file, _, tree, _ = made(form)
    visible = first_key(VISIBLE_KEYS, tree)
    if form == PLAIN:
        tree["occlude_rate"] = 0.5
    elif visible:
        tree[visible] = in_form_of(tree[visible], ELSEWHERE)
    else:
        tree["segmentation"] = [[1, 2, 3]]
    return file


def convert(file, form, folder, capsys):
    """(exit code, what was printed or said)"""
    path = folder / "file.json"
    path.write_text(json.dumps(file))
    source = "cocoa" if form == "COCOA" else "coco"
    options = ["--from", source, "--to", "benchmark", "--annotations", str(path), "--out", str(folder / "out.json")]
    code = main(["convert", *options])
    said = capsys.readouterr()
    return code, (said.out or said.err).strip().replace(f"{folder}/", "")


@pytest.mark.parametrize("form", ROWS)
def test_table(form, tmp_path, capsys):
    code, said = convert(spoil(form), form, tmp_path, capsys)
    assert code == 0
    read, *counted = said.removeprefix("out.json: ").replace(" in 2 images", "").split(", ")
    code, refused = convert(refuse(form), form, tmp_path, capsys)
    assert code == 2 and "\n" not in refused
    _, fault = refused.partition("file.json: ")[2].split(": ", 1)
    row = f"| {form} | {read.split()[0]} of {5 if form == 'COCOA' else 6} | {'; '.join(counted)} | `{fault}` |"
    print(row)
    assert row in PAGE.read_text().splitlines()
