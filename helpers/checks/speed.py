"""Checks of the lesson CIFAR-10 at speed."""

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from helpers.checks.engine import Check, linear, no_tensor, normal, whole
from helpers.checks.engine import guess as guess

time_to_goal = Check(
    "time_to_goal",  # seconds of training
    first_step="How many steps are in one epoch? A batch that is not full is no step.",
    cases=[(8, 45_000, 64, 0.05), (5, 45_000, 512, 0.2), (3, 1000, 300, 0.5), (2, 600, 300, 1.5), (1, 1000, 300, 0.0123456)],
    right=lambda e, n, b, s: e * (n // b) * s,
    mistakes=[
        (lambda e, n, b, s: e * n / b * s, "There are no parts of batches: use `//`, which rounds down."),
        (lambda e, n, b, s: e * n // b * s, "It is each epoch that drops its rest: divide the pictures first, `pictures // batch_size`, then multiply."),
        (lambda e, n, b, s: e * math.ceil(n / b) * s, "This counts the smaller last batch too; it is dropped: round down."),
        (lambda e, n, b, s: e * round(n / b) * s, "round goes to the nearest; the smaller last batch is dropped: always round down."),
        (lambda e, n, b, s: e * (n // b + 1) * s, "One step too many: what is left of the pictures is dropped."),
        (lambda e, n, b, s: e * n * s, "A step takes a whole batch, not one picture: divide by batch_size."),
        (lambda e, n, b, s: n // b * s, "That is one epoch: multiply by epochs."),
        (lambda e, n, b, s: n / b * s, "That is one epoch: multiply by epochs. And there are no parts of batches: use `//`."),
        (lambda e, n, b, s: e * (n // b), "That counts the steps: multiply by the seconds of one."),
        (lambda e, n, b, s: e * n / b, "These are steps, with parts of batches: use `//`, and multiply by the seconds of one."),
        (lambda e, n, b, s: e * (n // b) / s, "Each step takes seconds_per_step: multiply by it."),
        (lambda e, n, b, s: e * s, "An epoch has many steps, pictures // batch_size of them."),
])

def up_and_down(step, steps, peak=0.2):
    top = peak * steps
    return step / top if step < top else (steps - step) / (steps - top)

triangle = Check(
    "triangle",  # the share of the highest learning rate before a step
    first_step="Two straight lines: write down where each begins and ends, at which step and with which share.",
    cases=[
        *[(step, 50) for step in (0, 3, 10, 11, 30, 49, 50)],
        *[(step, 30, 0.4) for step in (0, 6, 12, 13, 21, 29)],
        *[(step, 7) for step in (1, 2, 5)],  # the top lies between two steps
    ],
    right=up_and_down,
    mistakes=[
        (lambda k, n, p=0.2: 1 - k / n, "This only falls: up to step peak · steps the rate should rise from 0."),
        (lambda k, n, p=0.2: k / n, "The rise never ends: from step peak · steps on the rate should fall."),
        (lambda k, n, p=0.2: min(k / (p * n), 1), "It stays at 1: after the peak the rate should fall to 0."),
        (lambda k, n, p=0.2: k / (p * n), "The rise never ends: from step peak · steps on the rate should fall."),
        (lambda k, n, p=0.2: up_and_down(k, n, 1 - p), "The top is at 1 - peak of the way: it should be at peak."),
        (lambda k, n, p=0.2: up_and_down(k, n, 0.5), "The top is in the middle: it should be at peak of the way."),
        (lambda k, n, p=0.2: up_and_down(k, n, 0.2), "The peak is always at a fifth of the way: the argument is not used."),
        (lambda k, n, p=0.2: k / n if k < p * n else 1 - k / n, "The two lines do not meet at 1: divide the rise by peak, the fall by 1 - peak."),
        (lambda k, n, p=0.2: k / (p * n) if k < p * n else 1 - k / n, "The rate jumps down at the peak: the fall should begin at 1. Divide it by 1 - peak."),
        (lambda k, n, p=0.2: k / (p * n) if k < p * n else 1 - (k - p * n) / n, "It does not come down to 0: the fall has (1 - peak) · steps steps, not all."),
        (lambda k, n, p=0.2: k / (p * n) if k < p * n else max(0, 2 - k / (p * n)), "It falls as steeply as it rises: it should be 0 at `steps`, and not before."),
        (lambda k, n, p=0.2: k / (p * n) if k < p * n else max(0, (1 - p - k / n) / (1 - 2 * p)), "It is 0 at 1 - peak of the way: it should be 0 at `steps`."),
        (lambda k, n, p=0.2: 1 - up_and_down(k, n, p), "This is upside down: first up, from 0 to 1, then down."),
        (lambda k, n, p=0.2: 100 * up_and_down(k, n, p), "A share is between 0 and 1, not in per cent."),
        (lambda k, n, p=0.2: up_and_down(k + 1, n, p), "Steps are counted from 0: this is the rate of the step after."),
        (lambda k, n, p=0.2: up_and_down(k, n - 1, p), "It is 0 one step too soon: the lines end at `steps`, not at steps - 1."),
        (lambda k, n, p=0.2: up_and_down(k, n, p) ** 2, "The lines should be straight."),
])

def placed(count, channels, dtype=torch.float32):
    """Pictures, coins and places; the last picture goes to another place down than across."""
    places = whole(5, 2, count, seed=count)
    places[:, -1] = torch.tensor([0, 3])
    return normal(count, channels, 32, 32).to(dtype), torch.arange(count) % 3 != 1, *places

def mirror(X, flips, axis=3):
    return torch.where(flips[:, None, None, None], X.flip(axis), X)

def windows_of(X, mode="reflect"):
    return F.pad(X, [2] * 4, mode=mode).unfold(2, 32, 1).unfold(3, 32, 1)

def shift(X, down, across, mode="reflect"):
    return windows_of(X, mode)[torch.arange(len(X)), :, down, across]

def one_at_a_time(X, flips, down, across):
    return torch.cat([shift(mirror(X[[i]], flips[[i]]), down[[i]], across[[i]]) for i in range(len(X))])

class Calls(TorchFunctionMode):
    """Notes the names of PyTorch's functions that are called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.names.append(getattr(function, "__name__", ""))
        return function(*args, **(kwargs or {}))

def calls(answer, *case):
    with Calls() as noted:
        answer(*case)
    return noted.names

def more_calls(answer, *case):
    """How many calls more it takes for the same pictures twice, if that is one a picture or more."""
    more = len(calls(answer, *(torch.cat([part, part]) for part in case))) - len(calls(answer, *case))
    return len(case[0]) > 10 and more >= len(case[0]) and more

def by_numpy(X, flips, down, across):
    return torch.tensor(shift(mirror(X, flips), down, across).numpy())

mirror_and_shift = Check(
    "mirror_and_shift",  # a whole batch mirrored and shifted, as it is told
    first_step="Three steps, each for the whole batch: mirror those of the coins, pad, take windows. For the last, `wide.unfold(2, 32, 1).unfold(3, 32, 1)` has the shape (N, C, 5, 5, 32, 32): which of its axes want an index, and which one?",
    cases=[placed(24, 3), placed(5, 1, torch.float64)],
    right=lambda X, f, d, a: shift(mirror(X, f), d, a),
    mistakes=[
        (lambda X, f, d, a: shift(X, d, a), "Nothing is mirrored: `flips` is not used."),
        (lambda X, f, d, a: mirror(X, f), "Nothing is shifted: `down` and `across` are not used."),
        (lambda X, f, d, a: shift(X.flip(3), d, a), "That mirrors all pictures: `flips` says which."),
        (lambda X, f, d, a: shift(mirror(X, ~f), d, a), "That mirrors those that should stay as they are."),
        (lambda X, f, d, a: mirror(shift(X, d, a), f), "You mirror what was cut: then the shift goes the other way in mirrored pictures. Mirror first."),
        (lambda X, f, d, a: shift(mirror(X, f, 2), d, a), "That turns pictures upside down: in a batch the columns are axis 3. (Of one picture they are axis 2.)"),
        (lambda X, f, d, a: shift(mirror(X, f), a, d), "`down` and `across` are swapped: rows are axis 2, columns axis 3."),
        (lambda X, f, d, a: shift(mirror(X, f), 4 - d, 4 - a), "The pictures move the other way: a window that begins further down shows what is further down."),
        (lambda X, f, d, a: shift(mirror(X, f), d[:1].expand(len(X)), a[:1].expand(len(X))), "All pictures get the place of the first one."),
        (lambda X, f, d, a: shift(mirror(X, f), d, a, "constant"), "The border is filled with 0: it should be the mirror image there, `mode=\"reflect\"`."),
        (lambda X, f, d, a: shift(mirror(X, f), d, a, "replicate"), "The border repeats the last pixel: it should be the mirror image, `mode=\"reflect\"`."),
        (lambda X, f, d, a: shift(mirror(X, f), d, a, "circular"), "What leaves at one side comes in at the other: pad with `mode=\"reflect\"`, and cut windows."),
        (lambda X, f, d, a: torch.stack([p.roll((2 - int(i), 2 - int(j)), (1, 2)) for p, i, j in zip(mirror(X, f), d, a, strict=True)]), "What leaves at one side comes in at the other: pad with `mode=\"reflect\"`, and cut windows."),
        (lambda X, f, d, a: windows_of(mirror(X, f)), "These are all windows of all pictures: take one of each, with an index for the pictures, too: `torch.arange(len(X))`."),
        (lambda X, f, d, a: windows_of(mirror(X, f))[:, :, d, a], "That takes the windows of all pictures from each picture. The first index should be `torch.arange(len(X))`: picture 0 with place 0, and so on."),
        (lambda X, f, d, a: shift(mirror(X, f), d, a).transpose(0, 1), "The axes are (C, N, …): they should be (N, C, 32, 32)."),
        (lambda X, f, d, a: F.pad(mirror(X, f), [2] * 4, mode="reflect"), "That is padded, and not cut: each picture should have 32 × 32 pixels again."),
        (lambda X, f, d, a: shift(X[f].flip(3), d[f], a[f]), "The pictures that are not mirrored are gone: return all, in their places."),
        (lambda *case: [*one_at_a_time(*case)], "This is a {}: a tensor is asked for, (N, C, 32, 32).", no_tensor),
        (by_numpy, "It takes a way through NumPy (`{}`), on which no GPU can follow: stay with tensors.", lambda f, *case: next((n for n in calls(f, *case) if n in ("numpy", "__array__")), False)),
        (lambda X, f, d, a: shift(mirror(X, f), d, a).float(), "The numbers became {}: they should keep the type that they have.", lambda f, *case: (now := f(*case).dtype) != case[0].dtype and now),
        (one_at_a_time, "The pictures are right, but they still come one after the other: for 24 pictures more it calls PyTorch {} times more. Let each call take the whole batch.", more_calls),
    ],
)

def hot(y, classes):
    return F.one_hot(y, classes).double()

def spread(y, classes, top, others):
    return hot(y, classes) * (top - others) + others

def smoothed(y, classes, amount):
    return hot(y, classes) * (1 - amount) + amount / classes

smooth = Check(
    "smooth",  # labels int64 (N,) → targets float (N, classes)
    first_step="Begin with 1 for the right class and 0 for the others, shrink it, and share out what was taken away.",
    cases=[(torch.tensor([0, 2, 1, 2]), 3, 0.3), (torch.tensor([9, 0, 4]), 10, 0.2), (torch.tensor([1, 1, 0, 3, 2]), 5, 0.5), (torch.tensor([2, 0]), 4, 0.0)],
    right=smoothed,
    mistakes=[
        (lambda y, k, a: spread(y, k, 1 - a, a / (k - 1)), "The amount is shared among the wrong classes only: it goes to all classes, the right one too."),
        (lambda y, k, a: spread(y, k, 1 - a, a / k), "The rows do not add up to 1: the right class gets its share of the amount too, on top of 1 - amount."),
        (lambda y, k, a: hot(y, k) + a / k, "The rows add up to more than 1: the right class gets 1 - amount and its share, not 1 and its share."),
        (lambda y, k, a: spread(y, k, 1.0, a / k), "The right class keeps all of its 1, and so the rows add up to more than 1."),
        (lambda y, k, a: smoothed(y, k, a).T, "Rows and columns are swapped: one row a label, one column a class."),
        (lambda y, k, a: hot(y, k), "Nothing is smoothed: `amount` is not used."),
        (lambda y, k, a: hot(y, k) * (1 - a), "The amount is taken from the right class and given to none: the rows should add up to 1."),
        (lambda y, k, a: hot(y, k) * (1 - a) + a, "Each class gets its share of the amount, amount / classes, not all of it."),
        (lambda y, k, a: hot(y, k) * (1 - a) + a / len(y), "The amount is shared among the classes, not among the labels."),
        (lambda y, k, a: hot(y, k) * a + (1 - a) / k, "Amount and 1 - amount are swapped."),
        (lambda y, k, a: smoothed(y, k, a).argmax(1), "These are labels again: return the rows of shares, (N, classes)."),
        (lambda y, k, a: smoothed(y, k, a).mean(0), "That is one row for all: each label gets its own."),
        (lambda y, k, a: smoothed(y, k, a).numpy(), "A float tensor is asked for, this is of the type {}.", lambda f, *case: not (torch.is_tensor(t := f(*case)) and t.is_floating_point()) and type(t).__name__),
])

def model_and_pictures(count, channels, height, width, classes):
    X = normal(count, channels, height, width)
    first, last = linear(X[0].numel(), 8), linear(8, classes, seed=1)
    return nn.Sequential(nn.Flatten(), first, nn.ReLU(), last).eval(), X

def both(turn=lambda X: X.flip(3), put=torch.add):
    return lambda model, X: put(model(X), model(turn(X)))

mirrored = Check(
    "mirrored",  # the scores of the pictures and of their mirror images, added
    first_step="A picture is (C, H, W), and there are N of them: which axis are the columns? The model can be asked twice.",
    cases=[model_and_pictures(4, 3, 6, 6, 10), model_and_pictures(3, 1, 5, 5, 2), model_and_pictures(5, 4, 4, 7, 3)],
    right=both(),
    mistakes=[
        (both(put=lambda a, b: (a, b)), "These are two results: add the scores, and return one tensor.", lambda f, m, X: isinstance(f(m, X), tuple | list)),
        (lambda m, X: m(X), "The mirror image is missing."),
        (lambda m, X: 2 * m(X), "The picture is shown twice: the second time, show its mirror image."),
        (lambda m, X: m(X.flip(3)), "That is the mirror image alone: add the scores of the picture itself."),
        (lambda m, X: 2 * m(X.flip(3)), "The mirror image is shown twice: once, show the picture itself."),
        (both(lambda X: X.flip(2)), "That turns the pictures upside down: the axes are picture, channel, row, column."),
        (both(lambda X: X.flip(1)), "That swaps the colours: columns are axis 3."),
        (both(lambda X: X.flip(0)), "That swaps whole pictures: columns are axis 3."),
        (both(lambda X: X.flip(2, 3)), "That turns them by half a circle: columns only, axis 3."),
        (both(lambda X: X.mT), "That swaps rows and columns: reverse the columns."),
        (both(put=lambda a, b: (a + b) / 2), "That is the mean. It gives the same answers, for the order of the scores is the same; but the sum is asked for."),
        (both(put=torch.mul), "Add the scores, do not multiply them: two negative ones would give a positive one."),
        (both(put=torch.sub), "Add the scores: subtracting leaves only what the two disagree about."),
        (both(put=torch.maximum), "The larger of two scores is not their sum."),
        (both(put=lambda a, b: a.softmax(1) + b.softmax(1)), "Add the scores themselves, without softmax."),
        (lambda m, X: m(X + X.flip(3)), "The two pictures are laid over each other: show them one after the other, and add the scores."),
        (lambda m, X: m((X + X.flip(3)) / 2), "The two pictures are laid over each other: show them one after the other, and add the scores."),
        (lambda m, X: m(X) + m(X).flip(1), "The scores are reversed, not the pictures: reverse the columns of X."),
        (lambda m, X: m(torch.cat([X, X.flip(3)])), "There are twice as many rows as pictures: add the two halves."),
        (lambda m, X: (m(X) + m(X.flip(3))).argmax(1), "These are labels: return the scores."),
])
