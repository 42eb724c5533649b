"""The engine of the checks: what an answer may do, what stays, what the reader is told."""

import asyncio
import fractions
import inspect
import os
import random
import re
import signal
import sys
import time
import warnings

import IPython
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from answers import CHANGING, RIGHT
from test_exercises import CHECKS, DOUBLE, printed_by, verdict

from helpers.checks import enclosure, engine
from helpers.checks.enclosure import enclosed, unchanged
from helpers.checks.engine import Check, Hint, numbers_of

# ---------------------------------------------------------------- what it is given


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, answer) for name, answers in CHANGING.items() for answer in answers],
)
def test_an_answer_that_changes_what_it_is_given_is_told_so(name, answer):
    before = [unchanged(case, case) for case in CHECKS[name].cases]
    assert re.search(r"`[\w ]+`, which was given, has changed: ", verdict(CHECKS[name], answer))
    assert all(before)


@pytest.mark.parametrize(
    ("now", "before", "is_same"),
    [
        (1.0, 1.0, True),
        ([1, [2]], [1, [2]], True),
        ([1, [2]], [1, [3]], False),
        ([1], (1,), False),
        ({"a": 1}, {"a": 2}, False),
        (np.zeros(2), np.zeros(2), True),
        (np.zeros(2), np.zeros(2, dtype="float32"), False),
        (torch.zeros(2), torch.zeros(2, 1), False),
        (torch.zeros(2), torch.zeros(2).double(), False),
        (torch.zeros(2), torch.zeros(2, requires_grad=True), False),
        (torch.nn.Dropout(), torch.nn.Dropout().eval(), False),
        (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1).requires_grad_(False), False),
        (torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1), True),
    ],
)
def test_what_counts_as_a_change(now, before, is_same):
    assert unchanged(now, before) == is_same


# ---------------------------------------------------------------- what stays


def state():
    settings = [read() for read, _ in enclosure.SETTINGS + enclosure.OTHERS]
    figures = [plt.get_fignums(), dict(matplotlib.rcParams)]
    return [*settings, *figures, list(warnings.filters), torch.is_warn_always_enabled()]


LEFT_BEHIND = {
    "random numbers": lambda: random.seed(7),
    "random numbers of NumPy": lambda: np.random.seed(7),  # noqa: NPY002
    "random numbers of PyTorch": lambda: torch.manual_seed(7),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "type": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "errors of NumPy": lambda: np.seterr(all="raise"),
    "digits of NumPy": lambda: np.set_printoptions(precision=2),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "precision": lambda: torch.set_float32_matmul_precision("medium"),
    "path": lambda: sys.path.append("/"),
    "depth": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "folder": lambda: os.chdir("/"),
    "variable": lambda: os.environ.update(LEFT_BEHIND="1"),
    "warnings": lambda: warnings.simplefilter("error"),
    "figure": plt.figure,
    "style": lambda: plt.rcParams.update({"font.size": 31}),
}


@pytest.mark.parametrize("act", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_nothing_that_an_answer_does_stays(act):
    def answer(x):
        act()
        return 2 * x

    before = state()
    assert verdict(DOUBLE, answer) == "✓ double: passed"
    assert unchanged(state(), before)
    with enclosed():
        act()
        assert not unchanged(state(), before)  # it does change something
    assert unchanged(state(), before)


@pytest.mark.parametrize("set_it", [torch.set_grad_enabled, torch.set_default_dtype])
def test_settings_of_the_lesson_change_no_verdict(set_it):
    before = state()
    with enclosed():
        set_it(False if set_it is torch.set_grad_enabled else torch.float64)
        for name in ("train", "block", "to_unit"):
            assert verdict(CHECKS[name], CHECKS[name].right) == f"✓ {name}: passed"
    assert unchanged(state(), before)


def test_figures_that_were_open_stay_open_and_none_is_shown(monkeypatch):
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(1))
    figure = plt.figure()

    def answer(x):
        plt.plot([x])
        plt.figure()
        plt.show()
        return 2 * x

    assert verdict(DOUBLE, answer) == "✓ double: passed"
    assert plt.get_fignums() == [figure.number] and not shown
    plt.show()
    assert shown
    plt.close(figure)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda: [print("line") for _ in range(50)], "line\n" * 10 + "… and more, left out\n"),
        (lambda: print("x" * 5000), "x" * 1000 + "\n… and more, left out\n"),
        (lambda: print("one\ntwo"), "one\ntwo\none\ntwo\n"),  # once for each case
    ],
)
def test_of_the_output_the_first_lines_are_shown(write, said, capsys):
    def answer(x):
        write()
        return 2 * x

    DOUBLE(answer)
    assert capsys.readouterr().out == f"{said}✓ double: passed\n"


