"""Work on the lessons from a terminal.

python tools/lesson.py draft 01          write build/01_….py, the lesson as a script to edit
python tools/lesson.py build 01          take an edited draft over, execute, clean, and write
                                         what is made from the lessons
python tools/lesson.py test 01           every test of the lesson, and what else speaks of it
python tools/lesson.py insert 05 name    make room for a new lesson 06, and begin it
python tools/lesson.py address URL       put the repository's address into every lesson

Nothing that was edited is written over: with --force, draft drops the draft and build the lesson.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

import contents
from helpers.sources.terminal import command
from helpers.sources.writing import working, write
from notebooks import (
    ADDRESS,
    BADGES,
    LESSONS,
    NO_ADDRESS,
    NOTEBOOKS,
    ROOT,
    exercises,
    find,
    first_figure,
    heading,
    parser,
    read,
    setup_cell,
    title,
    to_change,
    topic,
    written,
)

DRAFTS = ROOT / "build"
KNOWN = DRAFTS / "drafts.json"  # the hashes of draft and lesson when they were last the same
FACTS = "notebook_metadata_filter=convnets,-all"  # what of them a draft has at its head
WIDGET = "application/vnd.jupyter.widget-view+json"
PROGRESS = re.compile(r"\d+%\|.*\?it/s\]$")  # a bar as it stood at its start
# the folders before site-packages, before the standard library, and before the kernel's cells
MACHINE_PATHS = [
    (re.compile(r"(?:~?/|[A-Z]:\\)[^\s'\"]*?site-packages[/\\]"), ""),
    (re.compile(r"(?:~?/|[A-Z]:\\)[^\s'\"]*?[/\\]lib[/\\]python[\d.]+[/\\]"), ""),
    (re.compile(re.escape(str(ROOT)) + r"[/\\]?"), ""),
]


# ---------------------------------------------------------------- drafts


def script(lesson: Path) -> Path:
    """Give the place of a lesson's draft."""
    return DRAFTS / f"{lesson.stem}.py"


def hashes(lesson: Path) -> dict[str, str]:
    """Give the hashes of a lesson's draft and of what an author writes in the lesson itself."""
    notebook = read(lesson)
    sources = [(c.cell_type, c.source, c.metadata) for c in notebook.cells]
    texts = {"lesson": json.dumps([sources, notebook.metadata.get("convnets")]).encode()}
    texts["draft"] = script(lesson).read_bytes() if script(lesson).exists() else b""
    return {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()}


def known() -> dict[str, dict[str, str]]:
    """Give the noted hashes of all drafts."""
    return json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.exists() else {}


def note(lesson: Path) -> None:
    """Note that draft and lesson are the same."""
    write(KNOWN, json.dumps(known() | {lesson.stem: hashes(lesson)}, indent=1))


def edited(lesson: Path) -> tuple[bool, bool]:
    """Say whether the draft, and whether the lesson, was edited since they were the same."""
    if not script(lesson).exists():
        return False, False
    before, now = known().get(lesson.stem, {}), hashes(lesson)
    return before.get("draft") != now["draft"], before.get("lesson") != now["lesson"]


def draft(lesson: Path, force: bool = False) -> None:
    """Write the lesson as a script with one cell a section, to be edited."""
    place = script(lesson).relative_to(ROOT)
    if edited(lesson)[0] and not force:
        sys.exit(f"{place} is edited: take it over with `build`, or drop it with --force")
    DRAFTS.mkdir(exist_ok=True)
    with working(script(lesson)) as work:
        _jupytext("--to", "py:percent", "--opt", FACTS, lesson, "-o", work / "draft.py")
        write(script(lesson), (work / "draft.py").read_bytes())
    note(lesson)
    print(f"Edit {place}, then: make lesson L={lesson.name[:2]}")


# ---------------------------------------------------------------- build and test


def build(lesson: Path, force: bool = False) -> None:
    """Take over the draft if it is edited, format, execute, clean; write what is made of it."""
    take_over, both = edited(lesson)[0], all(edited(lesson))
    if both and not force:
        sys.exit(
            f"{script(lesson).relative_to(ROOT)} and {lesson.relative_to(ROOT)} are both edited: "
            "`draft --force` drops the draft, `build --force` what the lesson has and it has not"
        )
    with working(lesson) as work:  # on a copy: the lesson itself is whole at any time
        copy = shutil.copy(lesson, work / lesson.name)
        if take_over:
            _jupytext("--update", "--to", "ipynb", script(lesson), "-o", copy)
        _run("ruff", "format", "-q", copy)
        _run("ruff", "check", "--fix", "-q", copy)
        write(lesson, written(clean(to_change(copy))))
    if take_over:
        note(lesson)  # before it runs: after an error one goes on in the same draft
    notebook = to_change(lesson)
    client = NotebookClient(
        notebook,
        timeout=900,
        record_timing=False,
        store_widget_state=False,
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson.parent)}},
    )
    client.execute()
    write(lesson, written(clean(notebook)))
    write(ROOT / "pictures" / f"{topic(lesson)}.png", first_figure(notebook))
    print(f"{lesson.name}: executed and cleaned, {lesson.stat().st_size / 2**20:.2f} MB")
    same = script(lesson).exists() and not any(edited(lesson))
    contents.main()
    if same:  # what is made from the lessons is no edit
        note(lesson)


