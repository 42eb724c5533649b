"""Write the table of lessons: python tools/contents.py

tools/contents.json says what a lesson teaches and found; a number such as {birds/conv/test} in it
comes from benchmarks/birds.json. Minutes and titles come from the lessons, seconds from
benchmarks/times.json (see benchmarks/times.py). All of it is written into README.md between the
marks, into the map in the first lesson, and the seconds into each lesson's box.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from pathlib import Path

from lesson import NOTEBOOKS, ROOT

BENCHMARKS = ROOT / "benchmarks"
README = ROOT / "README.md"
BEGIN, END = "<!-- made by: python tools/contents.py -->", "<!-- end -->"
MAP_HEAD = "| lesson | question |\n|---|---|\n"
TIME = re.compile(r"about \d+ seconds to run on 2 CPU cores\. On a GPU: [^.\n]+\.")


def read(path: Path) -> dict:
    """Give a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def text_of() -> dict[str, dict[str, str]]:
    """Give what is written by hand, for each lesson in notebooks/: question, learn, result."""
    written = read(ROOT / "tools" / "contents.json")
    there = {lesson.stem[:2] for lesson in NOTEBOOKS.glob("*.ipynb")}
    if there != set(written):
        raise SystemExit(f"tools/contents.json is about {sorted(written)}, not {sorted(there)}")
    return written


def title(lesson: Path) -> str:
    """Give a lesson's number and title, without what follows a colon."""
    first = "".join(read(lesson)["cells"][0]["source"]).splitlines()[0]
    return f"{lesson.stem[:2]} {first.removeprefix('# ').split(':')[0]}"


def box(lesson: Path) -> str:
    """Give the box of a lesson: what one will learn, and the time."""
    return "".join(read(lesson)["cells"][1]["source"])


def minutes(lesson: Path) -> int:
    """Give the minutes to read and do a lesson, as its box says."""
    return int(re.search(r"about (\d+) minutes to read and do", box(lesson)).group(1))


def number(place: str) -> str:
    """Give a recorded number: `file/experiment/key`, such as birds/conv/test.

    A list of shares becomes its mean in per cent, a list of seconds its median, a count itself.
    """
    try:
        file, experiment, key = place.split("/")
        recorded = read(BENCHMARKS / f"{file}.json")
        if "runs" in recorded:
            value = [run[key] for run in recorded["runs"][experiment]]
        else:
            value = recorded["experiments"][experiment][key]
    except (ValueError, OSError, KeyError):
        raise SystemExit(f"tools/contents.json: nothing is recorded as {{{place}}}") from None
    if isinstance(value, int):
        return f"{value:,}"
    if key == "seconds":
        return f"{statistics.median(value):.0f}"
    return f"{100 * statistics.mean(value):.1f} %"


def seconds(lesson: Path, device: str) -> int | None:
    """Give the recorded seconds on a kind of device, rounded up to 5 (to 10 from 100 on)."""
    entry = read(BENCHMARKS / "times.json").get(device, {}).get(lesson.stem[:2])
    if entry is None:
        return None
    step = 10 if entry["seconds"] > 100 else 5
    return step * math.ceil(entry["seconds"] / step)


def table() -> str:
    """Give the README's table of lessons."""
    lines = ["| lesson | you learn | minutes | seconds | without bfloat16 | on a GPU "]
    lines[0] += "| a measured result |"
    lines += ["|---|---|---|---|---|---|---|"]
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb")):
        text = text_of()[lesson.stem[:2]]
        result = re.sub(r"\{(.+?)\}", lambda found: number(found.group(1)), text["result"])
        run = " | ".join(
            "not measured" if s is None else str(s)
            for s in (seconds(lesson, kind) for kind in ("cpu", "cpu without bfloat16", "gpu"))
        )
        link = f"[{title(lesson)}](notebooks/{lesson.name})"
        lines.append(f"| {link} | {text['learn']} | {minutes(lesson)} | {run} | {result} |")
    return "\n".join(lines)


def question_map() -> str:
    """Give the rows of the map in the first lesson."""
    first, *others = sorted(NOTEBOOKS.glob("*.ipynb"))
    text = text_of()
    rows = [f"| **{title(first)}** | {text[first.stem[:2]]['question']} |"]
    for lesson in others:
        question = text[lesson.stem[:2]]["question"]
        rows.append(f"| [{title(lesson)}]({lesson.name}) | {question} |")
    return MAP_HEAD + "\n".join(rows)


def readme(text: str) -> str:
    """Give the README with the table that belongs into it."""
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def with_map(text: str) -> str:
    """Give the text of a cell with the map as it should be, if it has one."""
    return re.sub(re.escape(MAP_HEAD) + r"(\|.*\n)*\|.*", lambda _: question_map(), text)


def with_seconds(text: str, lesson: Path) -> str:
    """Give the text of a lesson's box with the recorded seconds, where there are some."""
    cpu, gpu = seconds(lesson, "cpu"), seconds(lesson, "gpu")
    if cpu is None:
        return text
    on_gpu = "not measured" if gpu is None else f"about {gpu} seconds"
    time = f"about {cpu} seconds to run on 2 CPU cores. On a GPU: {on_gpu}."
    return TIME.sub(time, text)


def revised(lesson: Path) -> str:
    """Give the file of a lesson with its seconds, and the first one's with the map."""
    notebook = read(lesson)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = with_seconds(with_map("".join(cell["source"])), lesson)
            cell["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb")):
        text = revised(lesson)
        if text != lesson.read_text(encoding="utf-8"):  # else a draft of it would seem too old
            lesson.write_text(text, encoding="utf-8")
    print("The table of lessons, the map and the seconds are as recorded.")


if __name__ == "__main__":
    main()
