"""How a check works: run the reader's function on several cases, compare, name the mistake.

A check prints one line and never raises, so that "Run All" always reaches the end:

- ``… output_size: not attempted yet`` while the answer is still ``...``;
- ``✗ output_size: not yet. <hint>`` for a wrong answer. Where the results are those of a known
  mistake, the hint names that mistake;
- ``✓ output_size: passed``.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

__all__ = ["Hint", "Mistake", "NotAttempted", "check", "explain", "numbers_of", "output_of"]

# (what a known mistake computes, the hint that names it)
Mistake = tuple[Callable, str]


class Hint(Exception):
    """What is wrong, found while the answer was being run."""


class NotAttempted(Exception):
    """The answer, or what it returned, is still ``...``."""


def check(find_hint: Callable[[object], str | None]) -> Callable[[object], None]:
    """Turn ``find_hint(answer) -> hint or None`` into a check that prints its verdict.

    Whatever goes wrong in the reader's code becomes part of the hint.
    """

    @functools.wraps(find_hint)
    def verdict(answer: object) -> None:
        name = find_hint.__name__
        try:
            if answer is ...:
                raise NotAttempted
            with torch.random.fork_rng(devices=[]):  # the lesson's random numbers stay the same
                hint = find_hint(answer)
        except NotAttempted:
            print(f"… {name}: not attempted yet")
            return
        except Hint as found:
            hint = str(found)
        except Exception as error:  # a wrong answer may fail in any way
            message = str(error).strip().split("\n")[0]
            hint = f"It stops with {type(error).__name__}: {message}"
        line = f"✗ {name}: not yet. {hint}" if hint else f"✓ {name}: passed"
        print(" ".join(line.split()))

    return verdict


def explain(
    answer: Callable,
    cases: Sequence[tuple],
    right: Callable,
    mistakes: Sequence[Mistake],
    otherwise: str | None = None,
) -> str | None:
    """Compare ``answer(*case)`` with ``right(*case)`` in every case.

    Returns
    -------
    str or None
        None if all agree (to a relative and absolute tolerance of 1e-4). Else the hint of the
        first mistake that gives the reader's results in all cases. Else what is wrong in the
        first wrong case, where ``otherwise`` stands for "the values are off".
    """
    given = [_call(answer, case) for case in cases]
    expected = [_call(right, case) for case in cases]
    if all(map(_same, given, expected)):
        return None
    for wrong, hint in mistakes:
        if all(_same(g, _try(wrong, case)) for g, case in zip(given, cases, strict=True)):
            return hint
    case, g, e = next(x for x in zip(cases, given, expected, strict=True) if not _same(*x[1:]))
    return _describe(case, g, e, otherwise)


def output_of(build_layer: Callable) -> Callable:
    """Turn ``build_layer(setting) -> nn.Conv2d`` into (setting, X) -> the layer's output.

    The layers of the exercises add no bias; one that does is refused.
    """

    def build_and_run(setting, X):
        layer = build_layer(setting)
        if layer is ... or layer is None:
            return layer
        if not isinstance(layer, nn.Conv2d):
            raise Hint(f"An nn.Conv2d is asked for, this is of the type {type(layer).__name__}.")
        if layer.in_channels != X.shape[1]:
            raise Hint(
                f"The layer takes {layer.in_channels} channels, it should take {X.shape[1]}."
            )
        if layer.bias is not None and bool(layer.bias.abs().max() > 0):
            raise Hint("The layer adds a bias to every output: bias=False.")
        return layer(X)

    def output(setting, X):
        try:
            return build_and_run(setting, X)
        except RuntimeError as error:
            if "leaf Variable" in str(error):
                raise Hint(
                    "Weights that are to be learned may be set only inside `with torch.no_grad():`."
                ) from error
            raise

    return output


def _call(function: Callable, case: tuple) -> object:
    result = function(*copy.deepcopy(case))  # the reader's code may change its arguments
    if result is ...:
        raise NotAttempted
    return result


def _try(wrong: Callable, case: tuple) -> object:
    try:
        return wrong(*copy.deepcopy(case))
    except Exception:  # a mistake that cannot be made in this case explains nothing
        return None


def numbers_of(value: object) -> np.ndarray:
    """Give a result, or a list of results, as float64 numbers; text is no number.

    Raises
    ------
    Hint
        If it is something else: a text, a function without its brackets, and so on.
    """
    if isinstance(value, str):
        raise Hint(f"The result is the text {value!r}, not a number.")
    if hasattr(value, "detach"):  # a tensor, on whatever device
        value = value.detach().cpu()
    try:
        found = np.asarray(value)
        if found.dtype.kind in "US":
            raise Hint("The results are texts, not numbers.")
        return found.astype(np.float64)
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        hint = "are its brackets () missing?" if callable(value) else "numbers are asked for."
        raise Hint(f"The result is of the type {kind}: {hint}") from error


def _same(a: object, b: object) -> bool:
    if a is None or b is None:
        return False
    a, b = numbers_of(a), numbers_of(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=True)


def _describe(case: tuple, given: object, expected: object, otherwise: str | None) -> str:
    if given is None:
        return "The function returns nothing: is there a `return` in front of the result?"
    g, e = numbers_of(given), numbers_of(expected)
    if e.ndim == 0 and g.shape != e.shape:
        return f"One number is asked for; the result has the shape {g.shape}."
    if g.shape != e.shape:
        return f"The result has the shape {g.shape}, it should be {e.shape}."
    if otherwise:
        return otherwise
    if e.ndim == 0:
        small = all(np.ndim(x) == 0 or isinstance(x, list | tuple) for x in case)
        inputs = f"For ({', '.join(map(str, case))})" if small else "For random numbers"
        return f"{inputs} it returns {g:g}, it should be {e:g}."
    if np.isnan(g).any():
        return "The shape is right, but some values are not numbers (nan)."
    return f"The shape is right; the values are off by up to {np.abs(g - e).max():.3g}."
