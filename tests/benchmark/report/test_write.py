import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import read_paper
from benchmark.released.outcomes import read_outcomes
from benchmark.report.write import write_report
from benchmark.runs.record import read_runs
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.files import write_compact_json
from datasets.scene import SceneParameters
from tests.benchmark.conftest import Results


class Page(HTMLParser):
    """What a test asks of a page: balanced tags, sources, ids and links."""

    VOID = {"meta", "img", "br", "link", "input", "path", "use", "rect", "stop"}

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes, self.faults = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        if tag not in self.VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(tag)

    def values(self, name):
        return [value for _, key, value in self.attributes if key == name]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> ExportedDataset:
    return evaluation_set(tmp_path_factory.mktemp("data"), SceneParameters.uniform(1), images=2, seed=5)


@pytest.fixture(scope="module")
def with_runs(tmp_path_factory, dataset):
    """Both sides at N=6, and a run on the exported dataset whose predictions are the truth of image 1."""
    results = Results(tmp_path_factory.mktemp("runs") / "results")
    results.add_run("e", "layered-embedding", {"default": 0.8})
    results.add_run("d", "detectron2-mask-rcnn", {f"nms-{t / 10}": t / 10 for t in range(11)})
    described = {key: dataset.info[key] for key in ("content_hash", "images", "seed", "parameters")}
    folder = results.add_run("tiny", "layered-embedding", {"default": 0.5}, n=1, preset="<b>&", dataset=described)
    keys = ("image_id", "category_id", "segmentation", "order")
    truth = [{key: annotation[key] for key in keys} | {"score": 0.5} for annotation in dataset.annotations(1)]
    write_compact_json(folder / "predictions.default.json.gz", truth)
    return results


@pytest.fixture(scope="module")
def report(with_runs, dataset, tmp_path_factory):
    """The folder of a report, and the files that were written to it."""
    folder = tmp_path_factory.mktemp("report")
    return folder, write_report(with_runs.folder, folder, dataset.folder.parent)


def test_report_is_complete_and_self_contained(report):
    folder, written = report
    names = {path.name for path in written}
    assert names >= {f"{table}.{end}" for table in ("table1", "table2", "ablation") for end in ("md", "csv", "tex")}
    assert names >= {f"{plot}.{end}" for plot in ("nms-sweep", "layers") for end in ("svg", "pdf")}
    assert "training-sample.pdf" in names and "training-sample.svg" not in names  # the page shows it in another form
    assert {path.name for path in folder.iterdir()} == names
    text = (folder / "index.html").read_text()
    page = Page(text)
    assert not page.faults and not page.open
    assert page.values("src") and all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for link in page.values("href"):
        here = link.startswith("#")
        assert unquote(link[1:]) in ids if here else link in names or (folder / link).is_file()
    style = text[: text.index("</style>")]
    assert "url(" not in style and "@import" not in style and "<link" not in text
    assert "&lt;b&gt;&amp;" in text and "<b>&)" not in text


def test_gallery_counts_what_was_found(report, dataset):
    text = (report[0] / "index.html").read_text()
    counts = [len(dataset.annotations(image_id)) for image_id in (1, 2)]
    assert re.findall(r"(\d+) of (\d+) found, (\d+) detections", text) == [
        (str(counts[0]),) * 3,
        ("0", str(counts[1]), "0"),
    ]


def test_same_inputs_same_bytes_where_files_of_an_earlier_report_go(with_runs, dataset, report):
    """What a page no longer links to goes, a file that it never linked to stays."""
    out = report[0].parent / "again"
    shutil.copytree(report[0], out)
    (out / "old.svg").touch()
    (out / "mine.md").touch()
    page = out / "index.html"
    page.write_text(page.read_text() + '<a href="old.svg">')
    names = {path.name for path in write_report(with_runs.folder, out, dataset.folder.parent)}
    assert {path.name for path in out.iterdir()} == names | {"mine.md"}
    for path in report[1]:
        assert path.read_bytes() == (out / path.name).read_bytes(), path.name


@pytest.fixture
def own_runs(with_runs, tmp_path):
    """A copy for a test that changes it."""
    return Path(shutil.copytree(with_runs.folder, tmp_path / "results"))


@pytest.mark.parametrize("content", [b"not gzip", b""])
def test_broken_predictions_are_named(own_runs, dataset, content):
    (own_runs / "released" / "tiny" / "predictions.default.json.gz").write_bytes(content)
    ranking = read_paper(own_runs / "paper")["table1"]
    with pytest.raises(InputError, match=r"predictions\.default\.json\.gz"):
        read_outcomes(dataset.folder.parent, read_runs(own_runs / "released"), ranking)


def test_a_run_that_stopped_within_its_budget_gets_no_pictures(own_runs, dataset):
    released = own_runs / "released"
    ranking = read_paper(own_runs / "paper")["table1"]
    assert len(read_outcomes(dataset.folder.parent, read_runs(released), ranking)) == 1
    manifest = released / "tiny" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"images_budget": 200_000}))
    assert read_outcomes(dataset.folder.parent, read_runs(released), ranking) == []
