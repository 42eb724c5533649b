"""The website, as its reader has it: every page opened in a browser."""

import shutil
import subprocess
import sys
from urllib.parse import unquote, urldefrag

import pytest

from notebooks import LESSONS, ROOT, code_cells, find, heading, read, setup_cell

LOOK = """() => ({
  links: [...document.querySelectorAll("a[href]")].map(a => a.href),
  ids: [...document.querySelectorAll("[id]")].map(e => e.id),
  pictures: [...document.querySelectorAll("img")].map(
    i => ({alt: i.alt, width: i.naturalWidth, path: i.src})),
  formulas: [...document.querySelectorAll(".math")].map(e => {
    const drawn = e.querySelector("mjx-container:not(:has(mjx-merror))");
    return drawn ? drawn.getBoundingClientRect().width : 0; }),
  next: document.querySelector("a.right-next")?.href,
  wide: document.documentElement.scrollWidth,
})"""
DRAWN = "window.MathJax?.startup?.promise ?? true"


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


def lesson_page(topic):
    return f"notebooks/{find(topic).stem}.html"


def test_has_a_page_for_each_lesson_and_text(pages):
    expected = {f"notebooks/{path.stem}.html" for path in LESSONS}
    expected |= {"index.html", "explorer.html", "README.html", "search.html", "api/index.html"}
    expected |= {"net.html"}
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
    assert lesson_page("filters_and_edges") in drawn
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


def test_next_leads_through_all_lessons_in_order(pages, address):
    seen = ["index.html"]
    while len(seen) < len(LESSONS) + 2:  # the front page, and the explorer after its lesson
        seen.append(pages[seen[-1]]["next"].removeprefix(address))
    expected = ["index.html", *(f"notebooks/{path.stem}.html" for path in LESSONS)]
    expected.insert(expected.index(lesson_page("filters_and_edges")) + 1, "explorer.html")
    assert seen == expected


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_search_finds_a_lesson(page, address, folder, scheme):
    page.goto((address if scheme == "http" else f"{folder.as_uri()}/") + "index.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("sobel")
    page.keyboard.press("Enter")
    name = heading(find("filters_and_edges"))
    page.click(f"#search-results a:has-text('{name}')")
    assert page.inner_text("h1").startswith(name)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_set_up_is_left_out(folder, lesson):
    html = (folder / "notebooks" / f"{lesson.stem}.html").read_text(encoding="utf-8")
    assert setup_cell(read(lesson)).source[:20] not in html


def test_dark_mode_is_dark_and_stays(page, address):
    def brightness():
        color = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return max(int(part) for part in color.strip("rgb()").split(","))

    page.goto(address + lesson_page("start_here"))
    assert brightness() > 200
    page.get_by_label("Color mode").locator("visible=true").click()
    page.locator(".theme-change-button[data-mode=dark]:visible").click()
    assert brightness() < 60
    page.goto(address + "explorer.html")
    assert brightness() < 60


def test_solution_is_folded_and_opens_with_highlighted_code(page, address):
    page.goto(address + lesson_page("filters_and_edges"))
    solution = page.locator("details:has(> summary:text-is('Solution'))").first
    code = solution.locator(".highlight-python pre")
    assert not code.is_visible()
    solution.locator("summary").click()
    assert code.is_visible() and code.locator("span.k").first.inner_text() == "def"


def test_code_has_a_copy_button(page, address):
    page.goto(address + lesson_page("pooling"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cell = page.locator(".cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.wait_for_function("navigator.clipboard.readText()").json_value()
    assert copied.strip() == code_cells(find("pooling"))[1].source


def test_opens_from_the_disk_too(page, folder):
    home = folder.as_uri() + "/"
    said = complaints(page, home)
    for name in ("index.html", lesson_page("filters_and_edges"), "explorer.html"):
        page.goto(home + name)
        page.evaluate(DRAWN)
        assert said == [], name
    assert page.inner_text("#sum").endswith("= −350")


# A fork's address


def test_address_of_a_fork_gives_buttons_and_no_badge(tmp_path):
    """A small site of one lesson, in which `make address` has written an address."""
    for name in ("site", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    lesson = find("filters_and_edges")
    shutil.copy(lesson, tmp_path / "notebooks")
    for name in ("README.md", "data/README.md", "benchmarks/README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (
            "# ConvNets you can run\n\n## Start\n\n## The lessons\n\n## Run and test everything\n"
        )
        (tmp_path / name).write_text(text)
    url = "https://github.com/someone/a-fork"
    command = [sys.executable, tmp_path / "tools" / "lesson.py", "address", url]
    subprocess.run(command, check=True)
    # it misses many pages, so the whole program would keep the site that was there
    build = "import website; from pathlib import Path; "
    build += f"website.build(Path({str(tmp_path)!r}, 'built'), Path({str(tmp_path)!r}, 'source'))"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path / "tools")
    html = (tmp_path / "built/notebooks" / f"{lesson.stem}.html").read_text()
    place = f"someone/a-fork/blob/main/notebooks/{lesson.name}"
    assert f"https://colab.research.google.com/github/{place}" in html and f'"{url}"' in html
    assert "colab-badge" not in html


def test_without_an_address_there_is_no_dead_button(folder):
    html = (folder / lesson_page("filters_and_edges")).read_text(encoding="utf-8")
    assert "colab.research.google" not in html and "github.com" not in html
