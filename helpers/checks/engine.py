"""How a check works: run the reader's answer on several cases, compare, name the mistake.

A check prints one line and never raises, so that "Run All" always reaches the end:

- `… output_size: not attempted yet` while the answer is still `...`;
- `✗ output_size: not yet. <hint>` for a wrong answer. Where it makes a known mistake, the hint
  names that mistake;
- `✓ output_size: passed`.
"""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


class Hint(Exception):
    """What is wrong, found while the answer was being run."""


class NotAttempted(Exception):
    """The answer, or what it returned, is still `...`."""


@dataclass(frozen=True)
class Check:
    """The check of one exercise; called with an answer, it prints the verdict.

    Parameters
    ----------
    name : str
        The exercise, as the verdict names it.
    cases : list of tuple
        What the answer is given. Each run gets copies, since an answer may change its arguments.
    mistakes : list of tuple
        The table, tried in order: the first row that fits gives the hint. A row `(wrong, hint)`
        fits if the results are those of `wrong`, an answer with the mistake, in all cases. Where
        results cannot tell, a row `(wrong, hint, shows)` fits if `shows(answer, *case)` is true in
        a case; what that returns takes the place of `{}` in the hint.
    right : callable, optional
        A right answer. Without one, what fits no row is right.
    run : callable, optional
        `run(answer, *case)` gives the result, numbers or lists of them, which is compared to a
        relative and absolute tolerance of 1e-4. By default it calls the answer.
    otherwise : str, optional
        The hint where the result has the right shape and other values, and fits no row.
    """

    name: str
    cases: list[tuple]
    mistakes: list[tuple]
    right: Callable | None = None
    run: Callable = lambda answer, *case: answer(*case)
    otherwise: str | None = None

    def __call__(self, answer: object) -> None:
        """Print the verdict. Whatever goes wrong in the reader's code becomes part of the hint."""
        try:
            with torch.random.fork_rng(devices=[]):  # the lesson's random numbers stay the same
                hint = self.find_hint(answer)
        except NotAttempted:
            print(f"… {self.name}: not attempted yet")
            return
        except Hint as found:
            hint = str(found)
        except Exception as error:  # a wrong answer may fail in any way
            hint = f"It stops with {_first_line(error)}"
        line = f"✗ {self.name}: not yet. {hint}" if hint else f"✓ {self.name}: passed"
        print(" ".join(line.split()))

    def find_hint(self, answer: object) -> str | None:
        """Say what is wrong with an answer, or None."""
        if answer is ...:
            raise NotAttempted
        given = self._results(answer)
        if any(map(_unfinished, given)):
            raise NotAttempted
        if any(result is None for result in given):
            return "The function returns nothing: is there a `return` in front of the result?"
        for wrong, hint, *shows in self.mistakes:
            if shows:
                tried = (shows[0](answer, *copy.deepcopy(case)) for case in self.cases)
                found = next(filter(None, tried), None)
            else:
                found = all(map(same, given, self._results(wrong)))
            if found:
                return hint.replace("{}", str(found))
        if self.right:
            for case, g, e in zip(self.cases, given, self._results(self.right), strict=True):
                if not same(g, e):
                    return self._describe(case, numbers_of(g), numbers_of(e))
        return None

    def _results(self, answer: object) -> list:
        results = []
        for case in self.cases:
            try:
                results.append(self.run(answer, *copy.deepcopy(case)))
            except Hint:
                raise
            except Exception as error:
                raise Hint(f"For {_inputs(case)} it stops with {_first_line(error)}") from error
        return results

    def _describe(self, case: tuple, given: np.ndarray, expected: np.ndarray) -> str:
        if given.shape != expected.shape:
            if expected.ndim == 0:
                return f"One number is asked for; the result has the shape {given.shape}."
            shapes = f"the result has the shape {given.shape}, it should be {expected.shape}."
            return f"For {_inputs(case)} {shapes}"
        if self.otherwise:
            return self.otherwise
        if expected.ndim == 0:
            return f"For {_inputs(case)} it returns {given:g}, it should be {expected:g}."
        if np.isnan(given).any():
            return "The shape is right, but some values are not numbers (nan)."
        off = np.abs(given - expected).max()
        return f"The shape is right; the values are off by up to {off:.3g}."


def same(a: object, b: object) -> bool:
    """Whether two results have the same shape and, nearly, the same numbers."""
    a, b = numbers_of(a), numbers_of(b)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-4, equal_nan=True)


def numbers_of(value: object) -> np.ndarray:
    """Give a result, or a list of results, as float64 numbers; text is no number.

    Raises
    ------
    Hint
        If it is something else: a text, a function without its brackets, and so on.
    """
    if hasattr(value, "detach"):  # a tensor, on whatever device
        value = value.detach().cpu()
    try:
        if isinstance(value, list | tuple):
            return np.array([numbers_of(part) for part in value], dtype=np.float64)
        found = np.asarray(value)
        if found.dtype.kind in "US":
            raise Hint(f"{value!r} is a text, not a number.")
        return found.astype(np.float64)
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        hint = "are its brackets () missing?" if callable(value) else "numbers are asked for."
        raise Hint(f"The result is of the type {kind}: {hint}") from error


def _unfinished(result: object) -> bool:
    return any(map(_unfinished, result)) if isinstance(result, list | tuple) else result is ...


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]


_SHORT = reprlib.Repr()
_SHORT.maxlist = 12


def _inputs(case: tuple) -> str:
    """Show what an answer was given: numbers and lists as they are, arrays by their shape."""

    def shown(value: object) -> str:
        if hasattr(value, "shape"):
            return f"{type(value).__name__} {tuple(value.shape)}"
        is_plain = type(value).__module__ == "builtins"
        return _SHORT.repr(value) if is_plain else type(value).__name__

    return f"({', '.join(map(shown, case))})"


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


def no_tensor(answer: Callable, *case: object) -> str | bool:
    """For a row: the type of a result that is no tensor, else False."""
    return not torch.is_tensor(result := answer(*case)) and type(result).__name__


def not_float32(answer: Callable, *case: object) -> torch.dtype | bool:
    """For a row: the dtype of a result that is not float32, else False."""
    return (dtype := answer(*case).dtype) != torch.float32 and dtype
