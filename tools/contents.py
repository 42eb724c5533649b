"""Write everything that is made from the lessons: python tools/contents.py, or `make contents`.

A lesson's title, box and exercises stand in its cells; its question, what one learns and its result
in its metadata; its seconds in helpers/recorded/times.json. A number such as {birds/conv/test} in a
result comes from helpers/recorded/birds.json.

Made from these are the README's table, the map in the first lesson, headings and minutes in
TEACHING.md, the seconds in each lesson's box, the link at its end. Where another file names a
lesson by a number or a title that it no longer has (the README's table tells which it had), the
name is mended. `tools/lesson.py insert` needs nothing else to move the lessons behind a new one.
"""

from __future__ import annotations

import copy
import json
import math
import re
import statistics

from helpers.sources.terminal import command
from helpers.sources.writing import write as write_file
from notebooks import FACTS, ROOT, minutes, parse, parser, title, written

RECORDED = ROOT / "helpers" / "recorded"
BEGIN, END = "<!-- made by: python tools/contents.py -->", "<!-- end -->"
MAP_HEAD = "| lesson | question |\n|---|---|\n"
TIME = re.compile(r"about [\d?]+ seconds to run on 2 CPU cores\.(?: On a GPU[^.\n]+\.)?")
LAST = "This is the last lesson. Back to the [table of lessons](../README.md)."
ROW = re.compile(r"(?m)^\| \[(\d\d) (.+?)\]\(notebooks/\d\d_(\w+)\.ipynb\)")
SHOWN = re.compile(r"<!-- (examples/\w+\.py) -->")  # a cell that shows a file
# of machines, as benchmarks/record.py names them, and the heads of their columns
KINDS = {"": "seconds", " 32 bits": "without bfloat16", " cuda": "on a GPU"}
SECTION = (
    "**Time**: 0 minutes.\n\n**Prepare**: …\n\n**Its checks catch**: …\n\n"
    "**Ask, then run**:\n\n- …\n\n**Go slowly at**: …"
)
TEXTS = (  # the files in which a lesson may be named
    "*.md *.toml Makefile notebooks/*.ipynb data/*.md site/*.md site/conf.py helpers/**/*.py "
    "examples/*.py benchmarks/*.py benchmarks/*.md tests/*.py tools/*.py tools/*.md"
).split()


def texts() -> dict[str, str]:
    """Give the text of every file in which a lesson may be named, by its place."""
    places = sorted({path for pattern in TEXTS for path in ROOT.glob(pattern)})
    return {p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8") for p in places}


def lessons(files: dict[str, str]) -> dict[str, tuple[str, str, object]]:
    """Give the lessons among files by topic, in their order: number, title, notebook."""
    found = {}
    for place in sorted(files):
        if name := re.fullmatch(r"notebooks/(\d\d)_(\w+)\.ipynb", place):
            notebook = parse(files[place])
            facts = notebook.metadata.get("convnets", {})
            if missing := [fact for fact in FACTS if not facts.get(fact)]:
                raise SystemExit(f'{place}: metadata "convnets" lack {", ".join(missing)}')
            found[name[2]] = (name[1], title(notebook), notebook)
    return found


def recorded(file: str) -> dict[str, dict]:
    """Give the recorded experiments of a file in helpers/recorded."""
    found = json.loads((RECORDED / f"{file}.json").read_text(encoding="utf-8"))
    if found.get("schema") != 2:
        raise SystemExit(f"helpers/recorded/{file}.json is not of schema 2: measure it anew")
    return found["experiments"]


def number(place: str) -> str:
    """Give a recorded number: `file/experiment/key`, such as birds/conv/test.

    A list of shares becomes its mean in per cent, a list of seconds its median, a count itself.
    """
    try:
        file, experiment, key = place.split("/")
        value = recorded(file)[experiment][key]
    except (ValueError, OSError, KeyError):
        raise SystemExit(f"a lesson's result: nothing is recorded as {{{place}}}") from None
    if isinstance(value, int):
        return f"{value:,}"
    if key == "seconds":
        return f"{statistics.median(value):.0f}"
    return f"{100 * statistics.mean(value):.1f} %"


def result(notebook) -> str:
    """Give a lesson's result, with the recorded numbers in it."""
    text = notebook.metadata["convnets"]["result"]
    return re.sub(r"\{(.+?)\}", lambda found: number(found.group(1)), text)


def seconds(topic: str, kind: str) -> int | None:
    """Give a lesson's recorded seconds on a kind of machine, rounded up to 5 (10 from 100 on)."""
    entry = recorded("times").get(topic + kind)
    if entry is None:
        return None
    measured = statistics.median(entry["seconds"])
    step = 10 if measured > 100 else 5
    return step * math.ceil(measured / step)


def table(known: dict) -> str:
    """Give the README's table of lessons; a kind of machine without any record has no column."""
    kinds = [kind for kind in KINDS if any(seconds(topic, kind) for topic in known)]
    heads = ["lesson", "you learn", "minutes", *(KINDS[kind] for kind in kinds)]
    rows = [[*heads, "a measured result"], ["---"] * (len(heads) + 1)]
    for topic, (nn, name, notebook) in known.items():
        row = [f"[{nn} {name}](notebooks/{nn}_{topic}.ipynb)"]
        row += [notebook.metadata["convnets"]["learn"], minutes(notebook)]
        row += [seconds(topic, kind) or "–" for kind in kinds]
        rows.append([*row, result(notebook)])
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def question_map(known: dict, at: str) -> str:
    """Give the map of lessons that stands in the lesson `at`."""
    rows = []
    for topic, (nn, name, notebook) in known.items():
        here = f"**{nn} {name}**" if topic == at else f"[{nn} {name}]({nn}_{topic}.ipynb)"
        rows.append(f"| {here} | {notebook.metadata['convnets']['question']} |")
    return MAP_HEAD + "\n".join(rows)


def with_table(readme: str, known: dict) -> str:
    """Give the README with the table that belongs into it."""
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table(known)}\n\n{END}{rest.split(END)[1]}"


