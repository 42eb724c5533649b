"""Checks of the lesson The SIGNS dataset."""

import random
import re

import numpy as np
import torch

from helpers.checks.engine import Check
from helpers.checks.engine import guess as guess
from helpers.machine import set_seed


def reads(pattern):
    """Make a `label_of` that reads the label from names of this pattern."""
    return lambda name: int(found[1]) if (found := re.fullmatch(pattern, name)) else None

def wrong_at(name, label):
    def shows(label_of, _):
        try:
            found = label_of(name)
        except Exception as error:
            return f"stops with {type(error).__name__}"
        return found != label and f"returns {found!r}"
    return shows

PICTURES_AND_OTHERS = [
    # a wrong answer that is right for all names above, the name it gets wrong, its label, why
    (reads(r"([1-5])_.*(?i:[.]jpg)"), "0_IMG_1.jpg", 0, "labels go from 0 to 5"),
    (reads(r"([0-5])_.*[.]jpg"), "0_IMG_5864.JPG", 0, "compare its ending in small letters, name.lower()"),
    (reads(r"([0-5])_.*(?i:[.]jpg)"), "5_IMG_1 (1).jpeg", 5, "a picture may end in .jpeg"),
    (reads(r"([0-5])_.*((?i:[.]jpg)|[.]jpeg)"), "1_IMG_0004.JPEG", 1, "compare its ending in small letters, name.lower()"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g)"), "4_IMG_0033.png", 4, "a picture may end in .png"),
    (reads(r"([0-5])_.*((?i:[.]jpe?g)|[.]png)"), "2_IMG_7.PNG", 2, "compare its ending in small letters, name.lower()"),
    (lambda name: int(name.split("_")[0]), "._0_IMG_1.jpg", None, "a Mac leaves such files beside the pictures; they begin with a dot"),
    (lambda name: None if name[:2] == "._" else int(name.split("_")[0]), ".DS_Store", None, "a Mac leaves it; it begins with a dot"),
    (lambda name: None if name[0] == "." else int(name[0]), "Thumbs.db", None, "Windows leaves it; it begins with no label"),
    (reads(r"(\d)_.*"), "6_IMG_1.jpg", None, "labels go from 0 to 5"),
    (reads(r"([0-5]).*"), "12_IMG_1.jpg", None, "labels go from 0 to 5, and `_` must follow at once"),
    (reads(r"([0-5])_.*"), "3_notes.txt", None, "it does not end like a picture"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g|[.]png).*"), "1_IMG_1.jpg.txt", None, "it does not end like a picture"),
    (reads(r"([0-5])_.*((?i:[.]jpe?g)|(?i:[.]png).*)"), "1_IMG_1.png.txt", None, "it does not end like a picture"),
    (reads(r"(?:IMG_)?([0-5])(_.*)?(?i:[.]jpe?g|[.]png)"), "IMG_3.jpg", None, "it begins with no label"),
    (reads(r"([0-5])_.*(?i:jpe?g|png)"), "4_notajpg", None, "it does not end in .jpg: mind the dot"),
    (reads(r"([0-5])_.*(?i:[.]jpe?g|png)"), "4_notapng", None, "it does not end in .png: mind the dot"),
]

label_of = Check(
    "label_of",  # the label at the beginning of a picture's name, or None
    first_step="Three questions in turn: does it end like a picture (whatever the case)? is the first character one of 0 to 5? does _ follow at once? Any no gives None.",
    cases=[("3_IMG_0123.jpg",)],
    run=lambda label_of, name: [label_of(name)],  # in a list, since None is an answer here
    mistakes=[
        (lambda name: name[0], 'For "3_IMG_0123.jpg" it returns the text {}: make it a number with int().', lambda f, name: isinstance(f(name), str) and repr(f(name))),
        (lambda name: 2, 'For "3_IMG_0123.jpg" it {}, it should return 3.', wrong_at("3_IMG_0123.jpg", 3)),
        *[(wrong, f'For "{name}" it {{}}, it should return {label}: {why}.', wrong_at(name, label)) for wrong, name, label, why in PICTURES_AND_OTHERS],
])

NAMES = [f"{i % 6}_IMG_{i:03d}.jpg" for i in range(60)]

