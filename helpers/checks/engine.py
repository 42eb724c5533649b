"""How a check works: run the reader's answer on several cases, compare, name the mistake.

A check prints its verdict and never raises, so that "Run All" always reaches the end:

- `… output_size: not attempted yet` while the answer is still `...`;
- `✗ output_size: not yet. <hint>` for a wrong answer. Where it makes a known mistake, the hint
  names that mistake. Below stand the line that failed and what the answer was given;
- `✓ output_size: passed`.

`check.output_size.hint()` prints a first step, and `check.output_size(output_size, debug=True)`
raises what was found, for `%debug`. What follows goes on with `check.output_size.passed_or(ours)`:
the reader's answer if it passed, else ours. `check.guess` holds a guess against what was measured.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from helpers.checks.enclosure import SECONDS, Enclosure, TooLong, enclosed, unchanged
from helpers.checks.explain import change_of, inputs, line_of, names_of, with_names


class Hint(Exception):
    """What is wrong, in which case, and the error that the answer stopped with."""

    def __init__(self, text: str, case: tuple = (), error: BaseException | None = None):
        super().__init__(text)
        self.case, self.__cause__ = case, error


class NotAttempted(Exception):
    """The answer, or what it returned, is still `...`."""


@dataclass(frozen=True)
class Stopped:
    """In the place of a result: the error that an answer stopped with."""

    error: BaseException

    def __str__(self) -> str:
        if isinstance(self.error, TooLong):
            return "does not come to an end: is there a loop that never stops?"
        said = str(self.error).strip().split("\n")[0]
        said = "" if said == "None" else f": {said}"  # as `exit()` has it
        text = f"stops with {type(self.error).__name__}{said}".rstrip(": ")
        if "'NoneType'" in text:
            text += " – something is None, which is what list.sort, shuffle and the like return"
        return text


@dataclass(eq=False)
class Check:
    """The check of one exercise; called with an answer, it prints the verdict.

    Parameters
    ----------
    name : str
        The exercise, as the verdict names it.
    first_step : str
        What `hint` prints: the rule to begin with, not the answer.
    cases : list of tuple
        What the answer is given: copies. An answer that changes them is told so.
    mistakes : list of tuple
        The table, tried in order: the first row that fits gives the hint. A row `(wrong, hint)`
        fits if the results (or errors) are those of `wrong`, an answer with the mistake, in all
        cases. Where results cannot tell, a row `(wrong, hint, shows)` fits if
        `shows(answer, *case)` is true in a case; what that returns takes the place of `{}` in the
        hint.
    right : callable, optional
        A right answer. Without one, what fits no row is right.
    run : callable, optional
        `run(answer, *case)` gives the result, numbers or lists of them, which `same` compares. By
        default it calls the answer.
    otherwise : str, optional
        The hint where the result has the right shape and other values, and fits no row.
    changes : tuple of int
        Those of its arguments that an answer is meant to change.
    """

    name: str
    first_step: str
    cases: list[tuple]
    mistakes: list[tuple]
    right: Callable | None = None
    run: Callable | None = None
    otherwise: str | None = None
    changes: tuple[int, ...] = ()
    passed: object = field(default=None, init=False)  # the answer, if the last one was right

    def __call__(self, answer: object, *, debug: bool = False) -> None:
        """Print the verdict. Whatever goes wrong in the reader's code becomes part of the hint.

        With `debug`, raise it as well: `%debug` then stands in the line that failed, or sees what
        was `given` and `expected`. There is no limit of time and output.
        """
        self.passed = None
        try:
            with enclosed(None if debug else SECONDS) as inside:
                self._judge(answer, inside)
        except NotAttempted:
            print(f"… {self.name}: not attempted yet")
            return
        except Hint as hint:
            found = hint
        except Exception as error:  # a result that cannot even be looked at
            found = Hint(f"With its result the check {Stopped(error)}", error=error)
        else:
            print(f"✓ {self.name}: passed")
            self.passed = answer
            return
        print(" ".join(f"✗ {self.name}: not yet. {found}".split()))
        if line := line_of(answer, found.__cause__):
            print(f"    line {line.lineno}: {line.line}")
        if found.case:
            print(f"    given: {with_names(answer, found.case)}")
        if debug:
            raise found.__cause__ or found

    def hint(self) -> None:
        """Print a first step; and the result of one case, if it is short."""
        print(f"{self.name}: {self.first_step}")
        if self.right and not self.run:
            result = numbers_of(self.right(*copy.deepcopy(self.cases[0])))
            gives = f"{result:g}" if result.ndim == 0 else f"of the shape {result.shape}"
            print(f"    For {inputs(self.cases[0])} the result is {gives}.")

    def passed_or(self, ours: object) -> object:
        """Give the reader's answer if it passed when it was last checked, else ours; say which."""
        whose = "ours, until yours passes" if self.passed is None else "yours"
        print(f"From here on, {self.name} is {whose}.")
        return ours if self.passed is None else self.passed

    def _judge(self, answer: object, inside: Enclosure) -> None:
        """Raise a hint if an answer is wrong."""
        if answer is ...:
            raise NotAttempted
        given, change = self._results(answer, inside)
        inside.quiet = True  # rows call it again, and it would print the same again
        if any(map(_unfinished, given)):
            raise NotAttempted
        if any(result is None for result in given):
            raise Hint("The function returns nothing: is there a `return` in front of the result?")
        stops = [(c, s) for c, s in zip(self.cases, given, strict=False) if isinstance(s, Stopped)]
        if stops and isinstance(stops[-1][1].error, TooLong):
            case, stopped = stops[-1]
            raise Hint(f"For {inputs(case)} it {stopped}", case, stopped.error)
        stop = (stops[0][0], stops[0][1].error) if stops else ()

        @functools.cache
        def results_of(other):
            return self._results(other, inside)[0]

        def off(other):
            """Give the first case, with both results, in which another answer gives another."""
            both = zip(self.cases, given, results_of(other), strict=True)
            return next(((case, g, o) for case, g, o in both if not same(g, o)), ())

        for wrong, hint, *shows in self.mistakes:
            if not shows and (not self.right or off(self.right)) and not off(wrong):
                raise Hint(hint, *(stop or (off(self.right)[:1] if self.right else ())))
            if shows and not stop:
                self._look(answer, inside, shows[0], hint)
        if stop:
            raise Hint(f"For {inputs(stop[0])} it {stops[0][1]}", *stop)
        if self.right and (found := off(self.right)):
            case, given, expected = found[0], *map(numbers_of, found[1:])
            raise Hint(self._describe(case, given, expected) + change, case)
        if self.right and _rounded(given, results_of(self.right)):
            raise Hint("The result is rounded: give it as it is.")
        if change:
            raise Hint(change)

    def _results(self, answer: object, inside: Enclosure) -> tuple[list, str]:
        """Give the result of each case, and in words which argument was changed."""
        results, change = [], ""
        for case in self.cases:
            arguments = copy.deepcopy(case)
            run = [self.run, answer] if self.run else [answer]
            try:
                results.append(inside.call(*run, *arguments))
            except (Hint, NotAttempted):
                raise
            except BaseException as error:  # also SystemExit and the like
                if inside.stopped:
                    raise
                results.append(Stopped(error))
                if isinstance(error, TooLong):
                    break
            pairs = zip(names_of(answer, case), arguments, case, strict=True)
            for i, (name, now, before) in enumerate(pairs):
                if not change and i not in self.changes and not unchanged(now, before):
                    change = change_of(name, before)
        return results, change

    def _look(self, answer: object, inside: Enclosure, shows: Callable, hint: str) -> None:
        """Raise the hint of a row if it shows in a case."""
        asked = answer
        if callable(answer):  # a row may ask twice, and an answer may change what it is given

            def asked(*given, **named):
                pairs = enumerate(zip(given, copy.deepcopy(given), strict=True))
                own = (a if i in self.changes else b for i, (a, b) in pairs)
                return answer(*own, **named)

        for case in self.cases:
            try:
                found = inside.call(shows, asked, *copy.deepcopy(case))
            except Hint:
                raise
            except BaseException as error:
                if inside.stopped:
                    raise
                if not line_of(answer, error):  # a result for which the row is not made
                    continue
                raise Hint(f"It {Stopped(error)}", error=error) from error
            if found:
                raise Hint(hint.replace("{}", str(found)), case if self.right else ())

    def _describe(self, case: tuple, given: np.ndarray, expected: np.ndarray) -> str:
        if given.shape != expected.shape:
            if expected.ndim == 0:
                return f"One number is asked for; the result has the shape {given.shape}."
            shapes = f"the result has the shape {given.shape}, it should be {expected.shape}."
            return f"For {inputs(case)} {shapes}"
        if expected.ndim == 0:
            return f"For {inputs(case)} it returns {given:g}, it should be {expected:g}."
        if self.otherwise:
            return self.otherwise
        if np.isnan(given).any():
            return "The shape is right, but some values are not numbers (nan)."
        off = np.abs(given - expected).max()
        return f"The shape is right; the values are off by up to {off:.3g}."


