"""Build the website into build/site: python tools/website.py

The pages are the lessons with their stored outputs (nothing is executed), the texts of this
project, the docstrings of helpers, and what lies in site/. They are gathered in
build/site-source, where Sphinx finds them side by side as in the repository, so that every
link between them holds.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from lesson import BADGES, ROOT

SOURCE = ROOT / "build" / "site-source"
OUTPUT = ROOT / "build" / "site"
TEXTS = ["*.md", "LICENSE", "data/README.md", "benchmarks/*", "pictures/*"]
TO_EXPLORER = "The [explorer in the page](../explorer.md) does the same here, without Python."


def gather(source: Path) -> None:
    """Put everything that makes a page into one new folder."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("conf.py", "_static"))
    for file in (file for pattern in TEXTS for file in ROOT.glob(pattern) if file.is_file()):
        target = source / file.relative_to(ROOT)
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
    (source / "notebooks").mkdir()
    for lesson in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(lesson.read_text(encoding="utf-8"))
        text = json.dumps(for_the_site(notebook, lesson.name[:2]), ensure_ascii=False)
        (source / "notebooks" / lesson.name).write_text(text, encoding="utf-8")
    for module in [*ROOT.glob("helpers/[a-z]*.py"), *ROOT.glob("helpers/checks/engine.py")]:
        name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        title = name.removeprefix("helpers.")
        page = f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n   :members:\n"
        (source / "api" / f"{title}.rst").write_text(page, encoding="utf-8")


def for_the_site(notebook: dict, number: str) -> dict:
    """Change a lesson for the site: a number before its title, the setup cell folded.

    The badge for Colab goes: it is a picture from another host, and a page of the site asks no
    other host for anything; the theme has a button of its own. Below the explorer's cell, which
    shows a still picture, comes a link to the explorer that runs in the page.
    """
    cells = notebook["cells"]
    title = BADGES.sub("", "".join(cells[0]["source"]))
    cells[0]["source"] = title.replace("# ", f"# {number} ", 1)
    setup = next(cell for cell in cells if cell["cell_type"] == "code")
    setup["metadata"] = {"tags": ["hide-input"]}
    for i, cell in enumerate(cells):
        if cell["cell_type"] == "code" and "\nexplore_kernel(" in "".join(cell["source"]):
            text = {"cell_type": "markdown", "id": "to-the-explorer", "metadata": {}}
            cells.insert(i + 1, text | {"source": TO_EXPLORER})
            break
    return notebook


def build(output: Path, source: Path = SOURCE) -> int:
    """Gather the pages and build the site; a warning is an error. Gives the exit code."""
    gather(source)
    options = ["-b", "html", "-c", ROOT / "site", "-q", "-W", "--keep-going"]
    doctrees = source.with_name("site-doctrees")
    command = [sys.executable, "-m", "sphinx", *options, "-d", doctrees, source, output]
    return subprocess.run(command).returncode


def main() -> None:
    """Build anew, so that no page stays whose source has gone."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    if code := build(OUTPUT):
        sys.exit(code)
    print(f"Open {OUTPUT.relative_to(ROOT) / 'index.html'}")


if __name__ == "__main__":
    main()
