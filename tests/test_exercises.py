"""The exercises: stubs, solutions, other right answers, and known wrong ones with their hints."""

import contextlib
import io

import pytest
import torch
from answers import RIGHT, WRONG
from lessons import ALL_EXERCISES, imports

BY_NAME = {exercise.name: exercise for exercise in ALL_EXERCISES}


def verdict(exercise, code):
    """Run an answer as the reader would, in place of the stub; return what the check prints."""
    namespace = {}
    exec(imports(exercise.lesson), namespace)
    call = next(line for line in exercise.stub.splitlines() if line.startswith("check."))
    before = torch.get_rng_state()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(f"{code}\n{call}", namespace)
    lines = printed.getvalue().splitlines()
    assert len(lines) == 1, lines
    assert torch.equal(torch.get_rng_state(), before)  # a check leaves the lesson's seed alone
    return lines[0]


@pytest.mark.parametrize("exercise", ALL_EXERCISES, ids=str)
def test_stub_is_not_attempted(exercise):
    stub = exercise.stub.rsplit("check.", 1)[0]
    assert verdict(exercise, stub) == f"… {exercise.name}: not attempted yet"


@pytest.mark.parametrize("exercise", ALL_EXERCISES, ids=str)
def test_solution_passes(exercise):
    assert verdict(exercise, exercise.solution) == f"✓ {exercise.name}: passed"


@pytest.mark.parametrize("exercise", ALL_EXERCISES, ids=str)
def test_has_enough_known_answers(exercise):
    assert len(RIGHT[exercise.name]) >= 2
    assert len(WRONG[exercise.name]) >= 3


def test_every_known_answer_is_of_an_exercise():
    assert set(RIGHT) == set(WRONG) == set(BY_NAME)


@pytest.mark.parametrize(
    ("name", "code"), [(name, code) for name, codes in RIGHT.items() for code in codes]
)
def test_other_right_answers_pass(name, code):
    assert verdict(BY_NAME[name], code) == f"✓ {name}: passed"


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [(name, code, hint) for name, pairs in WRONG.items() for code, hint in pairs],
)
def test_wrong_answers_get_the_hint_that_names_the_mistake(name, code, hint):
    said = verdict(BY_NAME[name], code)
    assert said.startswith(f"✗ {name}: not yet. ")
    assert hint in said
