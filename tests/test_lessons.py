"""The form of the lessons: executed, complete, clean, readable without seeing the figures."""

import ast
import json
import re

import pytest

from notebooks import (
    EFFORT,
    FACTS,
    LESSONS,
    ROOT,
    code_cells,
    exercises,
    first_figure,
    markdown,
    read,
    setup_cell,
    tags,
    topic,
    unfolded,
)

pytestmark = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
KNOWN_TAGS = {
    "raises-exception",
    "nbval-ignore-output",
    "nbval-skip",
    "skip-execution",
    "remove-cell",
}
SECTIONS = [
    "## When it goes wrong",
    "## Questions",
    "## What we claimed, checked",
    "## In short",
]


def outputs(lesson):
    return [(cell, output) for cell in code_cells(lesson) for output in cell.outputs]


def test_is_executed_from_top_to_bottom(lesson):
    # nbval does not check a cell without a count at all
    counts = [cell.execution_count for cell in code_cells(lesson)]
    assert counts == list(range(1, len(counts) + 1))


def test_has_no_error_but_the_intended_ones(lesson):
    for cell in code_cells(lesson):
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in tags(cell)), cell.source


def test_provokes_an_error_on_purpose(lesson):
    assert any("raises-exception" in tags(cell) for cell in code_cells(lesson))


def test_begins_with_title_and_box(lesson):
    title, box = (cell.source for cell in read(lesson).cells[:2])
    assert re.match(r"# \w.*\n\n", title)
    for part in ("**You will learn**", "**Before you start**", "**Time**"):
        assert part in box
    assert 3 <= box.count("> - ") <= 5
    assert re.search(r"about \d+ seconds to run on 2 CPU cores", box)


def test_has_its_closing_sections_in_order(lesson):
    text = markdown(lesson)
    places = [text.find(section) for section in SECTIONS]
    assert -1 not in places and places == sorted(places)


def test_ends_with_a_table_and_a_link(lesson):
    last = read(lesson).cells[-1].source
    assert "| name |" in last
    assert re.search(r"\[.+\]\(.+\)\.?$", last.strip())


def test_checks_its_claims_in_the_open(lesson):
    cells = read(lesson).cells
    start = next(i for i, cell in enumerate(cells) if SECTIONS[2] in cell.source)
    asserts = [
        node
        for cell in cells[start:]
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Assert)
    ]
    assert len(asserts) >= 10


def test_has_exercises_with_solutions(lesson):
    found = exercises(lesson)
    assert len(found) >= 3
    assert [e.name for e in found if e.solution is None] == []
    assert markdown(lesson).count("### Your turn") == len(found)


def test_one_exercise_builds_what_the_lesson_goes_on_with(lesson):
    efforts = EFFORT.findall(markdown(lesson))
    assert len(efforts) == len(exercises(lesson))
    assert any(10 <= int(minutes) <= 20 for _, minutes in efforts)
    code = "\n".join(cell.source for cell in code_cells(lesson))
    used = re.findall(r"check\.(\w+)\.passed_or\(", code)
    assert used and set(used) <= {exercise.name for exercise in exercises(lesson)}


def test_ends_with_questions_and_folded_answers(lesson):
    questions = markdown(lesson).split("## Questions\n")[1].split("\n## ")[0]
    shown, answers = unfolded(questions)
    assert 3 <= len(answers) <= 5 and shown.count("?") >= len(answers)
    assert questions.count("<summary>Answer</summary>") == len(answers)


def test_asks_for_predictions(lesson):
    bold = re.findall(r"\*\*([^*]+)\*\*", markdown(lesson))
    words = r"\?|[Pp]redict|[Gg]uess|[Oo]n paper|[Ww]rite|[Ww]ork (it )?out"
    asked = [text for text in bold if re.search(words, text)]
    assert len(asked) >= 2
    code = "\n".join(cell.source for cell in code_cells(lesson))
    assert code.count("guess = ...") == code.count("check.guess(guess, ") >= 3


def test_figures_have_text_alternatives(lesson):
    for cell, output in outputs(lesson):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) >= 20, cell.source
            assert output.data["text/plain"] == f"Figure: {alt}"


def test_figures_are_ended_properly(lesson):
    for cell in code_cells(lesson):
        assert not cell.source.rstrip().endswith(";")
        if "plt." in cell.source and "Rectangle" not in cell.source:
            assert "figsize" in cell.source and "show_figure(" in cell.source, cell.source


def test_volatile_outputs_stand_alone(lesson):
    ignored = [c for c in code_cells(lesson) if "nbval-ignore-output" in tags(c)]
    for cell in ignored:
        assert "assert" not in cell.source
    unchecked = [cell for cell in ignored if "raises-exception" not in tags(cell)]
    assert len(unchecked) <= len(code_cells(lesson)) / 5


def test_cells_are_short(lesson):
    for cell in code_cells(lesson):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= 20, cell.source


def test_is_small(lesson):
    assert lesson.stat().st_size < 1.5e6


def test_metadata_is_clean(lesson):
    raw = json.loads(lesson.read_text(encoding="utf-8"))
    assert set(raw["metadata"]) == {"convnets", "kernelspec", "language_info"}
    assert set(raw["metadata"]["convnets"]) == set(FACTS)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    assert raw["metadata"]["language_info"] == {"name": "python"}
    for cell in raw["cells"]:
        assert set(cell["metadata"]) <= {"tags", "jupyter", "cellView"}
        assert cell["metadata"].get("jupyter", {"source_hidden": True}) == {"source_hidden": True}
        assert set(cell["metadata"].get("tags", [])) <= KNOWN_TAGS
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(set(ids)) == len(ids)


def test_outputs_name_no_machine(lesson):
    for cell, output in outputs(lesson):
        text = json.dumps({k: v for k, v in output.items() if k != "data"})
        text += str(output.get("data", {}).get("text/plain", ""))
        found = re.search(r"/(root|home|Users|tmp|work|usr|opt)/|[A-Z]:\\\\|site-packages", text)
        found = found or re.search(r"[Ll]essons? \d\d", text)  # it would stay if lessons move
        assert not found, f"{found.group()} in the output of:\n{cell.source}"
        assert output.get("name") != "stderr", cell.source


def test_relative_links_lead_somewhere(lesson):
    for target in re.findall(r"\]\(([^)#]+)", markdown(lesson)):
        if not target.startswith(("http:", "https:")):
            assert (lesson.parent / target).exists(), target


def test_leads_to_the_next_lesson(lesson):
    last = read(lesson).cells[-1].source
    position = LESSONS.index(lesson)
    following = LESSONS[position + 1].name if position + 1 < len(LESSONS) else "README.md"
    assert following in last


def test_setup_cell_is_the_same_in_all(lesson):
    setup, first = (setup_cell(read(path)) for path in (lesson, LESSONS[0]))
    assert (setup.source, setup.metadata) == (first.source, first.metadata)


def test_nothing_is_left_to_be_written(lesson):
    """As `tools/lesson.py insert` begins a lesson, it has … wherever something is missing."""
    assert "…" not in "".join(read(lesson).metadata["convnets"].values())
    assert not re.search(r"(?m)^(> - |#+ |\| )?…", markdown(lesson))


def test_picture_is_its_first_figure(lesson):
    assert (ROOT / "pictures" / f"{topic(lesson)}.png").read_bytes() == first_figure(read(lesson))


def test_is_in_the_table_of_the_readme(lesson):
    assert f"notebooks/{lesson.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
