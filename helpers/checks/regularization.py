"""Checks of the lesson Overfitting and regularization."""

import math
import statistics

import numpy as np
import torch

from helpers.checks.engine import Check, NotAttempted, normal
from helpers.checks.engine import guess as guess
from helpers.results import recorded


def put(X, chosen, flipped):
    return torch.where(chosen[:, None, None, None], flipped, X)

flip_some = Check(
    "flip_some",  # mirror the chosen pictures of a batch left to right
    first_step="Mirror all of them first, in a new tensor. Then choose for each picture, with shapes that fit.",
    cases=[(normal(*shape), torch.arange(shape[0]) % 3 != 1) for shape in [(6, 3, 5, 5), (3, 1, 7, 7), (8, 3, 6, 4)]],
    right=lambda X, c: put(X, c, X.flip(3)),
    mistakes=[
        (lambda X, c: X.flip(3), "That mirrors all pictures: `chosen` says which."),
        (lambda X, c: X, "Nothing is mirrored."),
        (lambda X, c: put(X, ~c, X.flip(3)), "That mirrors those that are not chosen."),
        (lambda X, c: put(X, c, X.flip(2)), "That turns them upside down: the axes are picture, channel, row, column."),
        (lambda X, c: put(X, c, X.flip(1)), "That swaps the colours: columns are axis 3."),
        (lambda X, c: put(X, c, X.flip(0)), "That swaps whole pictures: columns are axis 3."),
        (lambda X, c: put(X, c, X.flip(2, 3)), "That turns them by half a circle: columns only, axis 3."),
        (lambda X, c: put(X, c, X.mT), "That swaps rows and columns: reverse the columns."),
        (lambda X, c: torch.where(c, X.flip(3), X), "`chosen` has the shape (N,), the pictures (N, C, H, W): chosen[:, None, None, None] goes with them."),
        (lambda X, c: X[c].flip(3), "The pictures that are not chosen are gone: return all, in their places."),
        (lambda X, c: X * ~c[:, None, None, None], "The chosen pictures became black."),
])

def best_and_last(accuracies, patience, better=np.greater):
    """The epoch to keep and the epoch of stopping, counted from 0."""
    best = 0
    for epoch in range(1, len(accuracies)):
        if better(accuracies[epoch], accuracies[best]):
            best = epoch
        if epoch - best >= patience:
            return best, epoch
    return best, len(accuracies) - 1

def with_a_counter(accuracies, patience, reset=True, against_best=True):
    best = bad = 0
    for epoch in range(1, len(accuracies)):
        improved = accuracies[epoch] > accuracies[best if against_best else epoch - 1]
        best, bad = (epoch, 0 if reset else bad) if improved else (best, bad + 1)
        if bad >= patience:
            break
    return best + 1

kept_epoch = Check(
    "kept_epoch",  # the epoch that early stopping keeps, from 1 on
    first_step="Go through the epochs as training does, remember the best so far, and stop when it is too long ago.",
    cases=[
        ([0.6, 0.7, 0.8, 0.78, 0.79, 0.77, 0.9], 3), ([0.6, 0.7, 0.8, 0.78, 0.79, 0.77, 0.9], 4), ([0.5, 0.6, 0.6, 0.6, 0.65], 3), ([0.6, 0.8, 0.7, 0.7, 0.7, 0.7, 0.9], 2),
        ([0.7, 0.7, 0.6, 0.9], 2), ([0.5, 0.6, 0.7], 2), ([0.8, 0.7, 0.9, 0.1], 1), ([0.6, 0.5, 0.7, 0.6, 0.8], 2),
        ([0.5, 0.7, 0.6], 2),  # ends before patience does
    ],
    right=lambda a, p: best_and_last(a, p)[0] + 1,
    mistakes=[
        (lambda a, p: np.argmax(a) + 1, "That is the best of all epochs. The training may have stopped before it: patience is not used."),
        (lambda a, p: best_and_last(a, p)[0], "Count epochs from 1."),
        (lambda a, p: best_and_last(a, p)[1] + 1, "That is where the training stops; the best epoch up to there is kept."),
        (lambda a, p: best_and_last(a, p)[1], "That is where the training stops; the best epoch up to there is kept."),
        (lambda a, p: best_and_last(a, p, np.greater_equal)[0] + 1, "An equal accuracy is no improvement: keep the first of equals."),
        (lambda a, p: best_and_last(a, p + 1)[0] + 1, "It waits one epoch too long: stop after `patience` epochs without an improvement."),
        (lambda a, p: best_and_last(a, p - 1)[0] + 1, "It stops one epoch too soon."),
        (lambda a, p: with_a_counter(a, p, reset=False), "An improvement starts the counting anew."),
        (lambda a, p: with_a_counter(a, p, against_best=False), "Compare with the best accuracy so far, not with the one before."),
        (lambda a, p: max(a), "That is an accuracy: return the number of the epoch."),
        (lambda a, p: a[best_and_last(a, p)[0]], "That is an accuracy: return the number of the epoch."),
        (lambda a, p: min(p, len(a)), "Patience counts the epochs without an improvement, not all epochs."),
])

