"""What a teacher hands out: copies without solutions, whole, linked, and running."""

import json
import os
import re
import shutil
import zipfile

import nbformat
import pytest

import student
from helpers.sources.fetching import data_folder
from notebooks import (
    LESSONS,
    ROOT,
    exercises,
    find,
    heading,
    minutes,
    numbers,
    read,
    shown_numbers,
    tags,
    unfolded,
)

EXECUTED = ("start_here", "filters_and_edges")  # the others: python tools/student.py run
SOLVED = ("when_it_does_not_learn",)  # the others: python tools/student.py solved
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
        *("README.md", "LICENSE", "requirements.txt", student.MADE),
        *("helpers", "examples", "benchmarks", "data"),
    }
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "{" not in readme and all(f"]({lesson.name})" in readme for lesson in LESSONS)
    assert [path for path in folder.rglob("*") if path.name == "__pycache__"] == []
    packages = (folder / "requirements.txt").read_text(encoding="utf-8")
    assert "jupyterlab" in packages and "pytest" not in packages and "-e" not in packages
    with zipfile.ZipFile(f"{folder}.zip") as archive:
        packed = set(archive.namelist())
    assert f"student/{LESSONS[0].name}" in packed and f"student/{student.MADE}" not in packed
    assert {"student/helpers/__init__.py", "student/helpers/convnets.mplstyle"} <= packed


def test_only_its_own_copies_are_replaced_and_no_secrets_handed_out(tmp_path, monkeypatch):
    root = tmp_path / "project"
    for name in ("helpers", "examples", "data", "benchmarks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*bin*", "*MNIST*"))
    for name in (".env", "settings.env", "notes.txt", "__pycache__/a.py", ".secret/a.py"):
        (root / "helpers" / name).parent.mkdir(exist_ok=True)
        (root / "helpers" / name).write_text("token")
    shutil.copy(ROOT / "LICENSE", root), shutil.copy(ROOT / "requirements.txt", root)
    monkeypatch.setattr(student, "ROOT", root)
    monkeypatch.setattr(student, "LESSONS", LESSONS[:1])
    target = tmp_path / "build" / "student"
    (worked_on,) = student.write(target)
    assert not any("token" == f.read_text(errors="replace") for f in target.rglob("*.*"))
    student.write(target)
    worked_on.write_text("a solution")
    before = {path: path.read_bytes() for path in target.parent.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match=f"{worked_on.name} in it is not what was made here"):
        student.write(target)
    assert {p: p.read_bytes() for p in target.parent.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("text", "rest", "folded"),
    [
        ("a\n\n<details open><summary>Solution</summary>\nx\n</details>", "a", ["\nx\n"]),
        ("a <DETAILS class='x'>\n<summary>S</summary>x</Details> b", "a  b", ["x"]),
        ("<details>x<details>y</details>z</details>b", "b", ["x<details>y</details>z"]),
        ("a<details>never closed", "a", ["never closed"]),
        ("a</details>b<details></details>c", "a</details>bc", [""]),
        ("nothing", "nothing", []),
    ],
)
def test_folded_parts_of_every_form_are_found(text, rest, folded):
    assert unfolded(text) == (rest, folded)


@pytest.mark.parametrize("lesson", [*map(find, EXECUTED)], ids=lambda path: path.stem)
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


@pytest.mark.parametrize("lesson", [*map(find, SOLVED)], ids=lambda path: path.stem)
def test_lesson_goes_on_with_the_solutions(lesson):
    assert "is yours.\n" in student.execute_solved(lesson)


def teaching(lesson):
    """The section of TEACHING.md about a lesson."""
    text = (ROOT / "TEACHING.md").read_text(encoding="utf-8").split("## The lessons\n")[1]
    sections = dict(part.strip().split("\n", 1) for part in text.split("### ")[1:])
    return sections[heading(lesson)]


@all_lessons
def test_teaching_has_a_section_in_the_common_form(lesson):
    section = teaching(lesson)
    parts = re.findall(r"^\*\*([^*]+)\*\*[:,]", section, re.M)
    form = ["Time", "Prepare", "Its checks catch", "Ask, then run", "Go slowly at"]
    assert parts in (form, [*form, "If time is left"]) and "…" not in section
    assert f"**Time**: {minutes(read(lesson))} minutes" in section
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
