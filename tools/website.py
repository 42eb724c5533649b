"""Build the website into build/site: python tools/website.py

The pages are the lessons with their stored outputs (nothing is executed), the texts of this
project, the docstrings of helpers, and what lies in site/. They are gathered in a folder where
Sphinx finds them side by side as in the repository, so that every link between them holds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from nbformat.v4 import new_markdown_cell

from helpers.sources.terminal import command
from helpers.sources.writing import new_folder
from notebooks import BADGES, LESSONS, ROOT, parser, to_change, written

OUTPUT = ROOT / "build" / "site"
MADE = ".made.json"  # in it: what was written there, and may be replaced
TEXTS = ["*.md", "LICENSE", "data/README.md", "benchmarks/*", "helpers/recorded/*", "pictures/*"]
TEXTS += ["examples/*"]
PARTS = ["helpers/[a-z]*.py", "helpers/lessons/[a-z]*.py", "helpers/checks/engine.py"]
TO_EXPLORER = "The [explorer in the page](../explorer.md) does the same here, without Python."


def gather(source: Path) -> None:
    """Put everything that makes a page into one new folder."""
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("conf.py", "_static"))
    for file in (file for pattern in TEXTS for file in ROOT.glob(pattern) if file.is_file()):
        target = source / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    (source / "notebooks").mkdir()
    pages = []
    for lesson in LESSONS:
        notebook = to_change(lesson)
        pages += [f"notebooks/{lesson.stem}", *["explorer"] * for_the_site(notebook, lesson)]
        (source / "notebooks" / lesson.name).write_text(written(notebook), encoding="utf-8")
    index = source / "index.md"
    text = index.read_text(encoding="utf-8").replace("{lessons}", "\n".join(pages))
    index.write_text(text, encoding="utf-8")
    for module in (path for pattern in PARTS for path in ROOT.glob(pattern)):
        name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        title = name.removeprefix("helpers.")
        page = f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n   :members:\n"
        (source / "api" / f"{title}.rst").write_text(page, encoding="utf-8")


def for_the_site(notebook, lesson: Path) -> bool:
    """Change a lesson for the site: a number before its title.

    The badge for Colab goes: it is a picture from another host, and a page of the site asks no
    other host for anything; the theme has a button of its own. Below the explorer's cell, which
    shows a still picture, comes a link to the explorer that runs in the page; says whether it has.
    """
    cells = notebook.cells
    title = BADGES.sub("", cells[0].source)
    cells[0].source = title.replace("# ", f"# {lesson.stem[:2]} ", 1)
    for i, cell in enumerate(cells):
        if cell.cell_type == "code" and "\nexplore_kernel(" in cell.source:
            cells.insert(i + 1, new_markdown_cell(TO_EXPLORER))
            return True
    return False


def build(output: Path, source: Path) -> int:
    """Gather the pages and build the site; a warning is an error. Gives the exit code."""
    gather(source)
    options = ["-b", "html", "-c", ROOT / "site", "-q", "-W", "--keep-going"]
    doctrees = source.with_name("site-doctrees")
    command = [sys.executable, "-m", "sphinx", *options, "-d", doctrees, source, output]
    return subprocess.run(command).returncode


def main() -> None:
    """Build anew, so that no page stays whose source has gone."""
    OUTPUT.parent.mkdir(exist_ok=True)
    with new_folder(OUTPUT, MADE) as new:
        if code := build(new, new.with_name("site-source")):
            sys.exit(code)
    print(f"Open {OUTPUT.relative_to(ROOT) / 'index.html'}")


if __name__ == "__main__":
    parser(__doc__).parse_args()
    command(main)
