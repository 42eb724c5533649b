"""Work on the lessons from a terminal: draft, build, address.

python tools/lesson.py draft 01          write build/01_….py, the lesson as a script to edit
python tools/lesson.py build 01          take the draft over if there is one, execute, clean
python tools/lesson.py address URL       put the repository's address into every lesson
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
DRAFTS = ROOT / "build"
PICTURES = ROOT / "pictures"
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\d+%\|.*\?it/s\]$")  # a bar as it stood at its start
BADGES = re.compile(r"\n\n\[!\[Open in Colab\][^\n]*")  # one line, below a lesson's title
# the folders before site-packages, before the standard library, and before the kernel's cells
MACHINE_PATHS = [
    (re.compile(r"(?:~?/|[A-Z]:\\)[^\s'\"]*?site-packages[/\\]"), ""),
    (re.compile(r"(?:~?/|[A-Z]:\\)[^\s'\"]*?[/\\]lib[/\\]python[\d.]+[/\\]"), ""),
    (re.compile(re.escape(str(ROOT)) + r"[/\\]?"), ""),
]


def find(number: str) -> Path:
    """Find the one lesson, or draft of a new one, whose file name begins with ``number``."""
    drafts = (NOTEBOOKS / f"{path.stem}.ipynb" for path in DRAFTS.glob(f"{number}*.py"))
    found = sorted({*NOTEBOOKS.glob(f"{number}*.ipynb"), *drafts})
    if len(found) != 1:
        names = ", ".join(path.name for path in sorted(NOTEBOOKS.glob("*.ipynb")))
        sys.exit(f"{number!r} names {len(found)} lessons; there are: {names}")
    return found[0]


def draft(lesson: Path) -> None:
    """Write the lesson as a script with one cell a section, to be edited."""
    DRAFTS.mkdir(exist_ok=True)
    target = DRAFTS / f"{lesson.stem}.py"
    place = target.relative_to(ROOT)
    if _is_newer(target, lesson):
        sys.exit(f"{place} is newer than the lesson: take it over with `build`, or delete it")
    _jupytext("--to", "py:percent", lesson, "-o", target)
    print(f"Edit {place}, then: make lesson L={lesson.name[:2]}")


def _is_newer(script: Path, lesson: Path) -> bool:
    """Say whether there is a draft that the lesson does not hold yet."""
    known = lesson.stat().st_mtime if lesson.exists() else 0
    return script.exists() and script.stat().st_mtime > known


def build(lesson: Path) -> None:
    """Take over the draft if there is a newer one, format, execute from top to bottom, clean."""
    edited = DRAFTS / f"{lesson.stem}.py"
    if _is_newer(edited, lesson):
        _jupytext("--update", "--to", "ipynb", edited, "-o", lesson)
    _run("ruff", "format", "-q", lesson)
    _run("ruff", "check", "--fix", "-q", lesson)
    notebook = nbformat.read(lesson, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=900,
        record_timing=False,
        store_widget_state=False,
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson.parent)}},
    )
    client.execute()
    nbformat.write(clean(notebook), lesson)
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{lesson.stem}.png").write_bytes(first_figure(notebook))
    print(f"{lesson.name}: executed and cleaned, {lesson.stat().st_size / 2**20:.2f} MB")


def first_figure(notebook) -> bytes:
    """Give the first figure of a lesson, which the README shows, as a PNG file."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"])
    raise ValueError("the lesson has no figure")


def clean(notebook):
    """Keep sources, ids, tags and outputs; drop what differs from machine to machine."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if "nbval-ignore-output" in (tags or []):  # elsewhere nbval would miss it
            cell.outputs = [output for output in cell.outputs if not _is_progress(output)]
        for output in cell.get("outputs", []):
            # without its model a live view is an error message; the still picture stays
            output.get("data", {}).pop(WIDGET, None)
            if "traceback" in output:
                output.traceback = [_without_paths(line) for line in output.traceback]
            if "text" in output:
                output.text = _without_paths(output.text)
    return notebook


def _is_progress(output) -> bool:
    return bool(PROGRESS.search(output.get("data", {}).get("text/plain", "")))


def _without_paths(text: str) -> str:
    for pattern, replacement in MACHINE_PATHS:
        text = pattern.sub(replacement, text)
    return text


def address(url: str) -> None:
    """Put the address of the repository into every lesson: the badges and the setup cell.

    Run it in a fork with the fork's own address. An empty address takes the badges out again.
    """
    url = url.rstrip("/").removesuffix(".git")
    if url and not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url):
        sys.exit(f"{url!r} is not of the form https://github.com/NAME/REPOSITORY")
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb")):
        notebook = json.loads(lesson.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            source, is_text = "".join(cell["source"]), cell["cell_type"] == "markdown"
            source = _with_badges(source, url, lesson.name) if is_text else source
            source = re.sub(r'(?m)^REPOSITORY = ".*?"', f'REPOSITORY = "{url}"', source)
            cell["source"] = source.splitlines(keepends=True)
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        if text != lesson.read_text(encoding="utf-8"):  # else a draft of it would seem too old
            lesson.write_text(text, encoding="utf-8")
    print(f"{url or 'no address'}: written into every lesson")


def _with_badges(source: str, url: str, name: str) -> str:
    if source.startswith("# ") and "\n" in source:  # the title cell: badges below the title
        source = BADGES.sub("", source, count=1)
        if url:
            source = source.replace("\n", f"\n\n{_badges(url, name)}\n", 1)
    return source


def _badges(url: str, name: str) -> str:
    """Give the two badges of a lesson, on one line; both hosts read public repositories only."""
    page = f"{url}/blob/main/notebooks/{name}"
    colab = page.replace("https://github.com", "https://colab.research.google.com/github")
    kaggle = f"https://kaggle.com/kernels/welcome?src={page}"
    pictures = "https://colab.research.google.com/assets", "https://kaggle.com/static/images"
    return (
        f"[![Open in Colab]({pictures[0]}/colab-badge.svg)]({colab}) "
        f"[![Open in Kaggle]({pictures[1]}/open-in-kaggle.svg)]({kaggle})"
    )


def _jupytext(*arguments) -> None:
    _run(sys.executable, "-m", "jupytext", "--quiet", *arguments)


def _run(*command) -> None:
    """Run a command; if it fails it has said why, so stop without a traceback."""
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["draft", "build", "address"])
    parser.add_argument("what", help="the lesson's number, or the address")
    arguments = parser.parse_args()
    if arguments.command == "address":
        address(arguments.what)
    else:
        {"draft": draft, "build": build}[arguments.command](find(arguments.what))


if __name__ == "__main__":
    main()
