"""Colab and Kaggle, played: a host with its own torch and without this project.

The setup cell installs the helpers from a git repository of this very tree, with the real pip; then
lessons' first cells run in a folder that knows nothing of a checkout.
"""

import http.server
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from notebooks import LESSONS, ROOT, code_cells

NO_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
ASK = """
import json, matplotlib.pyplot as plt, helpers
from helpers.checks import filters as check
from helpers.results import recorded
from helpers.sources.folder import data_folder
check.output_size(...)
plt.style.use("helpers.convnets")
print(json.dumps([helpers.__file__, len(recorded("birds")["experiments"]), str(data_folder())]))
"""


def setup_cell(address):
    return re.sub(r"git\+\S+", f"git+{address}", code_cells(LESSONS[0])[0].source)


def git(folder, *command):
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *command], cwd=folder, check=True, env=os.environ | NO_GIT)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The files that git tracks here, as they are now, in a repository of its own: its address."""
    folder = tmp_path_factory.mktemp("repository")
    names = ("pyproject.toml", "README.md", "LICENSE", "helpers")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard", *names],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder.as_uri()


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """An environment with all packages of this one, but without this project; it has a kernel."""
    place = tmp_path_factory.mktemp("host")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "env"], check=True)
    (site,) = (place / "env").rglob("site-packages")
    # the packages can be imported from where they lie; an editable installation is not followed
    (site / "host.pth").write_text(str(Path(torch.__file__).parents[1]))
    spec = {"argv": [str(next((place / "env").rglob("python"))), "-m", "ipykernel_launcher"]}
    spec["argv"] += ["-f", "{connection_file}"]
    kernel = place / "kernels" / "host"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({**spec, "display_name": "host"}))
    return place


def play(host, monkeypatch, *sources):
    """Run cells on the host, in an empty folder; give what they print."""
    monkeypatch.setenv("JUPYTER_PATH", str(host))
    monkeypatch.setenv("XDG_CACHE_HOME", str(host / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for variable in ("CNN_DATA", "PYTHONPATH"):
        monkeypatch.delenv(variable, raising=False)
    (host / "work").mkdir(exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    where = {"metadata": {"path": str(host / "work")}}
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(notebook, timeout=300, kernel_name="host", resources=where)
    done = client.execute()
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in done.cells]


def files_of(folder):
    """Give the files of a package, without what Python makes of them."""
    files = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path for path in files if path.suffix != ".pyc"}


def of_torch():
    """What would differ if somebody had installed torch once more."""
    files = (Path(torch.__file__), *Path(torch.__file__).parents[1].glob("torch-*/RECORD"))
    assert len(files) == 2
    return [(file.stat().st_mtime_ns, file.stat().st_size) for file in files]


@pytest.fixture
def private():
    """The address of a repository that may be read with a password only."""

    class AsksForPassword(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), AsksForPassword) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/you/private"
        server.shutdown()


def test_an_address_that_leads_nowhere_is_named(host, private, tmp_path, monkeypatch):
    """At once: a cell on a host that asked for a password would wait for ever."""
    addresses = ["ADDRESS-OF-YOUR-COPY", (tmp_path / "nowhere").as_uri()]
    (pip,) = importlib.util.find_spec("pip").submodule_search_locations
    if "GIT_TERMINAL_PROMPT" in Path(pip, "_internal/vcs/git.py").read_text():  # not in older ones
        addresses.append(private)
    for address in addresses:
        (said,) = play(host, monkeypatch, setup_cell(address))
        plain = re.sub(r"\x1b\[[\d;]*m|\s|│", "", said)  # pip colours and wraps its lines
        assert address in plain and "error" in plain.lower()
    with pytest.raises(CellExecutionError, match="No module named 'helpers'"):
        play(host, monkeypatch, "import helpers")


def test_a_lesson_begins_on_a_host_without_a_clone(host, repository, monkeypatch):
    before = of_torch()
    _, said = play(host, monkeypatch, setup_cell(repository), ASK)
    check, found = said.splitlines()
    module, records, data = json.loads(found)
    assert check == "… output_size: not attempted yet"
    assert Path(module).is_relative_to(host / "env") and records > 3
    assert files_of(Path(module).parent) == files_of(ROOT / "helpers")
    assert Path(data).is_relative_to(host / "cache") and not Path(data).exists()
    assert of_torch() == before
    # once more: nothing is left to do
    again, said_again = play(host, monkeypatch, setup_cell(repository), ASK)
    assert again == "" and said_again == said
    assert not any((host / "work").iterdir())  # the reader's folder stays as it is


def test_the_setup_cell_is_short_and_folded():
    for lesson in LESSONS:
        cell = code_cells(lesson)[0]
        assert len([line for line in cell.source.splitlines() if line.strip()]) <= 3
        assert cell.metadata == {
            "cellView": "form",
            "jupyter": {"source_hidden": True},
            "tags": ["remove-cell"],
        }