slope_through = Check(
    "slope_through",  # the slope through a chain of layers
    first_step="What is the slope of one layer, without and with the way around it? Slopes of layers in a row are combined as the chain rule says.",
    cases=[(slopes, skip) for slopes in [[0.5, 0.5], [0.2, -0.5, 3.0]] for skip in (False, True)] + [([0.4] * 10, False), ([0.1] * 10, True), ([0.7531, 0.9], False)],
    right=lambda slopes, skip: math.prod(s + skip for s in slopes),
    mistakes=[
        (lambda slopes, skip: math.prod(slopes), "With skip, a layer gives x + layer(x): its slope is 1 + that of the layer."),
        (lambda slopes, skip: math.prod(1 + s for s in slopes), "Without skip nothing is added to a slope."),
        (lambda slopes, skip: math.prod(slopes) + skip, "There is a way around each layer, not one around all: add 1 to each slope."),
        (lambda slopes, skip: sum(s + skip for s in slopes), "Slopes of layers in a row multiply."),
        (lambda slopes, skip: sum(slopes) + skip, "Slopes of layers in a row multiply."),
        (lambda slopes, skip: math.prod(s - skip for s in slopes), "The way around adds x: its slope is plus 1."),
        (lambda slopes, skip: math.prod(1 if skip else s for s in slopes), "With skip the layer's own slope counts too: 1 + slope."),
        (lambda slopes, skip: math.prod(s * (1 + skip) for s in slopes), "The way around adds 1 to the slope; it does not double it."),
])

def runs(*validations):
    """Results of trainings, seed by seed: whole 128ths, so that 32 bits hold the per cent exactly."""
    return [{"train": 1 - v % 7 / 128, "validation": v / 128} for v in validations]

def points(setting, plain, part="validation"):
    return [100 * (s[part] - p[part]) for s, p in zip(setting, plain, strict=True)]

def mean_and(error):
    """The mean difference, with an error made of the differences seed by seed."""
    return lambda setting, plain: (statistics.fmean(d := points(setting, plain)), error(d))

def standard_error(values):
    return statistics.stdev(values) / len(values) ** 0.5

def by_two_means(setting, plain):
    spreads = [standard_error([100 * run["validation"] for run in some]) for some in (setting, plain)]
    return statistics.fmean(points(setting, plain)), math.hypot(*spreads)

def scaled(factor):
    return lambda setting, plain: tuple(factor * value for value in compared_right(setting, plain))

compared_right = mean_and(standard_error)

