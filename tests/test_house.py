"""The house: README, requirements, tools – what a newcomer meets first."""

import ast
import re

from notebooks import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def requirements():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_requirements_end_with_the_package_itself():
    assert requirements()[-1] == "-e ."


def test_requirements_are_ranges():
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+", line) for line in requirements()[:-1])


def test_readme_gives_a_reason_for_every_requirement():
    table = README.split("## What it is built on")[1].split("## Licence")[0]
    listed = {
        n for row in re.findall(r"^\| ([a-z][\w, -]+) \|", table, re.M) for n in row.split(", ")
    }
    assert {line.split(">=")[0] for line in requirements()[:-1]} == listed - {"package"}


def test_readme_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https:") or (ROOT / target).exists(), target


def test_readme_lists_every_folder():
    folders = "notebooks helpers examples data pictures benchmarks site tests tools"
    for folder in folders.split():
        assert f"`{folder}/`" in README


def test_ci_finds_the_test_line_of_the_readme():
    assert len(re.findall(r"^python3 -m venv .*pytest --nbval$", README, re.M)) == 1


def imported(path):
    """The modules of this project that a file imports, with dots."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_imports_in_helpers_go_one_way():
    """Each folder of helpers uses itself, and what stands here; nothing else of this project."""
    parts = sorted(path.stem for path in (ROOT / "helpers").glob("[a-z]*.py"))
    assert len(parts) <= 10
    uses = {
        "helpers": [*parts, "sources"],
        "checks": parts,
        "lessons": [*parts, "sources"],
        "sources": [],
    }
    for path in (ROOT / "helpers").rglob("*.py"):
        allowed = {*uses[path.parent.name], path.parent.name}
        if path.stem == "machine":
            allowed -= {"data", "signs"}
        for name in imported(path):
            root, _, rest = name.partition(".")
            assert root not in ("tools", "tests", "benchmarks", "examples"), (path, name)
            assert root != "helpers" or rest.split(".")[0] in allowed, (path, name)


def test_python_version_is_the_one_promised():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in project and "Python 3.10 or later" in README
