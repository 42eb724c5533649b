"""The explorer in the page: its numbers are PyTorch's, and every input reaches them."""

import json

import numpy as np
import pytest
import torch
from lessons import ROOT
from torch.nn import functional as F

from helpers.lessons.filters import KERNELS, filtered


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
    """The canvas itself, cell by cell, beside `helpers.lessons.filters.filtered`."""
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