def clean(notebook):
    """Keep sources, ids, tags and outputs; drop what differs from machine to machine."""
    facts = notebook.metadata.get("convnets", {})
    notebook.metadata = nbformat.from_dict(
        {
            "convnets": facts,
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in ("tags", "cellView") if name in cell.metadata}
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            kept["jupyter"] = {"source_hidden": True}
        cell.metadata = nbformat.from_dict(kept)
        if "nbval-ignore-output" in kept.get("tags", []):  # elsewhere nbval would miss it
            cell.outputs = [output for output in cell.outputs if not _is_passing(output)]
        for output in cell.get("outputs", []):
            # without its model a live view is an error message; the still picture stays
            output.get("data", {}).pop(WIDGET, None)
            if "traceback" in output:
                output.traceback = [_without_paths(line) for line in output.traceback]
            if "text" in output:
                output.text = _without_paths(output.text)
    return notebook


def _is_passing(output) -> bool:
    """Say whether an output is a bar that stands at its start, or a warning of this machine."""
    bar = PROGRESS.search(output.get("data", {}).get("text/plain", ""))
    return bool(bar) or output.get("name") == "stderr"


def _without_paths(text: str) -> str:
    for pattern, replacement in MACHINE_PATHS:
        text = pattern.sub(replacement, text)
    return text


def test(lesson: Path) -> None:
    """Run every test of a lesson; then say what else speaks of it, for its author to read."""
    names = " or ".join(exercise.name for exercise in exercises(lesson)) or "none"
    about = f"{topic(lesson)} or (test_exercises and ({names}))"
    pytest = [sys.executable, "-m", "pytest", "-q", "tests", "-k", about]
    code = subprocess.run(pytest, cwd=ROOT).returncode
    print(f"\nWhat else speaks of {heading(lesson)}, or of a number in its result:")
    print("\n".join(mentions(lesson)) or "nothing")
    sys.exit(code)


def mentions(lesson: Path) -> list[str]:
    """Give the lines elsewhere that speak of a lesson or of its numbers, but for its links."""
    nn, name, found = lesson.stem[:2], title(read(lesson)), []
    words = [rf"\b[Ll]essons? [^.|]{{0,20}}\b{nn}\b", rf"\d_{topic(lesson)}\b|/{topic(lesson)}\b"]
    words += [rf"lesson \W?{re.escape(name)}\b", *[re.escape(name)] * (" " in name)]
    for quoted in re.findall(r"\d[\d,.]*\d", contents.result(read(lesson))):
        if len(re.sub(r"\D", "", quoted).strip("0")) > 2:  # not a round number
            words.append(rf"\b{re.escape(quoted)}\b")
    made = re.compile(rf"\[{nn} .+?\]\(.+?\)|\*\*{nn} .+?\*\*|### {nn} .+")  # by contents.py
    for place, text in contents.texts().items():
        text = re.sub(rf"(?s){contents.BEGIN}.*{contents.END}", _empty, text)
        for i, line in enumerate(text.splitlines(), 1):
            if place != lesson.relative_to(ROOT).as_posix() and '"image/png":' not in line:
                if hit := re.search("|".join(words), made.sub("", line)):
                    found.append(f"{place}:{i}: {_around(made.sub('', line), hit.span())}")
    return found


def _empty(found) -> str:
    return "\n" * found[0].count("\n")  # the lines that follow keep their numbers


def _around(line: str, span: tuple[int, int]) -> str:
    return "…" * (span[0] > 40) + line[max(0, span[0] - 40) : span[1] + 40].strip()


# ---------------------------------------------------------------- a new lesson


def insert(nn: str, name: str) -> None:
    """Make room for a lesson with this number, and write a first form of it.

    Lessons from that number on move up; whatever names one of them is mended. All is made in
    memory first, so that a refusal leaves everything as it was.
    """
    topics = [topic(path) for path in LESSONS]
    if not re.fullmatch(r"\d\d", nn) or int(nn) > len(LESSONS):
        sys.exit(f"{nn!r} is no place for a lesson: give one from 00 to {len(LESSONS):02}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.exit(f"{name!r} is no name for a lesson: small letters, digits and _ make one")
    if name in topics:
        sys.exit(f"there is a lesson {LESSONS[topics.index(name)].stem}: give another name")
    if drafts := [script(path).name for path in LESSONS if edited(path)[0]]:
        sys.exit(f"edited drafts would no longer fit: build or delete {', '.join(drafts)} first")
    if unsaved := uncommitted():
        sys.exit(f"commit or stash first what is changed: {', '.join(unsaved)}")
    files = contents.texts()
    before, after = LESSONS[: int(nn)], LESSONS[int(nn) :]
    moved = {path: NOTEBOOKS / f"{int(path.stem[:2]) + 1:02}{path.name[2:]}" for path in after}
    for old in reversed(after):
        new = moved[old].relative_to(ROOT).as_posix()
        files[new] = files.pop(old.relative_to(ROOT).as_posix())
    place = NOTEBOOKS / f"{nn}_{name}.ipynb"
    files[place.relative_to(ROOT).as_posix()] = skeleton(name, before[-1:])
    files = contents.made(files)
    for old in LESSONS:
        script(old).unlink(missing_ok=True)  # it is not edited
    for old in reversed(after):
        old.rename(moved[old])
    changed_files = contents.write(files)
    print(f"{place.relative_to(ROOT)} is begun; written: {', '.join(changed_files)}")
    print(f"Next: make draft L={nn}, fill each …, make lesson L={nn}, its section in TEACHING.md")


def uncommitted() -> list[str]:
    """Give the files that git knows and that are not committed as they are."""
    git = ["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "."]
    said = subprocess.run(git, capture_output=True, text=True)  # fails where there is no git
    return [line[3:] for line in said.stdout.splitlines()]


def skeleton(name: str, before: list[Path]) -> str:
    """Give the first form of a lesson, with a … wherever something is to be written."""
    known = f"[{heading(before[0])}]({before[0].name})" if before else "nothing"
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    wrong = code("1 / 0  # …", metadata={"tags": ["raises-exception"]})
    figure = """\
import matplotlib.pyplot as plt

from helpers.plotting import show_figure

_, ax = plt.subplots(figsize=(4, 2), layout="constrained")
ax.plot([0, 1])
show_figure("…: what there is to see, in a sentence")"""
    setup = to_change(LESSONS[0])
    cells = [
        text(f"# {name.replace('_', ' ').capitalize()}\n\nBy the end of this lesson you can …"),
        text(
            "> **You will learn**\n> - …\n> - …\n> - …\n>\n"
            f"> **Before you start**: {known}\n>\n"
            "> **Time**: about 45 minutes to read and do; about ? seconds to run on 2 CPU cores."
        ),
        setup_cell(setup),
        text("…"),
        code(figure),
        text("## …"),
        text("## When it goes wrong\n\n…"),
        wrong,
        text("## What we claimed, checked\n\n…"),
        code("assert True  # …"),
        text(f"## In short\n\n| name | what it is |\n|---|---|\n| … | … |\n\n{contents.LAST}"),
    ]
    for cell in cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["convnets"] = {"question": "…?", "learn": "…", "result": "…"}
    return written(clean(notebook))


# ---------------------------------------------------------------- a fork's address


def address(url: str) -> None:
    """Put the address of the repository into every lesson: the badges and the setup cell.

    Run it in a fork with the fork's own address. An empty address takes the badges out again.
    """
    url = url.rstrip("/").removesuffix(".git")
    if url and not re.fullmatch(r"https://github\.com(/(?!\.+(/|$))[\w.-]+){2}", url):
        sys.exit(f"{url!r} is not of the form https://github.com/NAME/REPOSITORY")
    files = {}
    for lesson in LESSONS:
        notebook = to_change(lesson)
        setup, first = setup_cell(notebook), notebook.cells[0]
        setup.source = ADDRESS.sub(f"git+{url or NO_ADDRESS}", setup.source)
        first.source = BADGES.sub("", first.source, count=1)
        if url:
            first.source = first.source.replace("\n", f"\n\n{_badges(url, lesson.name)}\n", 1)
        files[lesson.relative_to(ROOT).as_posix()] = written(notebook)
    contents.write(files)
    print(f"{url or 'no address'}: written into every lesson")


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


def _jupytext(*arguments) -> None:  # a %pip inside of an `if` would not come back as one
    keep = ["--opt", "comment_magics=false"]
    _run(sys.executable, "-m", "jupytext", "--quiet", *keep, *arguments)


def _run(*command) -> None:
    """Run a command; if it fails it has said why, so stop without a traceback."""
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def main() -> None:
    options = parser(__doc__)
    commands = options.add_subparsers(dest="command", required=True)
    for name in ("draft", "build", "test"):
        one = commands.add_parser(name)
        one.add_argument("lesson", help="its number or its topic")
        if name != "test":
            one.add_argument("--force", action="store_true", help="write over what is edited")
    one = commands.add_parser("insert")
    one.add_argument("number", help="the place, such as 05")
    one.add_argument("name", help="the name of its file without number")
    commands.add_parser("address").add_argument("url")
    said = options.parse_args()
    if said.command == "insert":
        insert(said.number, said.name)
    elif said.command == "address":
        address(said.url)
    elif said.command == "test":
        test(find(said.lesson))
    else:
        {"draft": draft, "build": build}[said.command](find(said.lesson), said.force)


if __name__ == "__main__":
    command(main)