def guess(said: object, measured: object, unit: str = "") -> None:
    """Print what the reader guessed beside what was measured: never wrong, never in the way.

    Either may be a number or a text. A `said` of `...` is a guess that was not written down.
    """

    def shown(value: object) -> str:
        if isinstance(value, float):
            value = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
        elif isinstance(value, int):
            value = f"{value:,}"
        return f"{inputs((value,))[1:-1].strip(chr(39))} {unit}".rstrip()

    was = shown(measured)
    print(
        f"No guess yet; it was {was}." if said is ... else f"You said {shown(said)}, it was {was}."
    )


def same(a: object, b: object) -> bool:
    """Whether two results have the same shape and, nearly, the same numbers; or the same error.

    Nearly is 1e-5, relative or absolute; for types with fewer digits, two units in their last.
    """
    if isinstance(a, Stopped) or isinstance(b, Stopped):
        return type(a) is type(b) and str(a) == str(b)
    near = max(1e-5, 2 * _unit(a), 2 * _unit(b))
    a, b = numbers_of(a), numbers_of(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=near, atol=near, equal_nan=True)


def _rounded(given, expected):
    """Whether all numbers have at most so many decimals, but those expected have more."""

    def has_only(results, digits):
        numbers = np.concatenate([numbers_of(result).ravel() for result in results])
        return np.allclose(numbers, numbers.round(digits), rtol=1e-7, atol=1e-7)

    few = max(map(_unit, given)) > 1e-6  # then they look round by themselves
    return not few and any(has_only(given, n) and not has_only(expected, n) for n in range(6))


