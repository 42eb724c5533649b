"""tools/lesson.py: cleaning, and the address of a fork in every lesson."""

import re
import shutil
import sys

import nbformat
import pytest
from lessons import LESSONS, ROOT

sys.path.insert(0, str(ROOT / "tools"))
import lesson as tool

URL = "https://github.com/someone/a-fork"


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """Copies of the lessons, on which the tool works."""
    for path in LESSONS:
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    return tmp_path


def test_address_is_written_into_badges_and_setup_cell(copies):
    tool.address(URL + ".git")
    for path in sorted(copies.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        page = f"{URL}/blob/main/notebooks/{path.name}"
        colab = page.replace("github.com", "colab.research.google.com/github", 1)
        assert f"]({colab})" in cells[0].source
        assert f"](https://kaggle.com/kernels/welcome?src={page})" in cells[0].source
        setup = next(cell.source for cell in cells if cell.cell_type == "code")
        assert f'REPOSITORY = "{URL}"' in setup


def test_address_can_be_changed_and_taken_back(copies):
    before = {path.name: path.read_bytes() for path in copies.glob("*.ipynb")}
    tool.address(URL)
    tool.address("https://github.com/other/fork/")
    tool.address("")
    assert {path.name: path.read_bytes() for path in copies.glob("*.ipynb")} == before


def test_no_badge_stands_without_an_address():
    for path in LESSONS:
        title, *others = nbformat.read(path, as_version=4).cells
        setup = next(cell.source for cell in others if cell.cell_type == "code")
        address = re.search(r'^REPOSITORY = "(.*?)"', setup, re.M).group(1)
        assert title.source.count("[![Open in") == (2 if address else 0)


@pytest.mark.parametrize("wrong", ["github.com/a/b", "https://github.com/a", "https://x.org/a/b"])
def test_address_of_another_form_is_refused(copies, wrong):
    with pytest.raises(SystemExit, match="of the form https://github"):
        tool.address(wrong)


def test_an_unknown_lesson_is_named(copies):
    with pytest.raises(SystemExit, match="'77' names 0 lessons; there are: 00_start_here"):
        tool.find("77")


def test_cleaning_keeps_tags_and_outputs_and_drops_the_machine():
    cell = nbformat.v4.new_code_cell("1 / 0", execution_count=1)
    cell.metadata.update(tags=["raises-exception"], collapsed=True)
    place = f"{sys.prefix}/lib/python3.12/site-packages/torch/nn/modules/module.py:1"
    cell.outputs = [
        nbformat.v4.new_output("error", ename="E", evalue="v", traceback=[f"File {place}"]),
        nbformat.v4.new_output("display_data", data={tool.WIDGET: {}, "text/plain": "Figure"}),
        nbformat.v4.new_output("stream", text=f"{ROOT}/data is whole"),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}, "x": 1})
    clean = tool.clean(notebook)
    assert set(clean.metadata) == {"kernelspec", "language_info"}
    assert clean.cells[0].metadata == {"tags": ["raises-exception"]}
    error, figure, stream = clean.cells[0].outputs
    assert error.traceback == ["File torch/nn/modules/module.py:1"]
    assert figure.data == {"text/plain": "Figure"}
    assert stream.text == "data is whole"


def test_cleaning_changes_nothing_in_a_clean_lesson():
    notebook = nbformat.read(LESSONS[0], as_version=4)
    before = nbformat.writes(notebook)
    assert nbformat.writes(tool.clean(notebook)) == before
