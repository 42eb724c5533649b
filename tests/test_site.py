"""The website, as its reader has it: built, served, and every page opened in a browser."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest
import torch
from lessons import LESSONS, ROOT, code_cells
from torch.nn import functional as F

from helpers.explorer import KERNELS, filtered

sys.path.insert(0, str(ROOT / "tools"))
import website as tool

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="the website's theme needs Python 3.11 or later"
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
LOOK = """() => ({
  links: [...document.querySelectorAll("a[href]")].map(a => a.href),
  ids: [...document.querySelectorAll("[id]")].map(e => e.id),
  pictures: [...document.querySelectorAll("img")].map(
    i => ({alt: i.alt, width: i.naturalWidth, path: i.src})),
  formulas: [...document.querySelectorAll(".math")].map(e => {
    const drawn = e.querySelector("mjx-container:not(:has(mjx-merror))");
    return drawn ? drawn.getBoundingClientRect().width : 0; }),
  wide: document.documentElement.scrollWidth,
})"""
DRAWN = "window.MathJax?.startup?.promise ?? true"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    assert tool.build(folder / "html", folder / "source") == 0, "a warning is an error: see above"
    return folder / "html"


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        reason = "needs Chromium: on Debian `apt-get install chromium`"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(folder):
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield context.new_page()
    context.close()


def complaints(page, home):
    """Give the list into which a page's errors and requests to other hosts will be written."""
    said = []
    left = "net::ERR_ABORTED"  # we went to the next page before the icon had come
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("requestfailed", lambda r: None if r.failure == left else said.append(r.url))
    own = (home, "data:", "blob:")
    page.on("request", lambda r: None if r.url.startswith(own) else said.append(f"asks {r.url}"))
    page.on("response", lambda r: said.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    return said


@pytest.fixture(scope="module")
def pages(browser, address, folder):
    """Open every page once, on a narrow screen, and note what is there: {name: notes}."""
    context = browser.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    said = complaints(page, address)
    found = {}
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith("_"):  # parts of the theme
            page.goto(address + name)
            page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            page.evaluate(DRAWN)
            found[name] = page.evaluate(LOOK) | {"said": list(said)}
            said.clear()
    context.close()
    return found


def lesson_page(number):
    return next(f"notebooks/{p.stem}.html" for p in LESSONS if p.name.startswith(number))


def test_has_a_page_for_each_lesson_and_text(pages):
    expected = {f"notebooks/{path.stem}.html" for path in LESSONS}
    expected |= {"index.html", "explorer.html", "README.html", "search.html", "api/index.html"}
    expected |= {f"{path.stem}.html" for path in ROOT.glob("*.md")}
    expected |= {"benchmarks/README.html", "data/README.html", "api/training.html"}
    assert expected <= set(pages)


def test_no_page_complains_or_asks_another_host(pages):
    assert {name: notes["said"] for name, notes in pages.items() if notes["said"]} == {}


def test_every_picture_is_there_and_has_a_text_alternative(pages):
    for name, notes in pages.items():
        for picture in notes["pictures"]:
            assert picture["width"] > 0 and len(picture["alt"]) >= 20, (name, picture)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_figures_of_a_lesson_keep_their_text_alternatives(pages, lesson):
    outputs = [output for cell in code_cells(lesson) for output in cell.outputs]
    figures = [o.metadata["image/png"]["alt"] for o in outputs if "image/png" in o.get("data", {})]
    shown = [picture["alt"] for picture in pages[f"notebooks/{lesson.stem}.html"]["pictures"]]
    assert shown == figures and len(shown) > 0


def test_formulas_are_drawn(pages):
    drawn = {name: notes["formulas"] for name, notes in pages.items() if notes["formulas"]}
    assert lesson_page("01") in drawn
    assert [name for name, widths in drawn.items() if min(widths) < 5] == []


def test_every_link_inside_leads_somewhere(pages, address, folder):
    for name, notes in pages.items():
        for link in notes["links"]:
            if link.startswith(address):
                path, anchor = urldefrag(unquote(link.removeprefix(address)))
                path = path.partition("?")[0] or "index.html"
                assert (folder / path).is_file(), (name, link)
                assert not anchor or anchor in pages[path]["ids"], (name, link)


def test_no_page_is_wider_than_a_phone(pages):
    assert {name: n["wide"] for name, n in pages.items() if n["wide"] > 390} == {}


def test_next_leads_through_all_lessons_in_order(page, address):
    page.goto(address + "index.html")
    seen = []
    while len(seen) <= len(LESSONS):  # and the explorer, after lesson 01
        page.click("a.right-next")
        seen.append(page.url.removeprefix(address))
    lessons = [f"notebooks/{path.stem}.html" for path in LESSONS]
    assert seen == [*lessons[:2], "explorer.html", *lessons[2:]]
    page.click("a.left-prev")
    assert page.url == address + seen[-2]


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds_a_lesson(page, address, folder, scheme):
    page.goto((address if scheme == "http" else f"{folder.as_uri()}/") + "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("sobel")
    page.keyboard.press("Enter")
    page.click("#search-results a:has-text('01 Filters and edges')")
    assert page.inner_text("h1").startswith("01 Filters and edges")


def test_dark_mode_is_dark_and_stays(page, address):
    def brightness():
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(int(part) for part in color.strip("rgb()").split(","))

    page.goto(address + lesson_page("00"))
    assert brightness() > 200
    page.get_by_label("Color mode").locator("visible=true").click()
    page.locator(".theme-change-button[data-mode=dark]:visible").click()
    assert brightness() < 60
    page.goto(address + "explorer.html")
    assert brightness() < 60


def test_solution_is_folded_and_opens_with_highlighted_code(page, address):
    page.goto(address + lesson_page("01"))
    solution = page.locator("details:has(> summary:text-is('Solution'))").first
    code = solution.locator(".highlight-python pre")
    assert not code.is_visible()
    solution.locator("summary").click()
    assert code.is_visible() and code.locator("span.k").first.inner_text() == "def"


def test_set_up_is_folded_and_code_has_a_copy_button(page, address):
    page.goto(address + lesson_page("02"))
    set_up = page.locator("details:has-text('REPOSITORY')")
    assert set_up.count() == 1 and not set_up.locator("pre").is_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell = page.locator(".cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.wait_for_function("navigator.clipboard.readText()").json_value()
    assert copied.strip() == code_cells(LESSONS[2])[1].source


def test_opens_from_the_disk_too(page, folder):
    home = folder.as_uri() + "/"
    said = complaints(page, home)
    for name in ("index.html", lesson_page("01"), "explorer.html"):
        page.goto(home + name)
        page.evaluate(DRAWN)
        assert said == [], name
    assert page.inner_text("#sum").endswith("= −350")


# The explorer


@pytest.fixture
def explorer(page, address):
    page.goto(address + "explorer.html")
    return page


def choose(page, kernel, stride, padding):
    for row in range(3):
        for column in range(3):
            cell = page.get_by_label(f"Kernel, row {row}, column {column}")
            cell.fill(str(kernel[row][column]))
    page.get_by_label("Stride").select_option(str(stride))
    page.get_by_label("Padding", exact=True).select_option(str(padding))


def torch_answer(picture, kernel, stride=1, padding=0):
    X, w = (torch.tensor(a, dtype=torch.float64)[None, None] for a in (picture, kernel))
    return F.conv2d(X, w, stride=stride, padding=padding)[0, 0].numpy()


def number(text):
    return float(text.strip(" ()").replace("−", "-"))


def test_explorer_computes_what_pytorch_stored(explorer):
    cases = json.loads((ROOT / "tests" / "explorer.json").read_text(encoding="utf-8"))
    assert {(c["stride"], c["padding"]) for c in cases} == {
        (s, p) for s in (1, 2, 3) for p in (0, 1, 2)
    }
    for case in cases:
        given = [case[name] for name in ("picture", "kernel", "stride", "padding")]
        computed = explorer.evaluate("a => explorer.conv2d(...a)", given)
        assert np.allclose(case["output"], torch_answer(*given), rtol=0, atol=1e-9)  # not stale
        assert np.shape(computed) == np.shape(case["output"])
        assert np.allclose(computed, case["output"], rtol=0, atol=1e-9), case


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_explorer_follows_its_inputs(explorer, stride, padding):
    kernel = np.random.default_rng(10 * stride + padding).normal(0, 2, (3, 3)).round(2)
    choose(explorer, kernel, stride, padding)
    expected = torch_answer(explorer.evaluate("PICTURE"), kernel, stride, padding)
    assert np.allclose(explorer.evaluate("explorer.state.output"), expected, rtol=0, atol=1e-9)
    rows, columns = expected.shape
    assert explorer.inner_text("#size").endswith(f"= {rows}, so {rows} × {columns} numbers")

    row, column = explorer.evaluate("[explorer.state.row, explorer.state.column]")
    place, products, total = explorer.inner_text("#sum").replace(":", "=").split("=")
    assert place.strip() == f"Row {row}, column {column}"
    assert abs(number(total) - expected[row, column]) < 1e-4
    written = [number(product) for product in products.split(" + ")]
    assert len(written) == 9 and abs(sum(written) - expected[row, column]) < 1e-3
    cells = [cell.split("=")[1] for cell in explorer.locator("#products td").all_inner_texts()]
    assert [number(cell) for cell in cells] == written


def test_explorer_follows_the_keyboard(explorer):
    def place():
        return tuple(explorer.evaluate("[explorer.state.row, explorer.state.column]"))

    row, column = place()
    explorer.get_by_label("Padding", exact=True).focus()
    for canvas in ("input", "output"):  # both are reached by tab
        explorer.keyboard.press("Tab")
        assert explorer.evaluate("document.activeElement.id") == canvas
    before = explorer.inner_text("#sum")
    explorer.keyboard.press("ArrowRight")
    explorer.keyboard.press("ArrowDown")
    assert place() == (row + 1, column + 1) and explorer.inner_text("#sum") != before
    explorer.keyboard.press("ArrowLeft")
    explorer.keyboard.press("ArrowUp")
    assert place() == (row, column) and explorer.inner_text("#sum") == before
    explorer.keyboard.press("End")
    explorer.keyboard.press("ArrowRight")  # there is nothing beyond the edge
    assert place() == (row, 45)
    explorer.get_by_label("Stride").select_option("3")  # the pointer stays inside
    assert place() == (15, 15)
    assert explorer.get_attribute("#sum", "aria-live") == "polite"


def test_explorer_follows_the_pointer(explorer):
    choose(explorer, np.eye(3), stride=2, padding=1)
    for canvas, cells, (row, column), expected in [
        ("output", 24, (5, 8), (5, 8)),
        ("input", 50, (11, 17), (5, 8)),  # the middle of the patch that begins at 10, 16
    ]:
        box = explorer.locator(f"#{canvas}").bounding_box()
        side = box["width"] / cells
        explorer.mouse.move(box["x"] + (column + 0.5) * side, box["y"] + (row + 0.5) * side)
        state = explorer.evaluate("[explorer.state.row, explorer.state.column]")
        assert tuple(state) == expected, canvas
        explorer.mouse.move(0, 0)


def test_explorer_has_the_kernels_of_the_lesson(explorer):
    assert explorer.evaluate("KERNELS") == KERNELS
    for name, kernel in KERNELS.items():
        explorer.get_by_label("A named kernel").select_option(name)
        assert np.allclose(explorer.evaluate("explorer.state.kernel"), kernel, atol=1e-4), name
    explorer.get_by_label("Kernel, row 1, column 1").fill("7")
    assert explorer.input_value("#preset") == "your own"


@pytest.mark.parametrize("name", ["unchanged", "sharpen", "all edges"])
def test_explorer_draws_as_the_lesson_does(explorer, name):
    """The canvas itself, cell by cell, beside `helpers.explorer.filtered`."""
    explorer.get_by_label("A named kernel").select_option(name)
    picture = np.array(explorer.evaluate("PICTURE"))
    drawn = explorer.evaluate("""() => {
        const canvas = document.getElementById("output");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return Array.from({length: 46}, (_, i) => Array.from({length: 46}, (_, j) =>
            pixels[4 * ((8 * i + 4) * canvas.width + 8 * j + 4)]));
    }""")
    kernel = np.array(KERNELS[name])
    expected = filtered(picture / 255, kernel)[1:-1, 1:-1].astype(int)
    if kernel.sum() == 0:  # there the scale is that of the strongest, borders left out
        response = torch_answer(picture, kernel)
        limit = np.percentile(np.abs(response), 99)
        expected = (127.5 + 127.5 * response / limit).clip(0, 255)
    difference = np.abs(np.array(drawn) - expected)
    row, column = explorer.evaluate("[explorer.state.row, explorer.state.column]")
    difference[row - 1 : row + 2, column - 1 : column + 2] = 0  # the frame is drawn over these
    assert difference.max() <= 1


def test_explorer_takes_an_empty_cell_as_0(explorer):
    explorer.get_by_label("Kernel, row 0, column 0").fill("")
    assert explorer.evaluate("explorer.state.kernel")[0] == [0, 0, 1]
    assert "An empty cell counts as 0." in explorer.inner_text("#kernel-sum")


# A fork's address


def test_address_of_a_fork_gives_buttons_and_no_badge(tmp_path):
    """A small site of one lesson, in which `make address` has written an address."""
    for name in ("site", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(LESSONS[1], tmp_path / "notebooks")
    for name in ("README.md", "data/README.md", "benchmarks/README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (
            "# ConvNets you can run\n\n## Start\n\n## The lessons\n\n## Run and test everything\n"
        )
        (tmp_path / name).write_text(text)
    url = "https://github.com/someone/a-fork"
    command = [sys.executable, tmp_path / "tools" / "lesson.py", "address", url]
    subprocess.run(command, check=True)
    subprocess.run([sys.executable, tmp_path / "tools" / "website.py"])  # it misses many pages
    html = (tmp_path / "build/site/notebooks" / f"{LESSONS[1].stem}.html").read_text()
    place = "someone/a-fork/blob/main/notebooks/01_filters_and_edges.ipynb"
    assert f"https://colab.research.google.com/github/{place}" in html and f'"{url}"' in html
    assert "colab-badge" not in html


def test_without_an_address_there_is_no_dead_button(folder):
    html = (folder / lesson_page("01")).read_text(encoding="utf-8")
    assert "colab.research.google" not in html and "github.com" not in html
