"""Make slides of the lessons that need no network: python tools/slides.py [01 04 …]

Writes build/slides/NN_topic.html for each lesson, and beside them the folder `library` with
reveal.js and MathJax, copied out of Python packages. Nothing is executed: stored outputs are shown.

The structure follows from the lesson. Each `##` begins a new slide to the right. What is too long
for one screen goes on below: tools/slides.js measures in the browser and breaks the pages. An
output appears at the next key press, after its cell, so that there is time for a guess. The setup
cell and the asserts are left out; what is folded in the lesson goes to the speaker's notes (key S).
"""

from __future__ import annotations

import copy
import html
import re
from importlib.metadata import files
from pathlib import Path

from nbconvert.filters import Highlight2HTML, markdown2html, strip_ansi
from pygments.formatters import HtmlFormatter

from helpers.sources.terminal import command
from helpers.sources.writing import write as write_file
from notebooks import LESSONS, ROOT, find, heading, markdown, parser, read, setup_cell, unfolded
from student import without_solutions

TARGET = ROOT / "build" / "slides"
HERE = Path(__file__).parent
LIBRARY = {  # package: the files that a deck loads
    "sphinx-revealjs": ["dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"],
    "sphinx-mathjax-offline": ["mathjax/tex-svg.js"],
}
WIDEST = 125  # letters of a printed line that still fit on a page; tables are never wrapped
LEFT_OUT = "## What we claimed, checked"
ANCHOR = re.compile(r'<a class="anchor-link".*?</a>')
HEADING = re.compile(r"(?m)^(?=## )")
# a block of Markdown ends at an empty line that is not inside a fence; items of a list part, too
BLOCK = re.compile(r"\n*(```.*?```|(?:(?!\n\n|\n(?:- |\d+\. )).)+)", re.S)


def text_blocks(source: str) -> list[str]:
    """Cut a text into the pieces between which a page may break, as HTML."""
    blocks = [block.strip() for block in BLOCK.findall(source)]
    return [ANCHOR.sub("", markdown2html(block)) for block in blocks if block]


def code_block(source: str) -> str:
    """Give the code of a cell, coloured."""
    return Highlight2HTML(pygments_lexer="python")(source)


def output_block(output) -> str:
    """Give one stored output as HTML, or "" for one that says nothing (a progress bar)."""
    data = output.get("data", {})
    if "image/png" in data:
        alt = html.escape(output.metadata.get("image/png", {}).get("alt", ""), quote=True)
        return f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
    if output.output_type == "error":
        said = strip_ansi(f"{output.ename}: {output.evalue}").strip().splitlines()
        text = "\n".join([*said[:8], *(["…"] if len(said) > 8 else [])])
        return f'<pre class="output error wrap">{html.escape(text)}</pre>'
    text = output.get("text") or data.get("text/plain", "")
    if not text.strip() or "it/s]" in text:
        return ""
    wrap = " wrap" if max(map(len, text.splitlines())) > WIDEST else ""
    return f'<pre class="output{wrap}">{html.escape(text.rstrip())}</pre>'


def cell_group(cell) -> list[str]:
    """Give a code cell and its outputs, which stay on one page if they can."""
    outputs = []
    for output in cell.outputs:  # what was printed in pieces is read as one
        if output.output_type == "stream" and outputs and outputs[-1].output_type == "stream":
            outputs[-1].text += output.text
        else:
            outputs.append(copy.copy(output))
    blocks = [output_block(output) for output in outputs]
    return [code_block(cell.source), *(block for block in blocks if block)]


def sections(notebook) -> list[list[list[str]]]:
    """Cut a lesson into sections, these into groups, these into blocks of HTML."""
    found, left_out = [[]], False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for part in HEADING.split(without_solutions(cell.source)):
                if part.startswith("## "):
                    left_out = part.startswith(LEFT_OUT)
                    found += [] if left_out else [[]]
                if not left_out:
                    found[-1] += [[block] for block in text_blocks(part)]
            if notes := "\n\n".join(unfolded(cell.source)[1]):
                found[-1].append([f'<aside class="notes">{markdown2html(notes)}</aside>'])
        elif not left_out and cell is not setup_cell(notebook):
            found[-1].append(cell_group(cell))
    return [section for section in found if section]


def deck(lesson: Path) -> str:
    """Give the page with the slides of a lesson."""
    parts = []
    for section in sections(read(lesson)):
        groups = ["\n".join(f"<div>{block}</div>" for block in group) for group in section]
        body = "\n".join(f'<div class="group">{group}</div>' for group in groups)
        parts.append(f'<div class="section">{body}</div>')
    page = (HERE / "slides.html").read_text(encoding="utf-8")
    formulas = re.search(r"\$[^$]+\$", markdown(lesson))
    fill = {
        "TITLE": html.escape(heading(lesson)),
        "COLORS": HtmlFormatter(style="friendly").get_style_defs(".highlight"),
        "STYLE": (HERE / "slides.css").read_text(encoding="utf-8"),
        "SCRIPT": (HERE / "slides.js").read_text(encoding="utf-8"),
        "MATHJAX": '<script src="library/tex-svg.js"></script>' if formulas else "",
        "SECTIONS": "\n".join(parts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda name: fill[name.group(1)], page)


def write_library(target: Path) -> None:
    """Copy what the decks load out of the installed packages."""
    target.mkdir(parents=True, exist_ok=True)
    for package, names in LIBRARY.items():
        for name in names:
            found = next(file for file in files(package) if file.as_posix().endswith(f"/{name}"))
            write_file(target / found.name, Path(found.locate()).read_bytes())


def write(lessons: list[Path], target: Path = TARGET) -> list[Path]:
    """Write the decks of these lessons, and the library; return the decks."""
    write_library(target / "library")
    decks = []
    for lesson in lessons:
        decks.append(target / f"{lesson.stem}.html")
        write_file(decks[-1], deck(lesson))
    return decks


def main(arguments: list[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("lessons", nargs="*", help="numbers or topics; by default all")
    lessons = [find(name) for name in options.parse_args(arguments).lessons] or LESSONS
    for path in write(lessons):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    command(main)
