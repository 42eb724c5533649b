"""The package is written in one dialect, and the map in its docstring is whole."""

import importlib
import inspect
import re

import pytest

import helpers
from notebooks import LESSONS, ROOT, read

MODULES = sorted((ROOT / "helpers").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_module_is_written_in_one_dialect(path):
    text = path.read_text(encoding="utf-8")
    assert "``" not in text, "names stand in single backticks"
    assert not re.search(r"# fmt:|^\s*\*\($", text, re.M), "nothing pleases the formatter"
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    module = importlib.import_module(name)
    public = [getattr(module, name) for name in getattr(module, "__all__", ())]
    typed = {True: set(), False: set()}
    for function in filter(inspect.isfunction, public):
        signature = inspect.signature(function)
        types = [
            signature.return_annotation,
            *(p.annotation for p in signature.parameters.values()),
        ]
        for a_type in types:
            typed[a_type is not inspect.Signature.empty].add(function.__name__)
    assert not typed[True] or not typed[False], f"types are missing: {typed[False]}"


def test_the_map_names_every_module_and_lessons_that_there_are():
    named = re.findall(r"^(\w+)/? {2,}", helpers.__doc__, re.M)
    there = {path.stem for path in (ROOT / "helpers").iterdir() if path.name[0] not in "_."}
    assert len(named) == len(set(named)) and {*named, "convnets"} == there
    titles = {read(lesson).cells[0].source.splitlines()[0].strip("# ") for lesson in LESSONS}
    titles |= {title.split(":")[0] for title in titles}
    assert {*re.findall(r'"(.+?)"', helpers.__doc__)} <= titles
