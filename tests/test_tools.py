"""The tools: drafts, building, cleaning, what is made from the lessons, a lesson put in between."""

import io
import json
import re
import runpy
import shutil
import subprocess
import sys
from contextlib import redirect_stdout

import nbformat
import pytest

import contents
import lesson as tool
import slides
import student
from notebooks import (
    LESSONS,
    NOTEBOOKS,
    ROOT,
    address,
    find,
    heading,
    numbers,
    read,
    shown_numbers,
    topic,
)

URL = "https://github.com/someone/a-fork"
COPIED = "notebooks helpers examples data benchmarks site tests tools pictures".split()
SMALL = """\
from IPython.display import Image

x = 6 * 7
print(x)
Image("../pictures/pooling.png")
"""


class Project:
    """A copy of this project, on which its own tools work, each as a program."""

    def __init__(self, root):
        self.root = root
        heavy = shutil.ignore_patterns("__pycache__", "MNIST", "*MNIST", "*bin*", "*SIGNS*")
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=heavy)
        for pattern in ("*.md", "*.toml", "requirements.txt", "LICENSE", "Makefile"):
            for path in ROOT.glob(pattern):
                shutil.copy(path, root)

    def run(self, *arguments, tool="lesson", fails=False):
        """Run a tool of the copy as a program, but in this process; give what it said."""
        names = [path.stem for path in (ROOT / "tools").glob("*.py")]
        ours = {name: sys.modules.pop(name) for name in names if name in sys.modules}
        script, said, code = self.root / "tools" / f"{tool}.py", io.StringIO(), 0
        try:
            with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
                patch.setattr(sys, "argv", [str(script), *arguments])
                patch.setattr(sys, "stderr", said)
                patch.syspath_prepend(script.parent)
                patch.chdir(self.root)
                runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            code = end.code
            said.write(f"{code}\n" if isinstance(code, str) else "")
        finally:
            for name in names:
                sys.modules.pop(name, None)
            sys.modules.update(ours)
        assert bool(code) == fails, said.getvalue()
        return said.getvalue()

    def files(self):
        """Give all files but caches and what git ignores: {place: bytes}."""
        found = {p.relative_to(self.root).as_posix(): p for p in self.root.rglob("*")}
        ours = {name: p for name, p in found.items() if p.is_file() and name[:5] != "build"}
        return {n: p.read_bytes() for n, p in ours.items() if "cache" not in n and n[:4] != ".git"}

    def texts(self):
        """Give the texts in which lessons may be named; of lessons what their authors write."""
        found = {}
        for name, content in self.files().items():
            if name.endswith((".md", ".py", ".toml")) or name == "Makefile":
                found[name] = content.decode()
            elif name.endswith(".ipynb"):
                notebook = nbformat.reads(content.decode(), as_version=4)
                found[name] = "\n\n".join(cell.source for cell in notebook.cells)
        return found

    def lesson(self, name):
        (path,) = self.root.glob(f"notebooks/*{name}.ipynb")
        return path

    def change(self, lesson, old, new):
        """Change a lesson's text as an author does in JupyterLab."""
        text = lesson.read_text(encoding="utf-8")
        assert old in text
        lesson.write_text(text.replace(old, new, 1), encoding="utf-8")

    def reduce(self, lesson):
        """Leave a lesson's box, setup cell and last cell, and one cell that runs at once."""
        notebook = nbformat.read(lesson, as_version=4)
        small = nbformat.v4.new_code_cell(SMALL)
        notebook.cells = [*notebook.cells[:3], small, notebook.cells[-1]]
        nbformat.write(notebook, lesson)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


# ---------------------------------------------------------------- a fork's address


