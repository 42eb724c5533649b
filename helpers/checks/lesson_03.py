"""Checks of lesson 03: the SIGNS dataset and DataLoader."""

from __future__ import annotations

import random

import numpy as np
import torch

from helpers.checks.engine import NotAttempted, check, explain
from helpers.machine import set_seed

__all__ = ["count_batches", "label_of", "split"]

PICTURES = {
    "3_IMG_0123.jpg": 3,
    "0_IMG_5864.JPG": 0,
    "5_IMG_1 (1).jpeg": 5,
    "2_IMG_7.PNG": 2,
    "1_IMG_0004.JPEG": 1,
    "4_IMG_0033.png": 4,
}
OTHERS = {
    "._0_IMG_1.jpg": "a Mac leaves such files beside the pictures; they begin with a dot",
    ".DS_Store": "a Mac leaves it; it begins with a dot",
    "Thumbs.db": "Windows leaves it; it begins with no label",
    "6_IMG_1.jpg": "labels go from 0 to 5",
    "12_IMG_1.jpg": "labels go from 0 to 5, and `_` must follow at once",
    "1_IMG_1.jpg.txt": "it does not end like a picture",
    "1_IMG_1.png.txt": "it does not end like a picture",
    "3_notes.txt": "it does not end like a picture",
    "IMG_3.jpg": "it begins with no label",
    "4_notajpg": "it does not end in .jpg: mind the dot",
    "4_notapng": "it does not end in .png: mind the dot",
}


@check
def label_of(answer):
    """``label_of(name)``: the label at the beginning of a picture's name, or None."""
    for name, label in PICTURES.items():
        found = answer(name)
        if found is ...:
            raise NotAttempted
        if isinstance(found, str):
            return f'For "{name}" it returns the text {found!r}: make it a number with int().'
        if (
            found is None
            and name.endswith(("JPG", "PNG", "JPEG"))
            and answer(name.lower()) == label
        ):
            return f'"{name}" is a picture: compare its ending in small letters, name.lower().'
        if found != label:
            return f'For "{name}" it returns {found}, it should be {label}.'
    for name, why in OTHERS.items():
        try:
            found = answer(name)
        except Exception as error:
            return f'At "{name}" it stops with {type(error).__name__}: {why}.'
        if found is not None:
            return f'For "{name}" it returns {found!r}, it should be None: {why}.'
    return None


def changes_random_numbers(call):
    """Whether random numbers of the whole program differ after a call: Python's, NumPy's, torch's.

    Those of Python and NumPy are put back; a check has its own of torch.
    """
    numpy = np.random.mtrand  # what np.random.shuffle and the like draw from
    found = random.getstate(), numpy.get_state()
    draws = []
    for do in (lambda: None, call):
        set_seed(0)
        do()
        draws.append((random.random(), numpy.random(), torch.rand(1).item()))
    random.setstate(found[0])
    numpy.set_state(found[1])
    return draws[0] != draws[1]


@check
def split(answer):
    """``split(names, share, seed)``: two lists, the same for any order of the names."""
    names = [f"{i % 6}_IMG_{i:03d}.jpg" for i in range(60)]
    given = list(names)
    result = answer(given, 0.8, 230)
    if result is ...:
        raise NotAttempted
    if result is None:
        return "The function returns nothing: is there a `return` in front of the result?"
    if not isinstance(result, tuple | list) or len(result) != 2:
        return "Two lists are asked for: return training, rest"
    train, rest = (list(part) for part in result)
    if given != names:
        return "The list that was given has changed: shuffle a copy, such as sorted(names) makes."
    if sorted(train + rest) != sorted(names):
        return "Together the two lists should hold each name exactly once."
    if abs(len(train) - 48) > 1:
        return f"0.8 of 60 names are 48 and 12, not {len(train)} and {len(rest)}."
    if sorted(train) in (sorted(sorted(names)[: len(train)]), sorted(names[: len(train)])):
        return "The names are not shuffled: the last labels would be missing in training."
    if sorted(answer(list(names), 0.8, 230)[0]) != sorted(train):
        return "A second call gives another split: shuffle with random.Random(seed)."
    if sorted(answer(names[::-1], 0.8, 230)[0]) != sorted(train):
        return "Another order of the names gives another split: sort them first."
    if sorted(answer(list(names), 0.8, 231)[0]) == sorted(train):
        return "Another seed gives the same split: the seed is not used."
    if len(answer(list(names), 0.5, 230)[0]) != 30:
        return "With a share of 0.5 the first list should hold 30 of 60 names: is share used?"
    if changes_random_numbers(lambda: answer(list(names), 0.8, 230)):
        return "It sets the seed for the whole program: random.Random(seed) keeps it to itself."
    return None


@check
def count_batches(answer):
    """``count_batches(samples, batch_size, drop_last=False)``: batches of a DataLoader."""
    cases = [(864, 32), (216, 64), (216, 64, True), (64, 64), (64, 64, True), (10, 64), (1, 1)]
    cases += [(10, 64, True), (101, 10), (101, 10, True)]
    return explain(
        answer,
        cases,
        right=lambda n, b, drop=False: n // b if drop else -(-n // b),
        mistakes=[
            (
                lambda n, b, drop=False: n // b,
                "The last, smaller batch counts too, unless it is dropped.",
            ),
            (lambda n, b, drop=False: -(-n // b), "drop_last is not used."),
            (
                lambda n, b, drop=False: n // b + (not drop),
                "Without a rest there is no smaller "
                "last batch: 64 samples in batches of 64 make one.",
            ),
            (
                lambda n, b, drop=False: n / b,
                "There are no parts of batches: round up, or down if the last is dropped.",
            ),
            (
                lambda n, b, drop=False: -(-n // b) if drop else n // b,
                "drop_last is used the wrong way round.",
            ),
            (lambda n, b, drop=False: -(-n // b) - drop, "Without a rest nothing is dropped."),
        ],
    )
