"""How `pytest --nbval` runs lessons: what `conftest.py` adds to nbval."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from notebooks import ROOT


def cell(source, number, *, shows=None):
    """A cell; `shows` names the error that it shows on purpose, with whatever message."""
    made = v4.new_code_cell(source, execution_count=number)
    if shows:
        made.metadata["tags"] = ["raises-exception", "nbval-ignore-output"]
        made.outputs = [v4.new_output("error", ename=shows, evalue="as before", traceback=[])]
    return made


LESSONS = {
    "same": [cell("1 / 0", 1, shows="ZeroDivisionError")],
    "none": [cell("1 / 1", 1, shows="ZeroDivisionError")],
    "other": [cell("int('a')", 1, shows="ZeroDivisionError")],
    "broken": [cell("x = 1", 1), cell("y", 2), cell("x", 3)],
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What pytest says of these lessons, in a project of their own."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "conftest.py", folder)
    for name, cells in LESSONS.items():
        nbformat.write(v4.new_notebook(cells=cells), folder / f"{name}.ipynb")
    line = ["-m", "pytest", "--nbval", "--nbval-current-env", "-rA", f"--rootdir={folder}"]
    line += ["-o", f"cache_dir={folder}/cache"]
    return [
        subprocess.run(
            [sys.executable, *line, *chosen],
            cwd=ROOT,  # where the datasets are
            capture_output=True,
            text=True,
        ).stdout
        for chosen in ([folder], [folder / "broken.ipynb", "--lf"])
    ]


def test_an_error_that_is_shown_must_still_come(said):
    said, _ = said
    assert re.search("PASSED .*same.ipynb::Cell 0", said)
    assert re.search("FAILED .*none.ipynb::Cell 0", said)
    assert "shows the errors ['ZeroDivisionError'], now it raises []" in said
    assert re.search("FAILED .*other.ipynb::Cell 0", said)
    assert "now it raises ['ValueError']" in said


def test_after_a_failing_cell_the_rest_is_skipped(said):
    said, _ = said
    assert re.search("PASSED .*broken.ipynb::Cell 0", said)
    assert re.search("FAILED .*broken.ipynb::Cell 1", said)
    assert "Cell 1 failed before" in said
    assert "3 failed, 2 passed, 1 skipped" in said


def test_a_cell_that_failed_runs_again_with_those_before_it(said):
    _, again = said
    assert re.search("PASSED .*broken.ipynb::Cell 0", again)
    assert re.search("FAILED .*broken.ipynb::Cell 1", again)
    assert "name 'y' is not defined" in again and "1 failed, 1 passed" in again
