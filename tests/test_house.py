"""The house: README, requirements, tools – what a newcomer meets first."""

import re
import sys
from pathlib import Path

import pytest
from lessons import LESSONS, read

ROOT = Path(__file__).resolve().parents[1]
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
    folders = "notebooks helpers data pictures benchmarks site tests tools"
    for folder in folders.split():
        assert f"`{folder}/`" in README


def test_ci_finds_the_test_line_of_the_readme():
    assert len(re.findall(r"^python3 -m venv .*pytest --nbval$", README, re.M)) == 1


def test_no_module_is_long():
    for module in (ROOT / "helpers").rglob("*.py"):
        assert len(module.read_text(encoding="utf-8").splitlines()) <= 300, module.name


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_picture_is_the_lessons_first_figure(lesson):
    sys.path.insert(0, str(ROOT / "tools"))
    from lesson import first_figure

    assert (ROOT / "pictures" / f"{lesson.stem}.png").read_bytes() == first_figure(read(lesson))


def test_python_version_is_the_one_promised():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in project and "Python 3.10 or later" in README