def mixed(names, seed):
    return random.Random(seed).sample(sorted(names), len(names))

def parts(names, share, more=0):
    cut = int(share * len(names))
    return names[:cut], names[cut + more :]

def seeding_all(names, share, seed):
    random.seed(seed)
    return parts(random.sample(sorted(names), len(names)), share)

def training_part(split, names=NAMES, share=0.8, seed=230):
    return sorted(split(list(names), share, seed)[0])

def is_not_mixed(split, *case):
    train = training_part(split)
    return train in (sorted(sorted(NAMES)[: len(train)]), sorted(NAMES[: len(train)]))

def changes_random_numbers(split, *case):
    """Whether random numbers of the whole program differ after a call: Python's, NumPy's, torch's."""
    numpy = np.random.mtrand  # what np.random.shuffle and the like draw from
    draws = []
    for do in (lambda: None, lambda: split(*case)):
        set_seed(0)
        do()
        draws.append((random.random(), numpy.random(), torch.rand(1).item()))
    return draws[0] != draws[1]

split = Check(
    "split",  # two lists, the same for any order of the names
    first_step="The same result in every run and for every order needs two things: a fixed order to begin with, and random numbers of your own, from the seed.",
    cases=[(NAMES, 0.8, 230)],
    mistakes=[
        (lambda names, share, seed: sorted(names), "Two lists are asked for: return training, rest", lambda f, *case: not isinstance(f(*case), tuple | list) or len(f(*case)) != 2 or not all(hasattr(part, "__len__") for part in f(*case))),
        (lambda names, share, seed: parts(mixed(names, seed), share, more=1), "Together the two lists should hold each name exactly once.", lambda f, *case: sorted(name for part in f(*case) for name in part) != sorted(NAMES)),
        (lambda names, share, seed: parts(mixed(names, seed), 1 - share), "0.8 of 60 names are 48 and 12, not {}.", lambda f, *case: abs((n := len(f(*case)[0])) - 48) > 1 and f"{n} and {60 - n}"),
        (lambda names, share, seed: parts(sorted(names), share), "The names are not shuffled: the last labels would be missing in training.", is_not_mixed),
        (lambda names, share, seed: parts(random.sample(sorted(names), len(names)), share), "A second call gives another split: shuffle with random.Random(seed).", lambda f, *case: training_part(f) != training_part(f)),
        (lambda names, share, seed: parts(random.Random(seed).sample(names, len(names)), share), "Another order of the names gives another split: sort them first.", lambda f, *case: training_part(f) != training_part(f, NAMES[::-1])),
        (lambda names, share, seed: parts(mixed(names, 1), share), "Another seed gives the same split: the seed is not used.", lambda f, *case: training_part(f) == training_part(f, seed=231)),
        (lambda names, share, seed: parts(mixed(names, seed), 0.8), "With a share of 0.5 the first list should hold 30 of 60 names: is share used?", lambda f, *case: len(training_part(f, share=0.5)) != 30),
        (seeding_all, "It uses the random numbers of the whole program: random.Random(seed) keeps it to itself.", changes_random_numbers),
])

count_batches = Check(
    "count_batches",  # batches of a DataLoader
    first_step="How many full batches are there, and is there a rest? Only the rest makes a difference to drop_last.",
    cases=[(864, 32), (216, 64), (216, 64, True), (64, 64), (64, 64, True), (10, 64), (1, 1), (10, 64, True), (101, 10), (101, 10, True)],
    right=lambda n, b, drop=False: n // b if drop else -(-n // b),
    mistakes=[
        (lambda n, b, drop=False: n // b, "The last, smaller batch counts too, unless it is dropped."),
        (lambda n, b, drop=False: -(-n // b), "drop_last is not used."),
        (lambda n, b, drop=False: n // b + (not drop), "Without a rest there is no smaller last batch: 64 samples in batches of 64 make one."),
        (lambda n, b, drop=False: n / b, "There are no parts of batches: round up, or down if the last is dropped."),
        (lambda n, b, drop=False: -(-n // b) if drop else n // b, "drop_last is used the wrong way round."),
        (lambda n, b, drop=False: -(-n // b) - drop, "Without a rest nothing is dropped."),
])
