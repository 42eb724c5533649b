"""Read the lessons: their cells, exercises and solutions. Shared by the tests, not a test."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_CHECK = re.compile(r"^check\.(\w+)\(", re.M)
_SOLUTION = re.compile(r"<details><summary>Solution</summary>.*?```python\n(.*?)```", re.S)


@dataclass(frozen=True)
class Exercise:
    """One exercise: where it is, the code of its stub, its check's name, its solution."""

    lesson: Path
    name: str
    stub: str
    solution: str | None

    def __str__(self) -> str:
        return f"{self.lesson.stem[:2]}-{self.name}"


@cache
def read(lesson: Path):
    """Read and validate one lesson."""
    notebook = nbformat.read(lesson, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(lesson: Path) -> list:
    """Give the cells of a lesson that hold code."""
    return [cell for cell in read(lesson).cells if cell.cell_type == "code"]


def markdown(lesson: Path) -> str:
    """Give all the text of a lesson."""
    return "\n\n".join(c.source for c in read(lesson).cells if c.cell_type == "markdown")


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


def tags(cell) -> list[str]:
    """Give the tags of a cell."""
    return cell.metadata.get("tags", [])


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


ALL_EXERCISES = [exercise for lesson in LESSONS for exercise in exercises(lesson)]


def imports(lesson: Path) -> str:
    """Collect the import statements of a lesson, which its exercises may use."""
    lines = []
    for cell in code_cells(lesson):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                lines.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(lines))
