"""The house: README, requirements, setup cell, tools – what a newcomer meets first."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from lessons import LESSONS, code_cells, read

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


def test_benchmark_tables_are_made_of_the_recorded_results():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from tables import HERE, readme

    assert (HERE / "README.md").read_text(encoding="utf-8") == readme()


def test_python_version_is_the_one_promised():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.10"' in project and "Python 3.10 or later" in README


def run_setup_cell(folder, environment, address):
    source = code_cells(LESSONS[0])[0].source
    source = re.sub(r'^REPOSITORY = ".*?"', f"REPOSITORY = {address!r}", source, flags=re.M)
    program = f"{source}\nimport helpers\nprint(helpers.__file__)"
    command = [sys.executable, "-I", "-S", "-c", program]  # without the installed package
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def repository(tmp_path):
    """A small repository with a package `helpers`, as a host would clone it."""
    folder = tmp_path / "repository"
    (folder / "helpers").mkdir(parents=True)
    (folder / "helpers" / "__init__.py").touch()
    (folder / "cv2.py").touch()  # stands for the host's OpenCV: nothing is to be installed
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder.as_uri()


def test_setup_cell_does_nothing_at_home(tmp_path, repository):
    done = run_setup_cell(tmp_path, {}, repository)
    assert "No module named 'helpers'" in done.stderr
    assert not (tmp_path / "lessons").exists()


@pytest.mark.parametrize("host", ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"])
def test_setup_cell_fetches_the_helpers_on_a_host(tmp_path, repository, host):
    environment = {host: "1", "PATH": os.environ["PATH"]}
    for _ in range(2):  # a second run finds the clone
        done = run_setup_cell(tmp_path, environment, repository)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_relative_to(tmp_path / "lessons")


def test_setup_cell_says_what_is_missing_without_an_address(tmp_path):
    done = run_setup_cell(tmp_path, {"COLAB_RELEASE_TAG": "1"}, "")
    assert "address of this project's repository" in done.stderr