compared = Check(
    "compared",  # how far a setting is ahead, and the standard error of that, in percentage points
    first_step="One number a seed: how many points is the setting ahead of the plain net with the same seed? Then two numbers of that list.",
    cases=[(runs(110, 112, 109), runs(107, 106, 108)), (runs(104, 111, 108, 106, 113), runs(108, 107, 107, 109, 106)), (runs(100, 103), runs(108, 105)), (runs(111, 109, 112, 108), runs(106, 106, 110, 105))],
    right=compared_right,
    mistakes=[
        (scaled(0.01), "These are shares: percentage points are 100 times as many."),
        (scaled(-1), "Both have the wrong sign: take plain from the setting; an error is never negative."),
        (lambda s, p: (-compared_right(s, p)[0], compared_right(s, p)[1]), "The sign is wrong: ahead is what the setting has more than plain."),
        (lambda s, p: compared_right(s, p)[::-1], "The two are in the wrong order: first the difference, then its standard error."),
        (lambda s, p: compared_right(s, p)[0], "That is the difference alone: return two numbers, the second its standard error."),
        (mean_and(lambda d: statistics.pstdev(d) / len(d) ** 0.5), "The standard deviation divides by n here, and so comes out too small: with few seeds divide by n - 1."),
        (mean_and(statistics.stdev), "That is the standard deviation, by how much one seed differs from another. The error of the mean is smaller: divide by √n."),
        (mean_and(statistics.pstdev), "That is a standard deviation, and one that divides by n: divide by n - 1 inside it, and then by √n."),
        (mean_and(lambda d: statistics.stdev(d) / len(d)), "Divided by n: the mean of n numbers is √n times as steady as one of them."),
        (mean_and(lambda d: statistics.stdev(d) / (len(d) - 1) ** 0.5), "The n - 1 belongs to the standard deviation; the mean is one of n numbers: divide by √n."),
        (mean_and(lambda d: statistics.variance(d) / len(d) ** 0.5), "That is made of the variance: take its square root first."),
        (mean_and(lambda d: statistics.variance(d) / len(d)), "That is the square of the standard error: take the root."),
        (mean_and(lambda d: statistics.pvariance(d) / len(d)), "That is a square, and it divides by n: the standard deviation with n - 1, divided by √n."),
        (mean_and(lambda d: max(d) - min(d)), "That is the spread from the worst to the best seed: the standard error is asked for."),
        (mean_and(lambda d: (max(d) - min(d)) / 2), "That is half the spread from the worst to the best seed: the standard error is asked for."),
        (by_two_means, "This takes the two errors together, as of trainings that have nothing to do with each other. Subtract seed by seed first; then there is one list, and one error."),
        (lambda s, p: (statistics.fmean(points(s, p)), standard_error([100 * run["validation"] for run in s])), "That is the error of the setting's own mean: plain differs from seed to seed, too. Take the error of the differences."),
        (lambda s, p: (statistics.fmean(d := points(s, p, "train")), standard_error(d)), "That compares the training pictures: take \"validation\"."),
        (lambda s, p: (max(r["validation"] for r in s) * 100 - max(r["validation"] for r in p) * 100, compared_right(s, p)[1]), "That compares the luckiest seeds: take the mean of all differences."),
        (lambda s, p: (statistics.median(d := points(s, p)), standard_error(d)), "That is the median: the mean is asked for."),
        (lambda s, p: (statistics.fmean(d := [100 * (a["validation"] / b["validation"] - 1) for a, b in zip(s, p, strict=True)]), standard_error(d)), "That is in per cent of plain: percentage points are the difference of two percentages."),
        (lambda s, p: points(s, p), "These are the differences seed by seed: return their mean and its standard error."),
        (lambda s, p: (sum(points(s, p)), standard_error(points(s, p))), "The differences are added up: divide by the number of seeds."),
    ],
    otherwise="Two numbers, but not the right ones, or rounded: return the mean of the differences seed by seed, and their standard deviation divided by √n.",
)

# What a setting may hold, its value in the plain net, and from where to where it may go. In these
# limits no training runs into numbers that are none, or takes more than a few times as long.
SWITCHES = {"batch_norm": False, "augment": False, "skip": False, "schedule": False}
WHOLE = {"width": (16, 4, 48), "blocks": (0, 0, 4), "patience": (None, 1, 29)}
NUMBERS = {"lr": (0.02, 0.0001, 0.1), "weight_decay": (0.0, 0, 0.1), "dropout": (0.0, 0, 0.9), "l1": (0.0, 0, 0.01), "l2": (0.0, 0, 0.1)}
PLAIN = SWITCHES | {name: plain for name, (plain, *_) in (WHOLE | NUMBERS).items()}

