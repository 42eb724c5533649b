"""What a teacher hands out: copies without solutions, whole, linked, and running."""

import json
import os
import re
import sys
import zipfile

import nbformat
import pytest
from lessons import LESSONS, ROOT, exercises, numbers, read, shown_numbers, tags

from helpers.sources.fetching import data_folder

sys.path.insert(0, str(ROOT / "tools"))
import contents
import student

EXECUTED = ("00", "01")  # the others: python tools/student.py run
all_lessons = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for students, as `make student` writes it."""
    target = tmp_path_factory.mktemp("class") / "student"
    student.write(target)
    return target


def copy_of(lesson, folder):
    notebook = nbformat.read(folder / lesson.name, as_version=4)
    nbformat.validate(notebook)
    return notebook


def text_of(notebook):
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@all_lessons
def test_copy_has_no_outputs_and_no_counts(lesson, folder):
    for cell in copy_of(lesson, folder).cells:
        assert cell.source
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@all_lessons
def test_copy_has_nothing_folded_and_speaks_of_no_solution(lesson, folder):
    text = text_of(copy_of(lesson, folder))
    assert not re.search(r"(?i)details>|summary>|solution|folded|stored answers", text)


@all_lessons
def test_no_code_of_a_solution_is_left(lesson, folder):
    raw = (folder / lesson.name).read_text(encoding="utf-8")
    assert len(exercises(lesson)) >= 3
    for exercise in exercises(lesson):
        assert json.dumps(exercise.solution.strip(), ensure_ascii=False)[1:-1] not in raw


@all_lessons
def test_copy_keeps_all_code_stubs_checks_and_tags(lesson, folder):
    code = [cell for cell in copy_of(lesson, folder).cells if cell.cell_type == "code"]
    original = [cell for cell in read(lesson).cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == [cell.source for cell in original]
    assert [tags(cell) for cell in code] == [tags(cell) for cell in original]


@all_lessons
def test_copy_keeps_the_text_around_the_solutions(lesson, folder):
    text = text_of(copy_of(lesson, folder))
    for cell in read(lesson).cells:
        if cell.cell_type == "markdown":
            outside = re.sub(r"<details>.*?</details>", "", cell.source, flags=re.S)
            outside = re.sub(r"(?m)^\[!\[Open in.*", "", outside)  # badges
            for paragraph in outside.split("\n\n"):
                kept = paragraph.strip().replace("](../", "](")
                for sentence in student.SENTENCES:
                    kept = kept.replace(sentence, "")
                assert kept in text


@all_lessons
def test_links_of_the_copy_lead_somewhere(lesson, folder):
    for target in re.findall(r"\]\(([^)#]+)", text_of(copy_of(lesson, folder))):
        assert target.startswith("https:") or (folder / target).exists(), target
        assert ".." not in target


def test_sentences_that_are_taken_out_are_there():
    text = "\n".join(cell.source for cell in read(LESSONS[0]).cells)
    assert [sentence for sentence in student.SENTENCES if sentence not in text] == []


def test_badges_are_taken_out():
    badge = "[![Open in Colab](https://x/badge.svg)](https://y/blob/main/notebooks/00.ipynb)"
    assert student.without_solutions(f"# Title\n\n{badge}\n\nText") == "# Title\n\nText"


def test_folder_has_what_the_lessons_need_and_no_more(folder):
    names = {path.name for path in folder.iterdir()}
    assert names - {lesson.name for lesson in LESSONS} == {
        *("README.md", "LICENSE", "requirements.txt", "helpers", "benchmarks", "data")
    }
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "{" not in readme and all(f"]({lesson.name})" in readme for lesson in LESSONS)
    assert [path for path in folder.rglob("*") if path.name == "__pycache__"] == []
    packages = (folder / "requirements.txt").read_text(encoding="utf-8")
    assert "jupyterlab" in packages and "pytest" not in packages and "-e" not in packages
    with zipfile.ZipFile(f"{folder}.zip") as archive:
        assert f"student/{LESSONS[0].name}" in archive.namelist()


@pytest.mark.parametrize(
    "lesson", [path for path in LESSONS if path.stem[:2] in EXECUTED], ids=lambda path: path.stem
)
def test_copy_runs_to_its_end(lesson, folder, monkeypatch):
    monkeypatch.setenv("CNN_DATA", str(data_folder()))
    monkeypatch.delenv("PYTHONPATH", raising=False)  # nothing but the folder itself
    for host in ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(host, raising=False)
    copy = copy_of(lesson, folder)
    copy.cells.append(nbformat.v4.new_code_cell("import helpers; print(helpers.__file__)"))
    place = folder / f"run_{lesson.name}"
    nbformat.write(copy, place)
    done = student.execute(place)
    place.unlink()
    printed = "".join(o.get("text", "") for c in done.cells for o in c.get("outputs", []))
    assert printed.strip().endswith(f"{folder}{os.sep}helpers{os.sep}__init__.py")
    assert printed.count("not attempted yet") == len(exercises(lesson))


def teaching(lesson):
    """The section of TEACHING.md about a lesson."""
    text = (ROOT / "TEACHING.md").read_text(encoding="utf-8").split("## The lessons\n")[1]
    sections = dict(part.strip().split("\n", 1) for part in text.split("### ")[1:])
    return sections[contents.title(lesson)]


@all_lessons
def test_teaching_has_a_section_in_the_common_form(lesson):
    section = teaching(lesson)
    parts = re.findall(r"^\*\*([^*]+)\*\*[:,]", section, re.M)
    assert parts == ["Time", "Prepare", "Its checks catch", "Ask, then run", "Go slowly at"]
    assert f"**Time**: {contents.minutes(lesson)} minutes.\n" in section
    assert section.count("\n- ") >= 3


@all_lessons
def test_teaching_names_every_exercise(lesson):
    catch = teaching(lesson).split("**Its checks catch**")[1].split("**Ask")[0]
    assert re.findall(r"\(`(\w+)`\)", catch) == sorted(
        (exercise.name for exercise in exercises(lesson)), key=catch.index
    )


@all_lessons
def test_numbers_in_teaching_are_in_the_lesson(lesson):
    asked = teaching(lesson).split("**Ask, then run**")[1].split("**Go slowly")[0]
    assert numbers(asked) - shown_numbers(lesson) == set()