def with_seconds(text: str, topic: str) -> str:
    """Give the text of a lesson's box with the recorded seconds, where there are some."""
    cpu, gpu = seconds(topic, ""), seconds(topic, " cuda")
    time = f"about {cpu} seconds to run on 2 CPU cores."
    if gpu:
        card = " ".join(recorded("times")[f"{topic} cuda"]["machine"]["device"].split()[:2])
        time += f" On a GPU ({card}): about {gpu} seconds."
    return TIME.sub(time, text) if cpu else text


def with_next(text: str, known: dict, topic: str) -> str:
    """Give the end of a lesson with the link to the one that follows."""
    following = [*known, None][[*known].index(topic) + 1]
    line = LAST
    if following:
        nn, name, _ = known[following]
        line = f"Next: [{nn} {name}]({nn}_{following}.ipynb)"
    return re.sub(rf"(?m)^(Next: \[.+?\]\(.+?\)|{re.escape(LAST)})", lambda _: line, text)


def with_sections(teaching: str, known: dict) -> str:
    """Give TEACHING.md with a section for each lesson, in order, and its minutes."""
    before, *parts = teaching.partition("## The lessons\n")[2].split("\n### ")
    sections = dict(part.strip().split("\n\n", 1) for part in parts)
    text = teaching.partition("## The lessons\n")[0] + "## The lessons\n" + before
    for nn, name, notebook in known.values():
        section = sections.pop(f"{nn} {name}", SECTION)
        time = f"**Time**: {minutes(notebook)} minutes"
        text += (
            f"\n### {nn} {name}\n\n{re.sub(r'[*]{2}Time[*]{2}: [0-9]+ minutes', time, section)}\n"
        )
    if sections:
        raise SystemExit(f"TEACHING.md has sections of no lesson: {', '.join(sections)}")
    return text