def test_address_is_written_into_badges_and_setup_cell(project):
    before = project.files()
    project.run("address", URL + ".git")
    for path in sorted(project.root.glob("notebooks/*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        page = f"{URL}/blob/main/notebooks/{path.name}"
        colab = page.replace("github.com", "colab.research.google.com/github", 1)
        assert f"]({colab})" in cells[0].source
        assert f"](https://kaggle.com/kernels/welcome?src={page})" in cells[0].source
        assert sum(cell.source.count("[![Open in") for cell in cells) == 2
        code = [cell.source for cell in cells if cell.cell_type == "code"]
        assert URL in code[0] and not any(URL in source for source in code[1:])
    project.run("address", "https://github.com/other/fork/")
    project.run("address", "")
    assert project.files() == before


def test_no_badge_stands_without_an_address():
    for path in LESSONS:
        assert read(path).cells[0].source.count("[![Open in") == (2 if address() else 0)


@pytest.mark.parametrize(
    "wrong",
    ["github.com/a/b", "https://github.com/a", "https://x.org/a/b"]
    + [f"https://github.com/{name}" for name in ("../..", "a/.", "./b", "a/b/c", "a//b", "a/b?x")],
)
def test_address_of_another_form_is_refused(wrong):
    with pytest.raises(SystemExit, match="of the form https://github"):
        tool.address(wrong)


def test_help_helps_and_a_wrong_argument_is_refused(project):
    """In one sentence and without doing the work."""
    before = project.files()
    for name in ("contents", "lesson", "slides", "student", "website"):
        said = project.run("--help", tool=name)
        assert "usage: " in said and said.count("\n") > 5
        said = project.run("rnu", tool=name, fails=True)
        assert "error: " in said or "is no lesson" in said
    assert project.files() == before and not (project.root / "build").exists()


# ---------------------------------------------------------------- drafts and building


def test_an_unknown_lesson_is_named():
    with pytest.raises(SystemExit, match=f"'77' is no lesson; there are: {LESSONS[0].stem}"):
        find("77")
    for command in (lambda: slides.main(["77"]), lambda: student.main(["run", "77"])):
        with pytest.raises(SystemExit, match="'77' is no lesson"):
            command()


def test_a_draft_becomes_the_lesson_and_what_is_edited_is_kept(project):
    """One lesson, one draft, and every order of editing them."""
    lesson = project.lesson("pooling")
    project.reduce(lesson)
    script = project.root / "build" / f"{lesson.stem}.py"
    project.run("draft", "pooling")
    first = script.read_text(encoding="utf-8")
    assert "x = 6 * 7" in first and "question: How does" in first

    # edited: it is not written over, and taken over
    edited = first.replace("6 * 7", "6*8").replace("question: How does", "question: How can")
    script.write_text(edited, encoding="utf-8")
    assert "is edited" in project.run("draft", "pooling", fails=True)
    assert script.read_text(encoding="utf-8") == edited
    project.run("build", "pooling")
    notebook = nbformat.read(lesson, as_version=4)
    assert notebook.cells[2] == read(find("pooling")).cells[2]  # a %pip stays one
    assert "x = 6 * 8" in notebook.cells[3].source and notebook.cells[3].outputs[0].text == "48\n"
    assert notebook.metadata["convnets"]["question"].startswith("How can")
    assert "How can a network make" in project.lesson("start_here").read_text(encoding="utf-8")
    picture = (project.root / "pictures" / "pooling.png").read_bytes()
    assert picture == (ROOT / "pictures" / "pooling.png").read_bytes()

    # the same draft, edited once more: nothing stands against it
    script.write_text(edited.replace("6*8", "6*9"), encoding="utf-8")
    project.run("build", "pooling")
    assert "x = 6 * 9" in lesson.read_text(encoding="utf-8")

    # the lesson is edited, the draft is not: the lesson is built as it is
    project.change(lesson, "6 * 9", "6 * 5")
    project.run("build", "pooling")
    assert "x = 6 * 5" in lesson.read_text(encoding="utf-8")

    # both are edited: refused, whatever the times of the files say
    both = edited.replace("6*8", "6*3")
    script.write_text(both, encoding="utf-8")
    before = lesson.read_bytes()
    lesson.touch()
    said = project.run("build", "pooling", fails=True)
    assert f"build/{script.name} and notebooks/{lesson.name} are both edited" in said
    assert lesson.read_bytes() == before and script.read_text(encoding="utf-8") == both
    project.run("build", "pooling", "--force")
    assert "x = 6 * 3" in lesson.read_text(encoding="utf-8")

    # a draft of which nothing is known counts as edited, beside a lesson that is, too
    (project.root / "build" / "drafts.json").unlink()
    assert "both edited" in project.run("build", "pooling", fails=True)
    assert "is edited" in project.run("draft", "pooling", fails=True)
    project.run("draft", "pooling", "--force")
    assert "x = 6 * 3" in script.read_text(encoding="utf-8")


def test_cleaning_keeps_tags_and_outputs_and_drops_the_machine():
    cell = nbformat.v4.new_code_cell("1 / 0", execution_count=1)
    cell.metadata.update(tags=["raises-exception"], collapsed=True)
    cell.metadata.update(jupyter={"source_hidden": True, "outputs_hidden": True}, cellView="form")
    place = f"{sys.prefix}/lib/python3.12/site-packages/torch/nn/modules/module.py:1"
    cell.outputs = [
        nbformat.v4.new_output("error", ename="E", evalue="v", traceback=[f"File {place}"]),
        nbformat.v4.new_output("display_data", data={tool.WIDGET: {}, "text/plain": "Figure"}),
        nbformat.v4.new_output("stream", text=f"{ROOT}/data is whole"),
    ]
    metadata = {"widgets": {}, "x": 1, "convnets": {"question": "Why?"}}
    clean = tool.clean(nbformat.v4.new_notebook(cells=[cell], metadata=metadata))
    assert set(clean.metadata) == {"convnets", "kernelspec", "language_info"}
    assert clean.metadata["convnets"] == {"question": "Why?"}
    hidden = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    assert clean.cells[0].metadata == {"tags": ["raises-exception"], **hidden}
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


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_cleaning_changes_nothing_in_a_clean_lesson(path):
    notebook = nbformat.read(path, as_version=4)
    assert nbformat.writes(tool.clean(notebook)) + "\n" == path.read_text(encoding="utf-8")


# ---------------------------------------------------------------- what is made from the lessons


def test_everything_is_made_from_the_lessons():
    files = contents.texts()
    made = contents.made(files)
    assert [place for place in files if made[place] != files[place]] == [], "run: make contents"


def test_table_follows_the_records(tmp_path, monkeypatch):
    for path in contents.RECORDED.glob("*.json"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(contents, "RECORDED", tmp_path)
    birds = json.loads((tmp_path / "birds.json").read_text(encoding="utf-8"))
    birds["experiments"]["conv"].update(test=[0.5, 0.6], parameters=1234, seconds=[1, 2, 30])
    (tmp_path / "birds.json").write_text(json.dumps(birds), encoding="utf-8")
    measured = {
        "start_here": 41.2,
        "filters_and_edges": 131,
        "pooling": 40,
        "start_here 32 bits": 62,
    }
    measured |= {"filters_and_edges 32 bits": 291, "filters_and_edges cuda": 3}
    machine = {"device": "NVIDIA H100 80GB HBM3"}
    entries = {n: {"seconds": [s], "machine": machine} for n, s in measured.items()}
    times = {"schema": 2, "experiments": entries}
    (tmp_path / "times.json").write_text(json.dumps(times), encoding="utf-8")
    assert contents.number("birds/conv/test") == "55.0 %"
    assert contents.number("birds/conv/parameters") == "1,234"
    assert contents.number("birds/conv/seconds") == "2"
    rows = contents.table(contents.lessons(contents.texts())).splitlines()
    row = {key: next(row for row in rows if f"_{key}.ipynb" in row) for key in map(topic, LESSONS)}
    assert " | 45 | 65 | – | " in row["start_here"]
    assert " | 140 | 300 | 5 | " in row["filters_and_edges"]
    assert " | 40 | – | – | " in row["pooling"] and 3 * " | –" + " | " in row["signs_dataset"]
    assert rows[0].count("|") == rows[1].count("|") == 8 and "| on a GPU |" in rows[0]
    assert "network of 1,234 numbers gets 55.0 % right" in row["birds_and_airplanes"]
    box = contents.with_seconds(
        read(find("filters_and_edges")).cells[1].source, "filters_and_edges"
    )
    assert (
        "about 140 seconds to run on 2 CPU cores. On a GPU (NVIDIA H100): about 5 seconds." in box
    )
    without = {n: entry for n, entry in entries.items() if not n.endswith(" cuda")}
    (tmp_path / "times.json").write_text(json.dumps({**times, "experiments": without}))
    head = contents.table(contents.lessons(contents.texts())).splitlines()[0]
    assert "without bfloat16" in head and "GPU" not in head
    assert contents.with_seconds(box, "filters_and_edges").endswith("on 2 CPU cores.")


@pytest.mark.parametrize("wrong", ["birds/conv", "birds/none/test", "none/conv/test"])
def test_a_number_that_is_not_recorded_is_named(wrong):
    with pytest.raises(SystemExit, match=f"nothing is recorded as {{{wrong}}}"):
        contents.number(wrong)


def test_a_record_of_another_schema_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "RECORDED", tmp_path)
    (tmp_path / "birds.json").write_text('{"runs": {}}')
    with pytest.raises(SystemExit, match=r"recorded/birds\.json is not of schema 2"):
        contents.number("birds/conv/test")


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_numbers_in_a_result_are_in_the_lesson_or_in_a_record(path):
    """What no benchmark records is asserted in the lesson or printed by it."""
    result = re.sub(r"\{.+?\}", "", read(path).metadata["convnets"]["result"])
    assert numbers(result) - shown_numbers(path) == set()


def test_a_lesson_without_facts_is_named(project):
    lesson = project.lesson("pooling")
    notebook = nbformat.read(lesson, as_version=4)
    del notebook.metadata["convnets"]["learn"]
    nbformat.write(notebook, lesson)
    before = project.files()
    said = project.run(tool="contents", fails=True)
    assert said == f'notebooks/{lesson.name}: metadata "convnets" lack learn\n'
    assert project.files() == before


def test_a_new_title_reaches_every_place_by_one_command(project):
    """A word of its own, and several that stand in other files without a number, too."""
    old = {"pooling": "Pooling", "birds_and_airplanes": "Birds and airplanes"}
    new = {"pooling": "Smaller pictures", "birds_and_airplanes": "Birds and airplanes, apart"}
    (project.root / "benchmarks" / "note.py").write_text('"""Of the lesson "Pooling"."""\n')
    for name, title in old.items():
        project.change(project.lesson(name), f'"# {title}', f'"# {new[name]}')
    names = {name: heading(find(name)) for name in old}
    before = project.files()
    project.run(tool="contents")
    texts, after = project.texts(), project.files()
    for name, nn in ((name, names[name][:2]) for name in old):
        for place, text in texts.items():
            if not place.startswith(("tests/", "tools/")):
                assert not re.search(rf"{nn} {old[name]}(?!, apart)", text), place
                assert not re.search(r"Birds and airplanes(?!, apart)", text), place
        row = f"[{nn} {new[name]}](notebooks/{project.lesson(name).name})"
        assert row in texts["README.md"]
        assert f"### {nn} {new[name]}\n" in texts["TEACHING.md"]
    assert texts["benchmarks/note.py"] == '"""Of the lesson "Smaller pictures"."""\n'
    assert "Next: [02 Smaller pictures]" in texts[f"notebooks/{find('filters_and_edges').name}"]
    assert f"- {old['pooling']}" not in texts["README.md"]
    changed = {place for place in before if after[place] != before[place]}
    assert {"README.md", "TEACHING.md", f"notebooks/{find('start_here').name}"} < changed
    assert project.run(tool="contents") == "Made from the lessons: nothing has changed\n"


# ---------------------------------------------------------------- a lesson put in between


def links(project):
    """Give the links that lead nowhere: (file, target)."""
    wrong = []
    for place, text in project.texts().items():
        if place.endswith((".md", ".ipynb")) and place != "tools/student_readme.md":
            for target in re.findall(r"(?<!`)\]\(([^)#\s]+)", text):
                places = [(project.root / place).parent / target]
                places += [project.root / target] * place.startswith("site/")  # they move up
                if not target.startswith("http") and not any(p.exists() for p in places):
                    wrong.append((place, target))
    return wrong


def test_a_lesson_is_put_in_between(project):
    """Lessons behind it move up, and with them every word about them."""
    where = find("fashion_mnist")
    nn = int(where.stem[:2])
    here, behind = f"{nn:02}", f"{nn + 1:02}"
    (project.root / "helpers" / "note.py").write_text(
        f'"""See lesson {here}, lessons 01 and {here}, lessons {here} to {behind}; {here} % '
        f'are\nwhat `{where.stem}` gets. L={here}; Lesson\n{here}\'s."""\n'
    )
    before, unlike = project.texts(), project.files()
    project.run("insert", here, "when_all_is_well")
    texts, name = project.texts(), f"{here}_when_all_is_well"
    assert [path.name[:2] for path in sorted(project.root.glob("notebooks/*.ipynb"))] == [
        f"{k:02}" for k in range(len(LESSONS) + 1)
    ]
    last = f"{nn + 2:02}"
    assert texts["helpers/note.py"] == (
        f'"""See lesson {behind}, lessons 01 and {behind}, lessons {behind} to {last}; {here} % '
        f'are\nwhat `{behind}_fashion_mnist` gets. L={behind}; Lesson\n{behind}\'s."""\n'
    )
    assert links(project) == []
    for place, text in before.items():  # as many words about a lesson, each of the one it meant
        moved = re.sub(r"(?<=^notebooks/)\d\d", lambda k: f"{int(k[0]) + (k[0] >= here):02}", place)
        was = re.findall(r"\b[Ll]essons?\s+(\d\d)\b", text)
        now = re.findall(r"\b[Ll]essons?\s+(\d\d)\b", texts[moved])
        assert now == [f"{int(k) + (here <= k <= LESSONS[-1].name):02}" for k in was], place
    # the tables, the map, the links before and behind
    new = f"{here} When all is well"
    assert f"| [{new}](notebooks/{name}.ipynb) | … | 45 | – |" in texts["README.md"]
    start = texts[f"notebooks/{find('start_here').name}"]
    assert f"| [{new}]({name}.ipynb) | …? |" in start
    sections = re.findall(r"(?m)^### (\d\d .+)", texts["TEACHING.md"])
    assert sections.index(new) == nn and len(sections) == len(LESSONS) + 1
    assert f"Next: [{new}]" in texts[f"notebooks/{LESSONS[nn - 1].name}"]
    own = texts[f"notebooks/{name}.ipynb"]
    assert f"**Before you start**: [{heading(LESSONS[nn - 1])}]" in own
    assert f"Next: [{behind} {heading(where)[3:]}]({behind}_fashion_mnist.ipynb)" in own
    # records and pictures go by topic: they stay as they are
    kept = [place for place in unlike if place.startswith(("helpers/recorded", "pictures"))]
    assert len(kept) > 10 and all(project.files()[place] == unlike[place] for place in kept)
    # it can be built and handed out at once; what it lacks is for its author
    project.run("build", here)
    assert (project.root / "pictures" / "when_all_is_well.png").exists()
    assert project.run(tool="contents") == "Made from the lessons: nothing has changed\n"
    project.run(here, tool="slides")
    project.run(tool="student")
    student = (project.root / "build" / "student" / "README.md").read_text(encoding="utf-8")
    assert f"| [{new}]({name}.ipynb) | 45 |" in student


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_lesson_is_put_at_an_end(project, place):
    """Before the first, every number in a text changes, so none may be left that did not."""
    nn = "00" if place == "first" else f"{len(LESSONS):02}"
    project.run("insert", nn, "another_one")
    assert links(project) == []
    texts = {name: text for name, text in project.texts().items() if name[:6] != "tests/"}
    left = contents.LAST
    if place == "first":
        second = f"Next: [01 {heading(LESSONS[0])[3:]}](01_{topic(LESSONS[0])}.ipynb)"
        assert second in texts["notebooks/00_another_one.ipynb"]
        for name, text in texts.items():
            if name.endswith((".md", ".ipynb")) and name != "notebooks/00_another_one.ipynb":
                text = re.sub(r"\[?(\*\*)?00 Another one(\*\*|\]\(.*?\))?", "", text)
                assert not re.search(r"(?<![\d.,:=_×])\b00\b(?!\w*\.ipynb)(?! %)", text), name
        assert left in texts[f"notebooks/{int(LESSONS[-1].name[:2]) + 1:02}{LESSONS[-1].name[2:]}"]
    else:
        assert left in texts[f"notebooks/{nn}_another_one.ipynb"]
        before = texts[f"notebooks/{LESSONS[-1].name}"]
        assert f"Next: [{nn} Another one]({nn}_another_one.ipynb)" in before and left not in before


@pytest.mark.parametrize(
    ("nn", "name", "says"),
    [
        ("5", "a_name", "'5' is no place for a lesson: give one from 00 to "),
        (f"{len(LESSONS) + 1:02}", "a_name", "is no place for a lesson"),
        ("-1", "a_name", "the following arguments are required|is no place"),
        ("05", "A name", "'A name' is no name for a lesson"),
        ("05", "05_name", "is no name for a lesson"),
        ("05", "../name", "is no name for a lesson"),
        ("05", "pooling", f"there is a lesson {find('pooling').stem}: give another name"),
    ],
)
def test_a_bad_place_or_name_is_refused(project, nn, name, says):
    before = project.files()
    said = project.run("insert", nn, name, fails=True)
    assert re.search(says, said)
    assert project.files() == before


def test_nothing_is_inserted_over_edited_drafts_or_changes(project):
    project.run("draft", "pooling")
    script = project.root / "build" / f"{find('pooling').stem}.py"
    untouched = script.read_text(encoding="utf-8")
    script.write_text(untouched + "# edited\n", encoding="utf-8")
    before = project.files()
    said = project.run("insert", "05", "a_name", fails=True)
    assert said == f"edited drafts would no longer fit: build or delete {script.name} first\n"
    assert project.files() == before and "# edited" in script.read_text(encoding="utf-8")
    script.write_text(untouched, encoding="utf-8")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "README.md"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=project.root, check=True)
    readme = project.root / "README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nmore\n", encoding="utf-8")
    before = project.files()
    said = project.run("insert", "05", "a_name", fails=True)
    assert said == "commit or stash first what is changed: README.md\n"
    assert project.files() == before
    subprocess.run([*git, "commit", "-qam", "more"], cwd=project.root, check=True)
    project.run("insert", "05", "a_name")
    assert not script.exists()


def test_what_speaks_of_a_lesson_is_listed(project):
    where = find("fashion_mnist")
    note = project.root / "helpers" / "note.py"
    quoted = contents.number("fashion/fast/accuracy")
    note.write_text(f"# see lesson {where.stem[:2]}\n# nothing\n# {quoted} right\n# 05 %\n")
    (project.root / "tools" / "ask.py").write_text(
        "import lesson\nprint(*lesson.mentions(lesson.find('fashion_mnist')), sep='\\n')"
    )
    said = project.run(tool="ask").splitlines()
    assert [line for line in said if "note.py" in line] == [
        f"helpers/note.py:1: # see lesson {where.stem[:2]}",
        f"helpers/note.py:3: # {quoted} right",
    ]
    assert not any(line.startswith("README.md") and "](notebooks" in line for line in said)
    assert not any(str(NOTEBOOKS / where.name) in line for line in said)
