import json
import re
from html.parser import HTMLParser

import pytest

from benchmark.evaluation.sets import evaluation_set
from benchmark.paper.tables import read_paper
from benchmark.released.outcomes import read_outcomes
from benchmark.report.readme import BEGIN, END, readme_is_current, update_readme
from benchmark.report.write import write_report
from benchmark.runs.record import read_runs
from datasets.errors import InputError
from datasets.exported import ExportedDataset
from datasets.files import write_compact_json
from datasets.scene import SceneParameters


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


@pytest.fixture
def with_runs(results, dataset):
    """Both sides at N=6, and a run on the exported dataset whose predictions are the truth of image 1."""
    results.add_run("e", "layered-embedding", {"default": 0.8})
    results.add_run("d", "detectron2-mask-rcnn", {f"nms-{t / 10}": t / 10 for t in range(11)})
    described = {key: dataset.info[key] for key in ("content_hash", "images", "seed", "parameters")}
    folder = results.add_run("tiny", "layered-embedding", {"default": 0.5}, n=1, preset="<b>&", dataset=described)
    keys = ("image_id", "category_id", "segmentation", "order")
    truth = [{key: annotation[key] for key in keys} | {"score": 0.5} for annotation in dataset.annotations(1)]
    write_compact_json(folder / "predictions.default.json.gz", truth)
    return results


def test_report_is_complete_and_self_contained(with_runs, dataset, tmp_path):
    written = write_report(with_runs.folder, tmp_path / "report", dataset.folder.parent)
    names = {path.name for path in written}
    assert names >= {f"{table}.{end}" for table in ("table1", "table2", "ablation") for end in ("md", "csv", "tex")}
    assert names >= {f"{plot}.{end}" for plot in ("nms-sweep", "layers", "training-sample") for end in ("svg", "pdf")}
    assert {path.name for path in (tmp_path / "report").iterdir()} == names
    page = Page((tmp_path / "report" / "index.html").read_text())
    assert not page.faults and not page.open
    assert page.values("src") and all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for link in page.values("href"):
        assert link[1:] in ids if link.startswith("#") else link in names
    text = (tmp_path / "report" / "index.html").read_text()
    style = text[: text.index("</style>")]
    assert "url(" not in style and "@import" not in style and "<link" not in text
    assert "&lt;b&gt;&amp;" in text and "<b>&)" not in text


def test_gallery_counts_what_was_found(with_runs, dataset, tmp_path):
    write_report(with_runs.folder, tmp_path / "report", dataset.folder.parent)
    text = (tmp_path / "report" / "index.html").read_text()
    counts = [len(dataset.annotations(image_id)) for image_id in (1, 2)]
    assert re.findall(r"(\d+) of (\d+) found, (\d+) detections", text) == [
        (str(counts[0]),) * 3,
        ("0", str(counts[1]), "0"),
    ]


def test_same_inputs_same_bytes(with_runs, dataset, tmp_path):
    first = write_report(with_runs.folder, tmp_path / "a", dataset.folder.parent)
    write_report(with_runs.folder, tmp_path / "b", dataset.folder.parent)
    for path in first:
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


@pytest.mark.parametrize("content", [b"not gzip", b""])
def test_broken_predictions_are_named(with_runs, dataset, content):
    released = with_runs.folder / "released"
    (released / "tiny" / "predictions.default.json.gz").write_bytes(content)
    ranking = read_paper(with_runs.folder / "paper")["table1"]
    with pytest.raises(InputError, match=r"predictions\.default\.json\.gz"):
        read_outcomes(dataset.folder.parent, read_runs(released), ranking)


def test_a_run_that_stopped_within_its_budget_gets_no_pictures(with_runs, dataset):
    released = with_runs.folder / "released"
    ranking = read_paper(with_runs.folder / "paper")["table1"]
    assert len(read_outcomes(dataset.folder.parent, read_runs(released), ranking)) == 1
    manifest = released / "tiny" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"images_budget": 200_000}))
    assert read_outcomes(dataset.folder.parent, read_runs(released), ranking) == []


def test_readme_block_follows_the_results(results, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Head\n\n{BEGIN}\nold\n{END}\n\ntail\n")
    assert not readme_is_current(readme, results.folder)
    assert update_readme(readme, results.folder)
    text = readme.read_text()
    assert text.startswith("# Head\n") and text.endswith(f"{END}\n\ntail\n")
    assert (
        "**Table 1" in text
        and "- [Table 2: masks" in text
        and "](results/report/table2.md)" in text
        and "\nold\n" not in text
    )
    assert readme_is_current(readme, results.folder) and not update_readme(readme, results.folder)
    results.add_run("e", "layered-embedding", {"default": 0.8})
    assert not readme_is_current(readme, results.folder)


@pytest.mark.parametrize("text", ["no marks", f"{END}\n{BEGIN}", BEGIN])
def test_readme_without_marks_is_refused_and_kept(results, tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(InputError, match="README.md"):
        update_readme(readme, results.folder)
    assert readme.read_text() == text
