"""The tools: cleaning, the address of a fork in every lesson, the table of lessons."""

import json
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from lessons import LESSONS, ROOT, numbers, shown_numbers

sys.path.insert(0, str(ROOT / "tools"))
import contents
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
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        assert f'REPOSITORY = "{URL}"' in code[0]
        assert not any("[![" in source for source in code)
        assert sum(cell.source.count("[![Open in") for cell in cells) == 2


def test_address_can_be_changed_and_taken_back(copies):
    tool.address("")
    before = {path.name: path.read_bytes() for path in copies.glob("*.ipynb")}
    tool.address(URL)
    tool.address("https://github.com/other/fork/")
    tool.address("")
    assert {path.name: path.read_bytes() for path in copies.glob("*.ipynb")} == before
    times = [path.stat().st_mtime_ns for path in copies.glob("*.ipynb")]
    tool.address("")  # nothing to write: a draft would seem too old
    assert [path.stat().st_mtime_ns for path in copies.glob("*.ipynb")] == times


def test_a_draft_is_not_written_over(copies, monkeypatch):
    monkeypatch.setattr(tool, "ROOT", copies)
    monkeypatch.setattr(tool, "DRAFTS", copies / "build")
    lesson = copies / LESSONS[0].name
    tool.draft(lesson)
    script = copies / "build" / f"{lesson.stem}.py"
    script.write_text("# edited")
    with pytest.raises(SystemExit, match="newer than the lesson"):
        tool.draft(lesson)
    assert script.read_text() == "# edited"
    later = script.stat().st_mtime + 10  # as after `build`
    os.utime(lesson, (later, later))
    tool.draft(lesson)
    assert script.read_text() != "# edited"


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
    for script in ("tools/slides.py", "tools/student.py run", "benchmarks/times.py"):
        command = [sys.executable, *script.split(), "77"]
        failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert failed.returncode and "77" in failed.stderr, script


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


def test_a_bar_that_stands_at_its_start_is_dropped_where_outputs_are_not_compared():
    bar = {"data": {"text/plain": "epoch:   0%|          | 0/10 [00:00<?, ?it/s]"}}
    outputs = [nbformat.v4.new_output("display_data", **bar), nbformat.v4.new_output("stream")]
    cells = [nbformat.v4.new_code_cell(outputs=outputs) for _ in range(2)]
    cells[0].metadata["tags"] = ["nbval-ignore-output"]
    clean = tool.clean(nbformat.v4.new_notebook(cells=cells))
    assert [len(cell.outputs) for cell in clean.cells] == [1, 2]


def test_cleaning_changes_nothing_in_a_clean_lesson():
    notebook = nbformat.read(LESSONS[0], as_version=4)
    before = nbformat.writes(notebook)
    assert nbformat.writes(tool.clean(notebook)) == before


def test_tables_map_and_seconds_are_made_of_what_is_recorded():
    said = (ROOT / "README.md").read_text(encoding="utf-8")
    assert contents.readme(said) == said, "run: python tools/contents.py"
    for path in LESSONS:
        assert contents.revised(path) == path.read_text(encoding="utf-8"), "the same"


def test_table_follows_the_records(tmp_path, monkeypatch):
    for name in ("signs", "fashion", "birds", "regularization", "cifar10", "times"):
        shutil.copy(ROOT / "benchmarks" / f"{name}.json", tmp_path)
    monkeypatch.setattr(contents, "BENCHMARKS", tmp_path)
    birds = contents.read(tmp_path / "birds.json")
    birds["experiments"]["conv"].update(test=[0.5, 0.6], parameters=1234, seconds=[1, 2, 30])
    (tmp_path / "birds.json").write_text(json.dumps(birds), encoding="utf-8")
    entries = {"00": {"seconds": 41.2}, "01": {"seconds": 131}, "02": {"seconds": 40}}
    slower = {"00": {"seconds": 62}, "01": {"seconds": 291}}
    times = {"cpu": entries, "cpu without bfloat16": slower, "gpu": {"01": {"seconds": 3}}}
    (tmp_path / "times.json").write_text(json.dumps(times), encoding="utf-8")
    assert contents.number("birds/conv/test") == "55.0 %"
    assert contents.number("birds/conv/parameters") == "1,234"
    assert contents.number("birds/conv/seconds") == "2"
    rows = contents.table().splitlines()
    assert " | 45 | 65 | not measured | " in rows[2] and " | 140 | 300 | 5 | " in rows[3]
    assert " | 40 | not measured | not measured | " in rows[4]
    assert 3 * " | not measured" + " | " in rows[5]
    assert "a convolutional network of 1,234 numbers gets 55.0 % right" in "\n".join(rows)
    box = contents.with_seconds(contents.box(LESSONS[1]), LESSONS[1])
    assert "about 140 seconds to run on 2 CPU cores. On a GPU: about 5 seconds." in box


def test_map_is_written_anew():
    text = f"## The map\n\n{contents.MAP_HEAD}| old | row |\n| one | more |\n\nAfter."
    assert contents.with_map(text) == f"## The map\n\n{contents.question_map()}\n\nAfter."
    assert contents.with_map("| name | what it is |") == "| name | what it is |"


def test_a_lesson_without_a_line_in_the_contents_is_named(copies, monkeypatch):
    monkeypatch.setattr(contents, "NOTEBOOKS", copies)
    shutil.copy(LESSONS[0], copies / "77_new.ipynb")
    with pytest.raises(SystemExit, match=r"contents\.json is about .*not .*'77'"):
        contents.text_of()


@pytest.mark.parametrize("wrong", ["birds/conv", "birds/none/test", "none/conv/test"])
def test_a_number_that_is_not_recorded_is_named(wrong):
    with pytest.raises(SystemExit, match=f"nothing is recorded as {{{wrong}}}"):
        contents.number(wrong)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_numbers_in_a_result_are_in_the_lesson_or_in_a_record(path):
    """What no benchmark records is asserted in the lesson or printed by it."""
    result = re.sub(r"\{.+?\}", "", contents.text_of()[path.stem[:2]]["result"])
    assert numbers(result) - shown_numbers(path) == set()


def test_a_lesson_that_needs_no_change_is_not_written(copies, monkeypatch, tmp_path):
    monkeypatch.setattr(contents, "NOTEBOOKS", copies)
    monkeypatch.setattr(contents, "README", tmp_path / "README.md")
    shutil.copy(ROOT / "README.md", tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in copies.glob("*.ipynb")}
    contents.main()
    assert {path.name: path.stat().st_mtime_ns for path in copies.glob("*.ipynb")} == before
