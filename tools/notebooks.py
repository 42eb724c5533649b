"""Read and write the lessons: the one parser of notebooks, for the tools and for the tests.

A lesson is `notebooks/NN_topic.ipynb`. Its number says where it stands, and is in no other file's
name; its topic names what belongs to it. Title, box, exercises stand in its cells; `question`,
`learn` and `result` in its metadata.
"""

from __future__ import annotations

import argparse
import ast
import base64
import copy
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
FACTS = ("question", "learn", "result")
BADGES = re.compile(r"\n\n\[!\[Open in Colab\][^\n]*")  # one line, below a lesson's title
DETAILS = re.compile(r"<(/?)details\b[^>]*>", re.I)
SUMMARY = re.compile(r"\s*<summary\b.*?</summary>", re.S | re.I)
MINUTES = re.compile(r"about (\d+) minutes to read and do")
ADDRESS = re.compile(r"git\+(\S+)")  # in the setup cell
NO_ADDRESS = "ADDRESS-OF-YOUR-COPY"
_CHECK = re.compile(r"^check\.(?!guess\b)(\w+)\(", re.M)
EFFORT = re.compile(r"### Your turn: .+\n\n(★{1,3}) · (\d+) minutes")  # below its heading
_SOLUTION = re.compile(
    r"<details\b[^>]*>\s*<summary>Solution</summary>.*?```python\n(.*?)```", re.S
)


@dataclass(frozen=True)
class Exercise:
    """One exercise: where it is, the code of its stub, its check's name, its solution."""

    lesson: Path
    name: str
    stub: str
    solution: str | None

    def __str__(self) -> str:
        return f"{topic(self.lesson)}-{self.name}"


@lru_cache(maxsize=64)
def parse(text: str):
    """Give the notebook in the text of a file, validated. It is shared: change a copy only."""
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return notebook


def read(lesson: Path):
    """Give a lesson's notebook. It is shared: change a copy only."""
    return parse(lesson.read_text(encoding="utf-8"))


def to_change(lesson: Path):
    """Give a copy of a lesson's notebook."""
    return copy.deepcopy(read(lesson))


def written(notebook) -> str:
    """Give the text of the file for a notebook."""
    return nbformat.writes(notebook) + "\n"


def parser(doc: str) -> argparse.ArgumentParser:
    """Give the parser of a tool's arguments, whose --help is what stands at the tool's head."""
    return argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def find(name: str) -> Path:
    """Find a lesson by its number, its topic or both."""
    found = [path for path in LESSONS if name in (path.stem, *path.stem.split("_", 1))]
    if not found:
        sys.exit(f"{name!r} is no lesson; there are: {', '.join(p.stem for p in LESSONS)}")
    return found[0]


def topic(lesson: Path) -> str:
    """Give a lesson's topic: the name of its file without number."""
    return lesson.stem.split("_", 1)[1]


def title(notebook) -> str:
    """Give a lesson's title, without what follows a colon."""
    return notebook.cells[0].source.splitlines()[0].removeprefix("# ").split(":")[0]


def heading(lesson: Path) -> str:
    """Give a lesson's number and title."""
    return f"{lesson.stem[:2]} {title(read(lesson))}"


def minutes(notebook) -> int:
    """Give the minutes to read and do a lesson, as its box says."""
    return int(MINUTES.search(notebook.cells[1].source).group(1))


def setup_cell(notebook):
    """Give the cell that prepares Colab and Kaggle: the first with code."""
    return next(cell for cell in notebook.cells if cell.cell_type == "code")


def address() -> str:
    """Give the repository's address, which `make address` writes into the lessons, or ""."""
    found = ADDRESS.search(setup_cell(read(LESSONS[0])).source)[1]
    return "" if found == NO_ADDRESS else found


def code_cells(lesson: Path) -> list:
    """Give the cells of a lesson that hold code."""
    return [cell for cell in read(lesson).cells if cell.cell_type == "code"]


def markdown(lesson: Path) -> str:
    """Give all the text of a lesson."""
    return "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")


def unfolded(text: str) -> tuple[str, list[str]]:
    """Give the text of a cell without its folded parts, and these without their summaries.

    A part may hold others; one that is not closed goes to the end.
    """
    shown, folded, depth, at = [], [], 0, 0
    for tag in DETAILS.finditer(text):
        if not tag[1]:
            if depth == 0:
                shown.append(text[at : tag.start()].rstrip("\n"))
                at = tag.end()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                folded.append(SUMMARY.sub("", text[at : tag.start()], count=1))
                at = tag.end()
    if depth:
        folded.append(SUMMARY.sub("", text[at:], count=1))
    else:
        shown.append(text[at:])
    return "".join(shown), folded


def tags(cell) -> list[str]:
    """Give the tags of a cell."""
    return cell.metadata.get("tags", [])


def numbers(text: str) -> set[str]:
    """Find the whole numbers of a text: "1,234 of 1_234.50" are {"1234", "1234.50"}."""
    return set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)))


def shown_numbers(lesson: Path) -> set[str]:
    """Find the numbers that a reader of a lesson sees: in its text, its code, what it prints."""
    seen = [cell.source for cell in read(lesson).cells]
    for cell in code_cells(lesson):
        seen += [output.text for output in cell.outputs if output.output_type == "stream"]
        seen += [o.data.get("text/plain", "") for o in cell.outputs if "data" in o]
    return numbers("\n".join(seen))


def first_figure(notebook) -> bytes:
    """Give the first figure of a lesson, which the README shows, as a PNG file."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"])
    raise ValueError("the lesson has no figure")


def exercises(lesson: Path) -> list[Exercise]:
    """Find the exercises of a lesson: a cell that calls a check, then a folded solution."""
    cells = read(lesson).cells
    found = []
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type == "code" and (call := _CHECK.search(cell.source)):
            folded = _SOLUTION.search(following.source) if following else None
            solution = folded.group(1) if folded else None
            found.append(Exercise(lesson, call.group(1), cell.source, solution))
    return found


def imports(lesson: Path) -> str:
    """Collect the import statements of a lesson, which its exercises may use."""
    lines = []
    for cell in code_cells(lesson)[1:]:  # the setup cell is no plain Python
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                lines.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(lines))
