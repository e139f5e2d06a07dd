"""The report's page in a real browser: what only a browser can tell."""

import os
import shutil

import numpy as np
import pytest

from benchmark.report.write import write_report
from tests.benchmark.conftest import Results
from tests.benchmark.report.faults import add_faulty_runs

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: not installed")

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
GALLERY = "#predictions-n2"


@pytest.fixture(scope="module")
def browser():
    """Chromium from the PATH, or the file named in the environment variable CHROMIUM."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser: found none of {', '.join(BROWSERS)} on the PATH, and CHROMIUM is not set")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found)
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    results = Results(folder / "results")
    add_faulty_runs(results, folder / "data")
    write_report(results.folder, folder / "report", folder / "data")
    return folder / "report"


@pytest.fixture
def open_page(browser, report):
    """A function that opens the page (at an anchor) in a window of its own, and collects what goes wrong."""
    contexts = []

    def open_page(anchor="", width=1200, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.faults, page.requested = [], []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.requested.append(request.url))
        page.goto((report / "index.html").as_uri() + anchor)
        return page

    yield open_page
    for context in contexts:
        context.close()


def shown(page) -> list[str]:
    return page.eval_on_selector_all(
        f"{GALLERY} .scene", "scenes => scenes.filter(scene => scene.checkVisibility()).map(scene => scene.id)"
    )


def counter(page) -> str:
    return page.inner_text(f"{GALLERY} output")


def scene(number: int) -> str:
    return f"predictions-n2-image-{number}"


def test_no_faults_and_no_network(open_page):
    page = open_page()
    page.click(f"{GALLERY} .next")
    assert page.faults == []
    assert [url for url in page.requested if not url.startswith("data:")] == [page.url.partition("#")[0]]


def test_links_and_pictures(open_page, report):
    page = open_page()
    for link in set(page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")):
        if link.startswith("#"):
            assert page.locator(f"[id='{link[1:]}']").count() == 1, link
        else:
            assert (report / link).is_file(), link
    assert page.eval_on_selector_all("img", "all => all.length > 20 && all.every(i => i.alt && i.naturalWidth > 0)")
    unnamed = "all => all.filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
    assert page.eval_on_selector_all("button, select, a, summary", unnamed) == 0


def test_tables_sort_by_click_and_key(open_page):
    """Rows without a number stay last."""
    page = open_page()
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    read = """() => [...document.querySelector("#runs tbody").rows].slice(1).map(row => row.cells[1].dataset.value)"""
    page.evaluate("""() => [...document.querySelector("#runs tbody").rows].slice(1).forEach(
        (row, i) => i ? row.cells[1].dataset.value = [0.3, 0.1, 0.2][i - 1] : delete row.cells[1].dataset.value)""")
    head = page.locator("#runs thead button").nth(1)
    head.click()
    assert page.evaluate(read) == ["0.3", "0.2", "0.1", None]
    assert head.locator("..").get_attribute("aria-sort") == "descending"
    head.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(read) == ["0.1", "0.2", "0.3", None]


def test_gallery_steps(open_page):
    page = open_page()
    assert shown(page) == [scene(1)] and counter(page) == "Scene 1 of 6"
    page.click(f"{GALLERY} .next")
    assert shown(page) == [scene(2)] and counter(page) == "Scene 2 of 6"
    assert page.url.endswith(f"#{scene(2)}")
    page.keyboard.press("ArrowRight")
    assert shown(page) == [scene(3)]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert shown(page) == [scene(6)]  # once round
    page.click(f"{GALLERY} .next")
    assert shown(page) == [scene(1)]
    assert page.locator(f"#{scene(1)} figure").count() == 4  # image, truth, two runs


def test_gallery_filters(open_page):
    page = open_page()
    choose = f"{GALLERY} select[name=%s]"
    page.select_option(choose % "kind", "merged")
    assert shown(page) == [scene(2)] and counter(page) == "Scene 1 of 1, 6 in all"
    assert page.is_disabled(f"{GALLERY} .next")
    page.select_option(choose % "model", label="detectron2-mask-rcnn (cpu), nms-0.5, full")
    assert shown(page) == [] and counter(page) == "No scene"
    page.click(f"{GALLERY} .none button")
    assert shown(page) == [scene(2)] and counter(page) == "Scene 2 of 6"
    page.select_option(choose % "model", label="detectron2-mask-rcnn (cpu), nms-0.5, full")
    assert shown(page) == [scene(3)]
    page.select_option(choose % "model", "")
    thirds = []
    for third in ("low", "middle", "high"):
        page.select_option(choose % "third", third)
        for _ in range(2):
            thirds += shown(page)
            page.click(f"{GALLERY} .next")
        assert counter(page).endswith("of 2, 6 in all")
    assert sorted(thirds) == [scene(number) for number in range(1, 7)]


def test_links_to_a_scene(open_page):
    page = open_page(f"#{scene(4)}")
    assert shown(page) == [scene(4)] and counter(page) == "Scene 4 of 6"
    page.select_option(f"{GALLERY} select[name=kind]", "merged")
    page.evaluate(f"location.hash = '{scene(5)}'")
    page.wait_for_function(f"document.getElementById('{scene(5)}').checkVisibility()")
    assert counter(page) == "Scene 5 of 6"  # the filter that hid it is off
    page.evaluate("location.hash = 'failures-boxes'")
    page.wait_for_function("document.getElementById('failures-boxes').open")


def test_swipes(open_page):
    page = open_page(width=360, has_touch=True, is_mobile=True)
    swipe = """([gallery, x, y]) => {
        const scene = document.querySelector(gallery + " .scene:not([hidden])");
        for (const [type, dx, dy] of [["touchstart", 0, 0], ["touchend", x, y]]) {
            const touch = new Touch({identifier: 1, target: scene, clientX: 200 + dx, clientY: 200 + dy});
            const touches = type === "touchstart" ? [touch] : [];
            scene.dispatchEvent(new TouchEvent(type, {bubbles: true, touches, changedTouches: [touch]}));
        }
    }"""
    for (x, y), expected in {(-80, 5): 2, (-10, 0): 2, (-80, 90): 2, (90, -10): 1}.items():
        page.evaluate(swipe, [GALLERY, x, y])
        assert shown(page) == [scene(expected)], (x, y)


def test_failures_show_what_was_planted(open_page):
    page = open_page("#failures-boxes")
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert "Two instances in one mask 1 instance in 6 images" in page.inner_text("#failures-embedding")
    boxes = page.inner_text("#failures-boxes")
    assert "Removed by NMS 1 instance in 6 images" in boxes and "Image 3:" in boxes
    assert page.locator("#failures-boxes .case").first.locator("img").count() == 3


@pytest.mark.parametrize("width", [360, 800])
def test_nothing_is_wider_than_the_window(open_page, width):
    page = open_page(width=width)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width


CONTRAST = """() => {
    const parse = color => color.match(/[\\d.]+/g).map(Number);
    const light = color => {
        const [r, g, b] = parse(color).map(v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = getComputedStyle(element).backgroundColor;
            if (parse(color)[3] !== 0) return color;
        }
    };
    const low = [];
    for (const element of document.querySelectorAll("body :not(svg, svg *, script, option)")) {
        const text = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!text || !element.checkVisibility() || element.disabled) continue;
        const pair = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
        const ratio = (pair[0] + .05) / (pair[1] + .05);
        if (ratio < 4.5) low.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
    }
    return [...new Set(low)];
}"""


def test_light_and_dark_can_be_read(open_page):
    grounds = []
    for scheme in ("light", "dark"):
        page = open_page(color_scheme=scheme)
        assert page.evaluate(CONTRAST) == [], scheme
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds.append(np.mean([int(part) for part in color[4:-1].split(",")]))
    assert grounds[0] > 200 and grounds[1] < 60


@pytest.mark.parametrize("how", ["no script", "print"])
def test_without_script_and_in_print_all_scenes_stand_there(open_page, how):
    page = open_page(java_script_enabled=how != "no script")
    if how == "print":
        page.emulate_media(media="print")
        assert shown(page) == [scene(number) for number in range(1, 7)]
    assert page.locator(f"{GALLERY} .scene:visible").count() == 6
    assert not page.is_visible(f"{GALLERY} .controls") and not page.is_visible(f"{GALLERY} .none")


def test_still_where_motion_is_unwelcome(open_page):
    behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
    assert open_page(reduced_motion="reduce").evaluate(behaviour) == "auto"
    assert open_page(reduced_motion="no-preference").evaluate(behaviour) == "smooth"