def look_at(setting):
    """Whether there is still something to write: `run` of a check whose rows do the rest."""
    if isinstance(setting, dict) and any(part is ... for part in (*setting, *setting.values())):
        raise NotAttempted
    return 0

def one_of(*names):
    """For a row: which of these names a setting has, if any."""
    return lambda setting: next((f"`{name}`" for name in names if name in setting), False)

def unknown(setting):
    return next((repr(name) for name in setting if name not in PLAIN), False)

def no_switch(setting):
    return next((f"`{name}` is {setting[name]!r}" for name in SWITCHES if name in setting and not isinstance(setting[name], bool)), False)

def no_number(setting):
    def wrong(name):
        kinds = int if name in WHOLE else int | float
        return isinstance(setting[name], bool) or not isinstance(setting[name], kinds)

    numbers = [name for name in (*WHOLE, *NUMBERS) if name in setting and wrong(name)]
    return next((f"`{name}` is {setting[name]!r}: a {'whole' if name in WHOLE else 'plain'} number" for name in numbers), False)

def out_of_range(setting):
    limits = {name: ends for name, (_, *ends) in (WHOLE | NUMBERS).items() if name in setting}
    return next((f"`{name}` is {setting[name]:g}: take {low:g} to {high:g}" for name, (low, high) in limits.items() if not low <= setting[name] <= high), False)

def in_the_table(setting):
    """The recorded setting that is the same, apart from what does not change the training."""
    def training(values):
        return PLAIN | {name: value for name, value in values.items() if name not in ("epochs", "test")}

    table = recorded("regularization")["experiments"]
    return next((f"\"{name}\"" for name, row in table.items() if training(row["settings"]) == training(setting)), False)

my_setting = Check(
    "my_setting",  # a dict for `train`
    first_step="What did the remedies that seem to help do to the net? Take two of them, or one of them stronger, and say beforehand what you expect.",
    cases=[()],
    run=look_at,
    mistakes=[
        ([("width", 24)], "A setting is a dict, such as {\"lr\": 0.01}; this is of the type {}.", lambda s: not isinstance(s, dict) and type(s).__name__),
        ({"part": "more"}, "{} gives it other pictures to learn from: then the comparison is no longer one of settings.", one_of("part", "pictures", "train", "more")),
        ({"dropout": 0.5, "test": True}, "{}: the test pictures are for the end, not for trying what works.", one_of("test")),
        ({"epochs": 60}, "{} is the budget, the same for all settings: with more of it anything may win.", one_of("epochs", "steps", "batch_size")),
        ({"seed": 3}, "{} is no part of a setting: each is trained with the same three.", one_of("seed", "seeds")),
        ({"validation": "choose"}, "{}: all are judged on the same 4,000 pictures, and no setting may choose them.", one_of("validation", "judge", "choose", "watched", "val")),
        ({"he": True}, "{} is no remedy that `train` has. There are lr, weight_decay, width, blocks, batch_norm, dropout, skip, augment, l1, l2, schedule, patience.", unknown),
        ({"augment": "yes"}, "{}: it is a switch, True or False.", no_switch),
        ({"dropout": "0.5"}, "{} is asked for.", no_number),
        ({"dropout": 30}, "{}.", out_of_range),
        ({"lr": 0.02, "dropout": 0}, "These are the values of the plain net: change one.", lambda s: PLAIN | s == PLAIN),
        ({"skip": True}, "`skip` leads around the added convolutions, and without `blocks` there are none: it would change nothing.", lambda s: s.get("skip") and not s.get("blocks")),
        ({"dropout": 0.3}, "That is {} of the record: its result is known. Change a value, or add a remedy.", in_the_table),
    ],
)