def _unit(result):
    """Give the distance from 1 to the next number of a result's type; 0 for whole numbers."""
    if isinstance(result, list | tuple):
        return max(map(_unit, result), default=0)
    if torch.is_tensor(result):
        return torch.finfo(result.dtype).eps if result.is_floating_point() else 0
    kind = getattr(result, "dtype", None)
    return np.finfo(kind).eps if getattr(kind, "kind", "") == "f" else 0


def numbers_of(value: object) -> np.ndarray:
    """Give a result, or a list of results, as float64 numbers; text is no number.

    Raises
    ------
    Hint
        If it is something else: a text, a function without its brackets, and so on.
    """
    try:
        if isinstance(value, list | tuple):
            return np.array([numbers_of(part) for part in value], dtype=np.float64)
        if torch.is_tensor(value):  # on whatever device; NumPy lacks some of the types
            kind = torch.complex128 if value.is_complex() else torch.float64
            value = value.detach().cpu().to(kind).numpy()
        found = np.asarray(value)
        if found.dtype.kind in "US":
            raise Hint(f"{value!r} is a text, not a number.")
        if found.dtype.kind == "c":
            raise Hint("The result is complex: take its real part, `.real`.")
        return found.astype(np.float64)
    except Hint:
        raise
    except Exception as error:
        kind = type(value).__name__
        hint = "are its brackets () missing?" if callable(value) else "numbers are asked for."
        raise Hint(f"The result is of the type {kind}: {hint}") from error


def _unfinished(result: object) -> bool:
    return any(map(_unfinished, result)) if isinstance(result, list | tuple) else result is ...


# ---------------------------------------------------------------- what several tables use


def pixels(*shape: int, high: int = 256, seed: int = 0) -> torch.Tensor:
    """Draw a uint8 tensor of numbers below `high`."""
    return whole(high, *shape, seed=seed).to(torch.uint8)


def whole(high: int, *shape: int, seed: int = 0) -> torch.Tensor:
    """Draw an int64 tensor of whole numbers from 0 to `high` - 1."""
    return torch.randint(high, shape, generator=torch.Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    """Draw a float32 tensor from the normal distribution."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def linear(inputs: int, outputs: int, seed: int = 0) -> nn.Linear:
    """Make a layer without touching the lesson's random numbers."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    layer.weight.data = normal(outputs, inputs, seed=seed)
    layer.bias.data = normal(outputs, seed=seed + 1)
    return layer


def conv(weight: torch.Tensor, **options: object) -> nn.Conv2d:
    """Make a convolution of the weights (outputs, inputs, k, k), without a bias."""
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], bias=False, **options)
    layer.weight.data = weight
    return layer


def output_of(build_layer: Callable, setting: object, X: torch.Tensor) -> object:
    """Run the `nn.Conv2d` that `build_layer(setting)` makes on X; for `Check`'s `run`.

    The layers of the exercises add no bias; one that does is refused.
    """
    try:
        layer = build_layer(setting)
    except RuntimeError as error:
        if "leaf Variable" not in str(error):
            raise
        hint = "Weights that are to be learned may be set only inside `with torch.no_grad():`."
        raise Hint(hint) from error
    if layer is ... or layer is None:
        return layer
    if not isinstance(layer, nn.Conv2d):
        raise Hint(f"An nn.Conv2d is asked for, this is of the type {type(layer).__name__}.")
    if layer.in_channels != X.shape[1]:
        raise Hint(f"The layer takes {layer.in_channels} channels, it should take {X.shape[1]}.")
    if layer.bias is not None and bool(layer.bias.abs().max() > 0):
        raise Hint("The layer adds a bias to every output: bias=False.")
    return layer(X)


def at_most(model: nn.Module, calls: int) -> nn.Module:
    """Give the model; one that calls it more often is stopped, as `Check` stops what takes too long.

    Copies share the count: wrap a model in `run`, not in `cases`.
    """
    left = iter(range(calls))

    def count(*_):
        if next(left, None) is None:
            raise TooLong

    model.register_forward_pre_hook(count)
    return model


def no_tensor(answer: Callable, *case: object) -> str | bool:
    """For a row: the type of a result that is no tensor, else False."""
    return not torch.is_tensor(result := answer(*case)) and type(result).__name__


def not_float32(answer: Callable, *case: object) -> torch.dtype | bool:
    """For a row: the dtype of a result that is not float32, else False."""
    return (dtype := answer(*case).dtype) != torch.float32 and dtype