# ---------------------------------------------------------------- how it ends


class Own(BaseException):
    pass


ENDS = [SystemExit, KeyboardInterrupt, GeneratorExit, asyncio.CancelledError, Own, MemoryError]


@pytest.mark.parametrize("error", ENDS)
def test_whatever_an_answer_raises_is_a_line(error):
    def answer(x):
        raise error

    said = verdict(DOUBLE, answer)
    assert said == f"✗ double: not yet. For (1) it stops with {error.__name__}"


def test_exit_in_a_notebook_does_not_end_the_kernel(monkeypatch):
    class Shell:
        def ask_exit(self):
            raise AssertionError("the kernel ends")

    shell = Shell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert "it stops with SystemExit" in verdict(DOUBLE, lambda x: shell.ask_exit())
    with pytest.raises(AssertionError, match="ends"):
        shell.ask_exit()


def press_stop(x):
    signal.raise_signal(signal.SIGINT)


def press_stop_and_go_on(x):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return 2 * x


@pytest.mark.parametrize("answer", [press_stop, press_stop_and_go_on])
def test_the_stop_button_stops(answer):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored here
    try:
        with pytest.raises(KeyboardInterrupt):
            DOUBLE(answer)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def count_forever(x):
    while True:
        x += 1


def count_forever_whatever_comes(x):
    while True:
        try:
            x += 1 / 0
        except Exception:
            x += 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm")
@pytest.mark.parametrize(
    "answer", [count_forever, count_forever_whatever_comes, lambda x: time.sleep(10**6)]
)
def test_an_answer_without_an_end_ends(answer, monkeypatch):
    monkeypatch.setattr(engine, "SECONDS", 0.05)
    said = verdict(DOUBLE, answer)
    assert said == (
        "✗ double: not yet. For (1) it does not come to an end: is there a loop that never stops?"
    )
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


# ---------------------------------------------------------------- types and digits


@pytest.mark.parametrize(
    "make",
    [
        lambda x: torch.tensor(x).bfloat16(),
        lambda x: torch.tensor(x).half(),
        lambda x: torch.tensor(x, dtype=torch.int8),
        lambda x: torch.tensor(float(x), requires_grad=True),
        lambda x: torch.eye(1).to_sparse().sum() * x,
        np.float16,
        np.uint8,
        fractions.Fraction,
        float,
    ],
)
def test_a_right_number_of_any_type_passes(make):
    assert verdict(DOUBLE, lambda x: make(2 * x)) == "✓ double: passed"


HALF_DIGITS = ["unnormalise", "log_softmax", "smooth", "nll", "flip_some", "mirrored"]


@pytest.mark.parametrize("name", HALF_DIGITS)
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_right_results_of_few_digits_pass(name, kind):
    right = CHECKS[name].right
    assert verdict(CHECKS[name], lambda *case: right(*case).to(kind)) == f"✓ {name}: passed"


def test_a_wrong_result_of_few_digits_does_not_pass():
    right = CHECKS["smooth"].right
    said = verdict(CHECKS["smooth"], lambda *case: (1.05 * right(*case)).bfloat16())
    assert said.startswith("✗")


def test_a_complex_result_is_named():
    assert "take its real part" in verdict(DOUBLE, lambda x: 2 * x + 0j)


def rounded(check, digits):
    return lambda *case: numbers_of(check.right(*case)).round(digits)


@pytest.mark.parametrize("digits", [2, 3, 4, 5])
@pytest.mark.parametrize("name", CHECKS)
def test_rounded_results_do_not_pass(name, digits):
    check = CHECKS[name]
    if check.right and not check.run:
        results = [numbers_of(check.right(*case)) for case in check.cases]
        if not all((result == result.round()).all() for result in results):
            assert verdict(check, rounded(check, digits)).startswith("✗")