def mender(known: dict, readme: str):
    """Give the function that mends the names of lessons in a text.

    The README's table has the numbers and titles as they were. A title of several words is known
    wherever it stands; one of a single word, such as Pooling, behind "lesson" or a number, and
    in quotes and brackets ("Pooling").
    """
    old = {topic: (nn, name) for nn, name, topic in ROW.findall(readme) if topic in known}
    moved = {nn: known[topic][0] for topic, (nn, _) in old.items()}
    titles = {name: known[topic][1] for topic, (_, name) in old.items()}
    names = "|".join(re.escape(name) for name in {**titles, **dict.fromkeys(titles.values())})
    changed = [(after, before) for before, after in titles.items() if after != before]
    wide = [name for pair in changed if " " in pair[1] for name in pair]  # the new one may hold it
    some = "|".join(known)
    pattern = re.compile(
        rf"\[\d\d [^\]\n]+\]\((?P<at>[./\w]*?)\d\d_(?P<linked>{some})\b"
        rf"|\b\d\d_(?P<topic>{some})\b"
        rf"|\b(?P<pair>\d\d) (?P<name>{names})(?!\w)"
        r"|(?P<lead>\b[Ll]esson(?P<s>s)?\s+|\bL=)"
        r"(?P<list>\d\d(?(s)(?:(?:, | and | or | to )\d\d)*))(?![\d_])"
        r"|(?P<word>\b[Ll]esson \W?| \(\x22(?=[^\x22\n]+\x22\)))"
        rf"(?P<called>{names})(?!\w)"
        rf"|(?P<wide>{'|'.join(map(re.escape, wide)) or '(?!)'})"
    )

    def mended(found) -> str:
        part = found.groupdict()
        if part["linked"]:
            nn, name, _ = known[part["linked"]]
            return f"[{nn} {name}]({part['at']}{nn}_{part['linked']}"
        if part["topic"]:
            return f"{known[part['topic']][0]}_{part['topic']}"
        if part["name"]:
            return (
                f"{moved.get(part['pair'], part['pair'])} {titles.get(part['name'], part['name'])}"
            )
        if part["list"]:
            shifted = re.sub(r"\d\d", lambda nn: moved.get(nn[0], nn[0]), part["list"])
            return part["lead"] + shifted
        if part["called"]:
            return part["word"] + titles.get(part["called"], part["called"])
        return titles.get(part["wide"], part["wide"])

    return lambda text: pattern.sub(mended, text)


def revised(notebook, known: dict, topic: str, mend) -> str:
    """Give the file of a lesson with what is made from the lessons in it."""
    notebook = copy.deepcopy(notebook)
    for fact in FACTS:
        notebook.metadata["convnets"][fact] = mend(notebook.metadata["convnets"][fact])
    for i, cell in enumerate(notebook.cells):
        own, *rest = cell.source.partition("\n") if i == 0 else ("", cell.source)
        cell.source = own + mend("".join(rest))
        if MAP_HEAD in cell.source:
            end = re.escape(MAP_HEAD) + r"(\|.*\n)*\|.*"
            cell.source = re.sub(end, lambda _: question_map(known, topic), cell.source)
        if shown := SHOWN.match(cell.source):
            code = (ROOT / shown[1]).read_text(encoding="utf-8")
            cell.source = f"{shown[0]}\n\n```python\n{code}```"
    notebook.cells[1].source = with_seconds(notebook.cells[1].source, topic)
    notebook.cells[-1].source = with_next(notebook.cells[-1].source, known, topic)
    return written(notebook)


def made(files: dict[str, str]) -> dict[str, str]:
    """Give all files with everything in them that is made from the lessons."""
    known = lessons(files)
    mend = mender(known, files["README.md"])
    new = {}
    for place, text in files.items():
        topic = place.removesuffix(".ipynb")[13:]
        if place.startswith("notebooks/") and topic in known:
            new[place] = revised(known[topic][2], known, topic, mend)
        else:
            new[place] = mend(text)
    known = lessons(new)  # their facts may name lessons
    new["TEACHING.md"] = with_sections(new["TEACHING.md"], known)
    new["README.md"] = with_table(new["README.md"], known)
    return new


def write(files: dict[str, str]) -> list[str]:
    """Write what has changed, and the README last, which says what the others know already."""
    changed = []
    for place in sorted(files, key=lambda place: (place == "README.md", place)):
        path = ROOT / place
        if not path.exists() or files[place] != path.read_text(encoding="utf-8"):
            write_file(path, files[place])
            changed.append(place)
    return changed


def main() -> None:
    changed = write(made(texts()))
    print("Made from the lessons:", ", ".join(changed) or "nothing has changed")


if __name__ == "__main__":
    parser(__doc__).parse_args()
    command(main)
