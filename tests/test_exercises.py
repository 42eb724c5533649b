"""The exercises: stubs, solutions, each row of the checks' tables, and the answers beside them."""

import contextlib
import importlib
import io
import pkgutil
import re
import runpy

import answers
import answers_of_repairs
import numpy as np
import pytest
import torch
from torch import nn

from helpers import checks
from helpers.checks.engine import Check, Hint, output_of
from notebooks import LESSONS, exercises, imports

RIGHT = answers.RIGHT | answers_of_repairs.RIGHT
WRONG = answers.WRONG | answers_of_repairs.WRONG
ALL_EXERCISES = [exercise for lesson in LESSONS for exercise in exercises(lesson)]
BY_NAME = {exercise.name: exercise for exercise in ALL_EXERCISES}
TABLES = [
    importlib.import_module(f"helpers.checks.{module.name}")
    for module in pkgutil.iter_modules(checks.__path__)
    if module.name not in ("engine", "enclosure", "explain")
]
CHECKS = {
    name: check
    for table in TABLES
    for name, check in vars(table).items()
    if isinstance(check, Check)
}


def verdict(check, *arguments):
    """Return the first line that a check, or what calls one, prints; there is one verdict."""
    lines = printed_by(check, *arguments)
    assert [line for line in lines if line[0] in "…✗✓"] == lines[:1], lines
    assert all(line.startswith("    ") for line in lines[1:]), lines
    return lines[0]


def printed_by(check, *arguments):
    before = torch.get_rng_state()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        check(*arguments)
    assert torch.equal(torch.get_rng_state(), before)  # a check leaves the lesson's seed alone
    return printed.getvalue().splitlines()


def verdict_of_code(exercise, code):
    """Run code as the reader would, in place of the stub."""
    namespace = {}
    exec(imports(exercise.lesson), namespace)
    call = next(line for line in exercise.stub.splitlines() if line.startswith("check."))
    return verdict(exec, f"{code}\n{call}", namespace)


@pytest.mark.parametrize("exercise", ALL_EXERCISES, ids=str)
def test_stub_is_not_attempted(exercise):
    stub = exercise.stub.rsplit("check.", 1)[0]
    assert verdict_of_code(exercise, stub) == f"… {exercise.name}: not attempted yet"


@pytest.mark.parametrize("exercise", ALL_EXERCISES, ids=str)
def test_solution_passes(exercise):
    assert verdict_of_code(exercise, exercise.solution) == f"✓ {exercise.name}: passed"


def test_every_check_is_of_an_exercise_and_has_known_answers():
    assert set(CHECKS) == set(BY_NAME) == set(RIGHT)
    assert set(WRONG) < set(CHECKS)
    assert all(check.name == name for name, check in CHECKS.items())
    assert all(len(check.mistakes) >= 3 for check in CHECKS.values())


@pytest.mark.parametrize(
    ("name", "wrong", "hint"),
    [(name, *row[:2]) for name, check in CHECKS.items() for row in check.mistakes],
)
def test_every_row_given_as_an_answer_gets_its_own_hint(name, wrong, hint):
    pattern = re.escape(f"✗ {name}: not yet. {hint}").replace(re.escape("{}"), ".+")
    assert re.fullmatch(pattern, verdict(CHECKS[name], wrong))


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in RIGHT.items() for answer in answers]
    + [(name, check.right) for name, check in CHECKS.items() if check.right],
)
def test_other_right_answers_pass(name, answer):
    assert verdict(CHECKS[name], answer) == f"✓ {name}: passed"


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [(name, *pair) for name, pairs in WRONG.items() for pair in pairs],
)
def test_other_wrong_answers_get_a_hint_that_fits(name, answer, hint):
    said = verdict(CHECKS[name], answer)
    assert said.startswith(f"✗ {name}: not yet. ")
    assert hint in said


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__.split(".")[-1])
def test_loading_a_table_leaves_the_lessons_seed_alone(table):
    before = torch.get_rng_state()
    runpy.run_path(table.__file__)
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- the engine

DOUBLE = Check(
    "double",
    first_step="Twice, not plus two.",
    cases=[(1,), (2,)],
    right=lambda x: 2 * x,
    mistakes=[
        (lambda x: x + 2, "You add 2."),
        (lambda x: 5 * x, "{} is too much.", lambda answer, x: answer(x) == 10 and answer(x)),
    ],
)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (..., "… double: not attempted yet"),
        (lambda x: ..., "… double: not attempted yet"),
        (lambda x: [1, ...], "… double: not attempted yet"),
        (lambda x: 2 * x, "✓ double: passed"),
        (lambda x: torch.tensor(2.00001 * x), "✓ double: passed"),
        (lambda x: 2.001 * x, "✗ double: not yet. For (1) it returns 2.001, it should be 2."),
        (lambda x: x + 2, "✗ double: not yet. You add 2."),
        (lambda x: 5 * x, "✗ double: not yet. 10 is too much."),
        (lambda x: x, "✗ double: not yet. For (1) it returns 1, it should be 2."),
        (lambda x: None, "✗ double: not yet. The function returns nothing: is there a"),
        (
            lambda x: [2 * x],
            "✗ double: not yet. One number is asked for; the result has the shape (1,).",
        ),
        (lambda x: float("nan"), "✗ double: not yet. For (1) it returns nan"),
        (lambda x: 1 / 0, "✗ double: not yet. For (1) it stops with ZeroDivisionError"),
        (lambda x: 2 * x if x < 3 else 1 / 0, "✓ double: passed"),
        (lambda x: "two", "✗ double: not yet. 'two' is a text, not a number."),
        (lambda x: [["two"]], "✗ double: not yet. 'two' is a text, not a number."),
        (lambda x: [[1], [1, 2]], "✗ double: not yet. The result is of the type list: numbers"),
        (lambda: 2, "✗ double: not yet. For (1) it stops with TypeError"),
        (None, "✗ double: not yet. For (1) it stops with TypeError"),
        (7, "✗ double: not yet. For (1) it stops with TypeError"),
    ],
)
def test_verdicts(answer, line):
    assert verdict(DOUBLE, answer).startswith(line)


def test_an_answer_that_changes_its_arguments_spoils_no_case():
    def halve_in_place(picture):
        picture /= 2
        return picture

    mistakes = [(lambda p: p, "{}", lambda answer, p: answer(p).max() > 0.5)]
    cases = [(np.ones((2, 2)),)] * 2
    halve = Check("halve", "", cases=cases, right=lambda p: p / 2, mistakes=mistakes)
    assert "`picture`, which was given, has changed" in verdict(halve, halve_in_place)
    assert (cases[0][0] == 1).all()


def test_a_layer_is_run_and_its_bias_refused():
    X = torch.ones(1, 1, 4, 4)
    plain = output_of(lambda n: nn.Conv2d(1, n, 3, bias=False), 2, X)
    assert plain.shape == (1, 2, 2, 2)
    with pytest.raises(Hint, match="bias=False"):
        output_of(lambda n: nn.Conv2d(1, n, 3), 2, X)
    with pytest.raises(Hint, match="of the type Linear"):
        output_of(lambda n: nn.Linear(n, n), 2, X)