# ---------------------------------------------------------------- what the reader is told


def divide(x, by=0):
    return x / by


def divide_deeper(x):
    return divide(x)


@pytest.mark.parametrize("answer", [divide, divide_deeper])
def test_the_line_that_failed_and_the_inputs_are_shown(answer):
    number = inspect.getsourcelines(divide)[1] + 1
    assert printed_by(DOUBLE, answer) == [
        "✗ double: not yet. For (1) it stops with ZeroDivisionError: division by zero",
        f"    line {number}: return x / by",
        "    given: x = 1",
    ]


def test_the_line_is_the_answers_own_not_the_librarys():
    def answer(x):
        return torch.zeros(2) @ torch.zeros(3)

    assert printed_by(DOUBLE, answer)[1].endswith(": return torch.zeros(2) @ torch.zeros(3)")


def test_the_inputs_of_a_wrong_result_are_shown():
    first = CHECKS["max_pool"].cases[0][0]
    said = printed_by(CHECKS["max_pool"], lambda picture, patch: picture.sum())
    assert said[1] == (
        f"    given: picture = float32 (6, 8), {first.min():g} to {first.max():g}; patch = 2"
    )
    said = printed_by(CHECKS["log_softmax"], lambda scores: scores.softmax(0).log())
    assert said[1] == "    given: scores = float32 [0.0, 104.0]"


def test_nothing_is_given_in_place_of_none():
    said = verdict(DOUBLE, lambda x: None + x)
    assert "something is None, which is what list.sort, shuffle and the like return" in said


def test_debug_raises_the_error_in_the_line_of_the_answer():
    with pytest.raises(ZeroDivisionError) as raised:
        DOUBLE(divide, debug=True)
    assert raised.traceback[-1].frame.code.name == "divide"


def test_debug_raises_what_is_wrong_with_a_result(capsys):
    with pytest.raises(Hint, match="it returns 1, it should be 2") as raised:
        DOUBLE(lambda x: x, debug=True)
    values = raised.traceback[-1].frame.f_locals
    assert (values["case"], values["given"], values["expected"]) == ((1,), 1, 2)
    assert capsys.readouterr().out.startswith("✗ double: not yet.")


@pytest.mark.parametrize("answer", [..., lambda x: 2 * x])
def test_debug_raises_nothing_else(answer):
    DOUBLE(answer, debug=True)


def test_debug_shows_all_output(capsys):
    DOUBLE(lambda x: [print(x) for _ in range(30)] and 2 * x, debug=True)
    assert capsys.readouterr().out.count("1\n") >= 30


@pytest.mark.parametrize("name", CHECKS)
def test_a_first_step_helps_and_gives_nothing_away(name, capsys):
    before = torch.get_rng_state()
    assert CHECKS[name].hint() is None
    assert torch.equal(torch.get_rng_state(), before)
    first, *example = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{name}: ") and len(first) > 60 and first[-1] in ".?"
    assert all(re.match(r"    For \(.+\) the result is .+\.$", line) for line in example)
    hints = {hint for _, hint, *_ in CHECKS[name].mistakes}
    assert not any(hint in first for hint in hints)


def test_an_example_is_worked_out(capsys):
    CHECKS["output_size"].hint()
    assert "For (28, 3, 1, 0) the result is 26." in capsys.readouterr().out


def test_a_row_that_cannot_read_a_result_is_left_out():
    shows = eval("lambda answer, x: answer(x).no_such_thing")  # of another file than the answer
    rows = [(lambda x: x, "no", shows)]
    check = Check("plain", "", [(1,)], rows, right=lambda x: x)
    assert verdict(check, lambda x: x) == "✓ plain: passed"


def test_a_row_of_an_error_fits_the_same_error():
    rows = [(lambda x: x.shape, "A number has no shape.")]
    check = Check("plain", "", [(1,)], rows, right=lambda x: x)
    assert verdict(check, lambda x: x.shape[0]) == "✗ plain: not yet. A number has no shape."
    assert "AttributeError" in verdict(check, lambda x: x.size)


def test_three_right_answers_of_each_exercise_are_known():
    assert all(len(answers) >= 3 for answers in RIGHT.values())
