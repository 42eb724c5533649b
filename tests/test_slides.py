"""The slides: what they show, and that a browser without network shows them whole."""

import re

import pytest

import slides
from notebooks import LESSONS, code_cells, markdown, read

all_lessons = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
# what sticks out of the screen, on the slide that is shown
CUT_OFF = """() => {
  const page = document.querySelector("section.present section.present .page");
  const shown = [...page.querySelectorAll("*")].filter((e) => !e.closest(".scroll, .notes"));
  const boxes = shown.map((e) => [e, e.getBoundingClientRect()]).filter(([, box]) => box.width);
  return boxes.filter(([, box]) => box.right > 1281 || box.bottom > 721).map(([e]) => e.outerHTML);
}"""


def words(text):
    return re.sub(r"\W+", " ", re.sub(r"<[^>]+>|&[#\w]+;", " ", text)).split()


@all_lessons
def test_deck_shows_every_section_and_figure(lesson):
    deck = slides.deck(lesson)
    headings = [h for h in re.findall(r"(?m)^## (.+)", markdown(lesson))]
    shown = re.findall(r"<h2[^>]*>(.*?)</h2>", deck)
    expected = [h for h in headings if f"## {h}" != slides.LEFT_OUT]
    assert [words(h) for h in shown] == [words(h.replace("`", "")) for h in expected]
    figures = re.findall(r'<img alt="([^"]+)" src="data:image/png', deck)
    stored = [o for c in code_cells(lesson) for o in c.outputs if "image/png" in o.get("data", {})]
    assert len(figures) == len(stored) >= 3


@all_lessons
def test_deck_leaves_out_what_is_for_readers_only(lesson):
    deck = slides.deck(lesson)
    assert "YOUR-COPY" not in deck and slides.LEFT_OUT[3:] not in deck
    assert "Solution" not in deck and "<details>" not in deck and "it/s]" not in deck
    folded = [cell for cell in read(lesson).cells if "<details>" in cell.source]
    assert deck.count('<aside class="notes">') == len(folded)  # the answers of a cell are one note
    assert "Traceback (most" not in deck and "File " not in deck.split("</style>")[1]


@all_lessons
def test_deck_loads_nothing_from_elsewhere(lesson):
    deck = slides.deck(lesson)
    loaded = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', deck)
    assert loaded and all(place.startswith(("data:", "library/")) for place in loaded)


def test_text_is_cut_into_blocks_between_which_a_page_may_break():
    source = (
        "One\nline.\n\n- a\n  more\n- b\n\n```python\nx = 1\n\ny = 2\n```\n\n| a |\n|---|\n| b |"
    )
    blocks = slides.text_blocks(source)
    assert [words(block) for block in blocks] == [
        ["One", "line"],
        ["a", "more"],
        ["b"],
        ["x", "1", "y", "2"],
        ["a", "b"],
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("slides")
    slides.write(LESSONS, target)
    return target


@pytest.fixture
def opened(browser, folder):
    """Open a deck at 1280 × 720; afterwards nothing may have been loaded or complained of."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page, loaded, complaints = context.new_page(), [], []
    page.on("request", lambda request: loaded.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def open_deck(lesson):
        page.goto((folder / f"{lesson.stem}.html").as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()")
        return page

    yield open_deck
    context.close()
    assert [url for url in loaded if not url.startswith(("file:", "data:"))] == []
    assert complaints == []


@all_lessons
def test_every_slide_fits_on_the_screen(lesson, opened):
    page = opened(lesson)
    assert page.evaluate(CUT_OFF) == []
    slides_shown = 1
    while not page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
        page.keyboard.press("Space")  # the next output, or the next slide
        assert page.evaluate(CUT_OFF) == []
        slides_shown += 1
    assert slides_shown >= page.evaluate("Reveal.getTotalSlides()") >= 20
    scrolled = page.evaluate(
        "[...document.querySelectorAll('.scroll')].every((e) => e.matches('pre'))"
    )
    assert scrolled  # nothing but code longer than a screen


@all_lessons
def test_arrows_lead_through_the_sections(lesson, opened):
    page = opened(lesson)
    sections = page.evaluate("Reveal.getHorizontalSlides().length")
    for k in range(1, sections):
        while page.evaluate("Reveal.getIndices().h") < k:
            page.keyboard.press("ArrowRight")  # an output that is still hidden comes first
    assert page.evaluate("Reveal.getIndices().h") == sections - 1
    assert "In short" in page.inner_text("section.present section.present")


def test_formulas_are_drawn(opened):
    lesson = next(path for path in LESSONS if "$$" in markdown(path))
    page = opened(lesson)
    formulas = len(re.findall(r"\$\$[^$]+\$\$|\$[^$\n]+\$", markdown(lesson)))
    assert page.locator("mjx-container svg").count() == formulas >= 5
    assert "$" not in page.evaluate(
        "[...document.querySelectorAll('.page p')].map((e) => e.textContent).join()"
    )


def test_an_output_waits_for_a_key(opened):
    page = opened(LESSONS[0])
    fragments = page.locator(".fragment pre.output, .fragment img")
    assert fragments.count() >= 5
    page.evaluate(
        "Reveal.slide(...Object.values(Reveal.getIndices("
        "document.querySelector('.fragment').closest('section'))).slice(0, 2))"
    )
    waiting = page.locator("section.present section.present .fragment").first
    assert waiting.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('section.present .fragment.visible')")


def test_solutions_are_in_the_notes(opened):
    page = opened(LESSONS[0])
    notes = page.locator("section section aside.notes").all_text_contents()
    assert any("w - lr * gradient" in note for note in notes)
    shown = page.locator(".page > div:not(:has(.notes))").all_text_contents()
    assert not any("w - lr * gradient" in text for text in shown)
