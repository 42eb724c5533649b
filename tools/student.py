"""Make what a teacher hands out: the lessons without solutions and outputs, ready to run.

python tools/student.py          write build/student and build/student.zip
python tools/student.py run      and execute every copy, to see that it reaches its end
python tools/student.py run 00 01    execute these only
python tools/student.py solved 00    execute the lessons with their solutions put in
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from helpers.sources.terminal import command
from helpers.sources.writing import new_folder, working
from notebooks import (
    BADGES,
    LESSONS,
    ROOT,
    exercises,
    find,
    heading,
    minutes,
    parser,
    read,
    to_change,
    unfolded,
)

TARGET = ROOT / "build" / "student"
MADE = ".made.json"  # in it: what was written there, and may be replaced
HANDED_OUT = {".py", ".json", ".mplstyle"}  # files of helpers and examples: no secrets, no caches
# What lessons say of things that a copy does not have. A lesson that says more of the kind
# fails the test of the copies' text, and its sentence belongs here.
SENTENCES = (
    " A solution is folded away below.",
    " (*Edit → Clear Outputs of All Cells* hides the stored answers.)",
)


def without_solutions(text: str) -> str:
    """Give the text of a cell without its folded parts, and without what speaks of them.

    Links to other files of the project are made to fit: in the copy all lies in one folder.
    """
    text = BADGES.sub("", unfolded(text)[0])  # a badge leads to the lesson with solutions
    for sentence in SENTENCES:
        text = text.replace(sentence, "")
    return text.replace("](../", "](").strip("\n")


def student_copy(lesson: Path):
    """Give a lesson as a notebook for students: every cell but solutions, no outputs.

    Tags stay, so that Run All goes on after an error that is intended.
    """
    notebook = to_change(lesson)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_solutions(cell.source)
        else:
            cell.outputs, cell.execution_count = [], None
    notebook.cells = [cell for cell in notebook.cells if cell.source]
    return notebook


def solved_copy(lesson: Path):
    """Give a lesson in which everything is done: each solution in the place of its stub."""
    notebook, solutions = to_change(lesson), {e.stub: e.solution for e in exercises(lesson)}
    for cell in notebook.cells:
        if solution := solutions.get(cell.source):
            before = re.match(r"(?:(?:import|from) .*\n|\n)*", cell.source)[0]
            call = cell.source[cell.source.rindex("check.") :]
            cell.source = f"{before}{solution}\n\n{call}"
    return notebook


def execute_solved(lesson: Path) -> str:
    """Run a lesson with its solutions; give what it printed.

    Raises ValueError for a check that did not pass, or an answer that the lesson did not go on
    with, and nbclient's CellExecutionError at an error that is not intended.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, lesson.name)
        nbformat.write(solved_copy(lesson), place)
        done = execute(place, where=lesson.parent)
    printed = "".join(o.get("text", "") for c in done.cells for o in c.get("outputs", []))
    left = [e.name for e in exercises(lesson) if f"✓ {e.name}: passed" not in printed]
    if left or ", until yours passes" in printed:
        raise ValueError(f"{lesson.name}: not passed, or not used: {', '.join(left) or printed}")
    return printed


def table() -> str:
    """Give the list of lessons for the students' README: title, and minutes to read and do."""
    rows = [f"| [{heading(path)}]({path.name}) | {minutes(read(path))} |" for path in LESSONS]
    return "\n".join(["| lesson | minutes |", "|---|---|", *rows])


def requirements() -> str:
    """Give the packages that are needed to run the lessons, without those for testing them."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    return text.split("# to test")[0].split("\n", 1)[1]


def write(target: Path = TARGET) -> list[Path]:
    """Write the folder for students, and a .zip of it beside it; return the copied lessons.

    The old folder is replaced when the new one is whole. Raises FileExistsError if it holds
    anything that was not written here, such as a copy that was worked on.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with new_folder(target, MADE) as new:
        for lesson in LESSONS:
            nbformat.write(student_copy(lesson), new / lesson.name)
        for name in ("helpers", "examples"):  # beside the notebooks: found without being installed
            shutil.copytree(ROOT / name, new / name, ignore=_not_handed_out)
        for name in ("data", "benchmarks"):
            (new / name).mkdir()
            shutil.copy(ROOT / name / "README.md", new / name)
        shutil.copy(ROOT / "LICENSE", new)
        readme = Path(__file__).with_name("student_readme.md").read_text(encoding="utf-8")
        readme = readme.replace("{lessons}", table())
        (new / "README.md").write_text(readme, encoding="utf-8")
        (new / "requirements.txt").write_text(requirements(), encoding="utf-8")
    archive = target.with_name(f"{target.name}.zip")
    with working(archive) as work:
        with zipfile.ZipFile(work / "new", "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(target.rglob("*")):
                if file.name != MADE:
                    packed.write(file, file.relative_to(target.parent))
        os.replace(work / "new", archive)
    return [target / lesson.name for lesson in LESSONS]


def _not_handed_out(folder, names):
    files = [name for name in names if not Path(folder, name).is_dir()]
    unknown = [name for name in files if Path(name).suffix not in HANDED_OUT]
    return {*unknown, *(name for name in names if name[0] == "." or name == "__pycache__")}


def execute(copy: Path, where: Path | None = None):
    """Run a copy from top to bottom, in its own folder or another; return it executed.

    Raises nbclient's CellExecutionError at an error that is not intended.
    """
    notebook = nbformat.read(copy, as_version=4)
    resources = {"metadata": {"path": str(where or copy.parent)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    return notebook


def main(arguments: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("command", nargs="?", choices=["run", "solved"])
    options.add_argument("lessons", nargs="*", help="numbers or topics; by default all")
    said = options.parse_args(arguments)
    lessons = [find(name) for name in said.lessons]  # first, as it may find none
    if said.command == "solved":
        for lesson in lessons or LESSONS:
            execute_solved(lesson)
            print(f"{lesson.name}: all solutions pass, and the lesson goes on with them")
        return
    copies = write()
    size = sum(file.stat().st_size for file in TARGET.rglob("*")) / 1e6
    print(f"{TARGET}: {len(copies)} lessons, {size:.1f} MB; hand out {TARGET.name}.zip")
    if said.command:
        os.environ.setdefault("CNN_DATA", str(ROOT / "data"))  # there already; theirs is empty
        for copy in [TARGET / lesson.name for lesson in lessons] or copies:
            start = time.perf_counter()
            execute(copy)
            print(f"{copy.name}: reaches its end, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    command(main)
