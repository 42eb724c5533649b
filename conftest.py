"""How pytest runs the lessons: data first, and no cascade of errors after a failing cell."""

import os

import pytest

# A lesson run as a test draws nothing on a screen and must not use a reader's own style.
os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")


def _is_cell(item) -> bool:
    return type(item).__name__ == "IPyNbCell"


def pytest_sessionstart(session):
    """Fetch the datasets before the first lesson, so that no cell prints a progress bar."""
    if session.config.option.nbval and not session.config.option.collectonly:
        from helpers.sources.datasets import NAMES, prepare

        for name in NAMES:
            prepare(name)


def pytest_collection_finish(session):
    """A cell that is chosen, as by --lf, needs those before it: they come along."""
    items = session.items
    for lesson in dict.fromkeys(item.parent for item in items if _is_cell(item)):
        chosen = [item for item in items if item.parent is lesson]
        cells = list(lesson.collect())
        last = max(i for i, cell in enumerate(cells) if cell.name in {c.name for c in chosen})
        if last >= len(chosen):
            at = items.index(chosen[0])
            items[at : at + len(chosen)] = cells[: last + 1]


def _errors(outputs) -> list[str]:
    return [output["ename"] for output in outputs if output["output_type"] == "error"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A cell that shows an error must still raise it; its message may change with PyTorch."""
    result = yield
    if _is_cell(item) and item.options["check_exception"]:
        shown, raised = _errors(item.cell.outputs), _errors(item.test_outputs)
        assert raised == shown, f"{item.name} shows the errors {shown}, now it raises {raised}"
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if _is_cell(item) and report.when == "call" and report.failed:
        item.parent.first_failure = item.name
    return report


def pytest_runtest_setup(item):
    """After a failing cell the rest of its lesson says nothing new."""
    first = getattr(item.parent, "first_failure", None)
    if _is_cell(item) and first:
        pytest.skip(f"{first} failed before")
