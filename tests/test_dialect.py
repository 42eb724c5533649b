"""The package is written in one dialect, and the map in its docstring is whole."""

import ast
import re

import pytest
from lessons import LESSONS, ROOT, read

import helpers

MODULES = sorted((ROOT / "helpers").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_is_written_in_one_dialect(path):
    text = path.read_text(encoding="utf-8")
    assert "``" not in text, "names stand in single backticks"
    assert not re.search(r"# fmt:|^\s*\*\($", text, re.M), "nothing pleases the formatter"
    whole = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            every += filter(None, [node.args.vararg, node.args.kwarg])
            whole |= {bool(node.returns), *(bool(arg.annotation) for arg in every)}
    assert len(whole) < 2, "of the public functions every argument has a type, or none"


def test_the_map_names_every_module_and_lessons_that_there_are():
    named = re.findall(r"^(\w+)/? {2,}", helpers.__doc__, re.M)
    there = {path.stem for path in (ROOT / "helpers").iterdir() if path.name[0] not in "_."}
    assert len(named) == len(set(named)) and {*named, "convnets"} == there
    titles = {read(lesson).cells[0].source.splitlines()[0].strip("# ") for lesson in LESSONS}
    titles |= {title.split(":")[0] for title in titles}
    assert {*re.findall(r'"(.+?)"', helpers.__doc__)} <= titles
