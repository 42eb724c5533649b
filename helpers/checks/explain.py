"""What a check says of an answer: what it was given, by which names, and the line that failed."""

from __future__ import annotations

import inspect
import reprlib
import traceback

import numpy as np
import torch
from torch import nn

SHORT = reprlib.Repr()
SHORT.maxlist = 12


def inputs(case: tuple) -> str:
    """Show what an answer was given: numbers and lists as they are, arrays by their shape,
    functions by their name."""

    def shown(value: object) -> str:
        if hasattr(value, "shape"):
            return f"{type(value).__name__} {tuple(value.shape)}"
        if inspect.isroutine(value):
            return value.__name__
        is_plain = type(value).__module__ == "builtins"
        return SHORT.repr(value) if is_plain else type(value).__name__

    return f"({', '.join(map(shown, case))})"


def names_of(answer: object, case: tuple) -> list[str]:
    """Give the names that an answer has for its arguments, as far as it has any."""
    try:
        names = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        names = []
    return [*names, *["its input"] * len(case)][: len(case)]


def with_names(answer: object, case: tuple) -> str:
    """Show the arguments by name, arrays by type, shape and range or, if short, in full."""

    def shown(value: object) -> str:
        if not hasattr(value, "shape"):
            return inputs((value,))[1:-1]
        numbers = torch.as_tensor(value).detach().cpu().double()
        kind = str(value.dtype).removeprefix("torch.")
        if numbers.numel() <= 12:
            return f"{kind} {numbers.numpy().round(4).tolist()}"
        return f"{kind} {tuple(value.shape)}, {numbers.min():g} to {numbers.max():g}"

    pairs = zip(names_of(answer, case), case, strict=True)
    return "; ".join(f"{name} = {shown(value)}" for name, value in pairs)


def change_of(name: str, before: object) -> str:
    """Say that an argument of this name was changed, and what to change instead."""
    if isinstance(before, nn.Module):
        return f" `{name}`, which was given, has changed: leave it as it is."
    copies = {torch.Tensor: "{}.clone()", np.ndarray: "{}.copy()"}
    own = copies.get(type(before), "list({})").format(name)
    return (
        f" `{name}`, which was given, has changed: change a copy, such as {own}, or make a new one."
    )


def line_of(answer: object, error: BaseException | None) -> traceback.FrameSummary | None:
    """Find the last line of the answer's own file that an error came through."""
    parts = vars(answer).values() if isinstance(answer, type) else [inspect.unwrap(answer)]
    files = {part.__code__.co_filename for part in parts if hasattr(part, "__code__")}
    lines = traceback.extract_tb(error.__traceback__) if error else []
    return next((line for line in reversed(lines) if line.filename in files), None)
