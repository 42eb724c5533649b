"""Colab and Kaggle, played: the setup cell where its host, its repository and pip are stand-ins."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lessons import LESSONS, ROOT, code_cells
from nbclient import NotebookClient

HOSTS = ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"]
ASK = "\nimport helpers\nprint(helpers.__file__)"


def setup_cell(address):
    source = code_cells(LESSONS[0])[0].source
    return re.sub(r'^REPOSITORY = ".*?"', f"REPOSITORY = {address!r}", source, flags=re.M)


def git(folder, *command):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *command], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path):
    """This project as a repository of its own; its address is returned."""
    folder = tmp_path / "repository"
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "helpers", folder / "helpers", ignore=no_caches)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder.as_uri()


@pytest.fixture
def host(tmp_path):
    """A host: its packages, a `pip` that writes down what it is asked for, its folders."""
    packages, temporary, working = (tmp_path / n for n in ("packages", "temporary", "working"))
    for folder in (packages, temporary, working):
        folder.mkdir()
    (packages / "cv2.py").touch()  # the host has OpenCV
    calls = tmp_path / "pip.txt"
    recorder = f"import sys; open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    (packages / "pip.py").write_text(recorder)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(packages)}
    return environment | {"TMPDIR": str(temporary), "CALLS": str(calls), "AT": str(working)}


def play(host, source, **more):
    """Run a cell on the host as a program of its own, without what is installed here."""
    command = [sys.executable, "-S", "-c", source]
    return subprocess.run(
        command, cwd=host["AT"], env={**host, **more}, capture_output=True, text=True
    )


def asked_of_pip(host):
    calls = Path(host["CALLS"])
    return calls.read_text().splitlines() if calls.exists() else []


def test_at_home_nothing_happens(host, repository):
    done = play(host, setup_cell(repository) + ASK)
    assert "No module named 'helpers'" in done.stderr
    assert list(Path(host["TMPDIR"]).iterdir()) == list(Path(host["AT"]).iterdir()) == []


@pytest.mark.parametrize("name", HOSTS)
def test_helpers_come_from_the_clone(host, repository, name, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for folder in (host["AT"], host["AT"], str(tmp_path / "elsewhere")):
        done = play(host | {"AT": folder}, setup_cell(repository) + ASK, **{name: "1"})
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_relative_to(host["TMPDIR"])
        assert list(Path(folder).iterdir()) == []  # the reader's folder stays as it is
    assert len(list(Path(host["TMPDIR"]).iterdir())) == 1  # one clone for all
    assert asked_of_pip(host) == []


def test_a_second_run_fetches_what_is_new(host, repository):
    play(host, setup_cell(repository), COLAB_RELEASE_TAG="1")
    folder = Path(repository.removeprefix("file://"))
    (folder / "helpers" / "__init__.py").write_text("NEW = 1\n")
    git(folder, "commit", "-qam", "second")
    ask = setup_cell(repository) + "\nimport helpers\nprint(helpers.NEW)"
    assert play(host, ask, COLAB_RELEASE_TAG="1").stdout.strip() == "1"


def test_without_a_network_the_clone_that_is_there_does(host, repository):
    play(host, setup_cell(repository), COLAB_RELEASE_TAG="1")
    shutil.rmtree(repository.removeprefix("file://"))
    done = play(host, setup_cell(repository) + ASK, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0 and host["TMPDIR"] in done.stdout


def test_only_what_is_missing_is_installed_and_nothing_along_with_it(host, repository):
    os.remove(Path(host["PYTHONPATH"]) / "cv2.py")
    done = play(host, setup_cell(repository), KAGGLE_KERNEL_RUN_TYPE="Interactive")
    assert done.returncode == 0, done.stderr
    assert asked_of_pip(host) == ["install -q --no-deps opencv-python-headless"]


def test_a_missing_address_is_named(host):
    done = play(host, setup_cell(""), COLAB_RELEASE_TAG="1")
    assert "address of this project's repository" in done.stderr


def test_a_failed_clone_says_what_to_look_at(host, tmp_path):
    nowhere = (tmp_path / "nowhere").as_uri()
    done = play(host, setup_cell(nowhere) + ASK, KAGGLE_KERNEL_RUN_TYPE="Batch")
    assert done.returncode == 1 and "does not appear to be a git repository" in done.stderr
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .endswith("Is the Internet on (Kaggle: Settings)? Is REPOSITORY right?")
    )
    assert list(Path(host["TMPDIR"]).iterdir()) == []  # so that the next try starts anew


def test_a_lesson_begins_on_a_host(host, repository, monkeypatch):
    """In a kernel and with the real packages: helpers and data lie in the clone."""
    for variable in ("TMPDIR", "PATH"):
        monkeypatch.setenv(variable, host[variable])
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    for variable in ("CNN_DATA", "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
    ask = "import helpers.sources.folder as f\nprint(f.__file__, f.data_folder(), sep='\\n')"
    cells = [nbformat.v4.new_code_cell(source) for source in (setup_cell(repository), ask)]
    where = {"metadata": {"path": host["AT"]}}
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells), timeout=120, kernel_name="python3", resources=where
    )
    done = client.execute()
    module, data = "".join(output["text"] for output in done.cells[1].outputs).split()
    clone = next(Path(host["TMPDIR"]).glob("convnets"))
    assert Path(module).parent == clone / "helpers" / "sources" and Path(data) == clone / "data"
