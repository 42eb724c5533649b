"""Checks of the lesson Birds and airplanes."""

import itertools
import math

import numpy as np
import torch

from helpers.checks.engine import Check, no_tensor, normal, not_float32, pixels, same, whole
from helpers.checks.engine import guess as guess


def column(values):
    return values.view(3, 1, 1)

def mean_and_std(seed):
    return 0.2 + 0.6 * whole(100, 2, 3, seed=seed) / 100

unnormalise = Check(
    "unnormalise",  # undo (X - mean) / std for a picture (3, H, W)
    first_step="Normalising was two steps: minus the mean, then divided by the deviation. Undo the last one first, and mind along which axis the three numbers lie.",
    # 3 × 3 pixels: three numbers along a wrong axis raise no error
    cases=[(normal(3, 3, width, seed=seed), *mean_and_std(seed)) for seed, width in enumerate([3, 3, 4])],
    right=lambda X, m, s: X * column(s) + column(m),
    mistakes=[
        (lambda X, m, s: (X - column(m)) / column(s), "That normalises once more: go the other way round."),
        (lambda X, m, s: (X + column(m)) * column(s), "The order is off: the division came last, so it is undone first."),
        (lambda X, m, s: X * column(m) + column(s), "Mean and deviation are swapped."),
        (lambda X, m, s: X * column(s) - column(m), "The mean was taken away: add it again."),
        (lambda X, m, s: X / column(s) + column(m), "It was divided by the deviation: multiply by it."),
        (lambda X, m, s: X * column(s), "The mean is missing."),
        (lambda X, m, s: X + column(m), "The deviation is missing."),
        (lambda X, m, s: X.permute(1, 2, 0) * s + m, "The channels are last now: move them back to the front, or use std.view(3, 1, 1)."),
        (lambda X, m, s: X * s + m, "`X * std` pairs the three numbers with the columns of a picture, not with its channels: std.view(3, 1, 1)."),
        (lambda X, m, s: X * s.view(1, 3, 1) + m.view(1, 3, 1), "That pairs the three numbers with the rows of a picture: std.view(3, 1, 1)."),
        (lambda X, m, s: X * s.mean() + m.mean(), "Each channel has its own mean and deviation."),
        (lambda X, m, s: (X * column(s) + column(m)).clamp(0, 1), "Do not cut off: give back exactly what there was before."),
])

def kept(targets, first, second):
    return [i for i, label in enumerate(targets) if label in (first, second)]

def relabelled(label):
    """Make a `relabel` of (old label, first, second) → new label."""
    return lambda t, a, b: (kept(t, a, b), [label(t[i], a, b) for i in kept(t, a, b)])

is_second = relabelled(lambda old, a, b: int(old == b))

relabel = Check(
    "relabel",  # positions of two classes, and labels 0 and 1
    first_step="Go through the targets once, with their positions, and note each that is one of the two.",
    cases=[([0, 2, 9, 2, 0, 1], 0, 2), ([0, 2, 9, 2, 0, 1], 2, 0), *[(whole(10, 40, seed=a).tolist(), a, b) for a, b in [(3, 5), (9, 1), (1, 2)]]],
    right=is_second,
    otherwise="The positions or the labels are off: try it with [0, 2, 9, 2] and 0, 2; that gives [0, 1, 3] and [0, 1, 1].",
    mistakes=[
        (kept, "Two lists are asked for: `return positions, labels`.", lambda f, *case: not isinstance(f(*case), tuple | list) or len(f(*case)) != 2),
        (relabelled(lambda old, a, b: [int(old == b)]), "A part has the shape {}: make it flat, `.flatten()`.", lambda f, *case: " and ".join(str(shape) for part in f(*case) if len(shape := tuple(np.shape(part))) != 1)),
        (lambda t, a, b: (kept(t, a, b), [int(v == b) for v in t]), "There are {}: give one label for each picture that is kept.", lambda f, *case: (n := len(f(*case)[0])) != (m := len(f(*case)[1])) and f"{n} positions, but {m} labels"),
        (lambda t, a, b: (range(len(t)), [int(v == b) for v in t]), "{}: those of the two classes.", lambda f, *case: (n := len(f(*case)[0])) != (m := len(kept(*case))) and f"{n} pictures are kept, there should be {m}"),
        (relabelled(lambda old, a, b: old), "The labels are still those of the ten classes: the first class becomes 0, the second 1."),
        (relabelled(lambda old, a, b: int(old == a)), "0 and 1 are swapped: the first class becomes 0."),
        (relabelled(lambda old, a, b: int(old > min(a, b))), "The order is that of the arguments, not of the numbers: `first` becomes 0 even if it is the larger."),
        (lambda t, a, b: (order := kept(t, a, a) + kept(t, b, b), [int(t[i] == b) for i in order]), "Keep the order of the dataset: go through it once."),
        (lambda t, a, b: ([t[i] for i in kept(t, a, b)], is_second(t, a, b)[1]), "The first list holds labels; it should say at which positions they stand."),
        (lambda t, a, b: is_second(t, a, b)[::-1], "The two lists are in the wrong order: positions first."),
])

SMALL = [normal(n) for n in (2, 5, 3)]
LARGE = [torch.tensor(scores) for scores in ([0.0, 104.0], [1000.0, 980.0, 0.0], [-900.0, -930.0])]

def is_right(f, *inputs):
    return all(same(f(s), s.log_softmax(0)) for s in inputs)

def for_large(shows):
    """Show an answer that is right for small scores, and for large ones wrong in this way."""
    return lambda f, s: s.abs().max() > 90 and is_right(f, *SMALL) and not is_right(f, s) and shows(f(s), s)

log_softmax = Check(
    "log_softmax",  # the logarithm of softmax, for scores of any size
    first_step="Softmax does not change if the same number is taken from all scores. Which number makes the largest exp equal to 1? And the logarithm of a quotient is a difference.",
    cases=[(scores,) for scores in SMALL + LARGE],
    right=lambda s: s.log_softmax(0),
    mistakes=[
        (lambda s: s.softmax(0), "These are the probabilities: the logarithm is missing."),
        (lambda s: s - s.max(), "Subtracting the largest score is the first half: the logarithm of the sum is missing."),
        (lambda s: s - s.exp().sum(), "Take the logarithm of the sum."),
        (lambda s: s / s.exp().sum().log(), "The logarithm of a quotient is a difference: scores − log of the sum."),
        (lambda s: s - (s - s.max()).exp().sum().log(), "The largest score was subtracted inside the sum only: subtract it from the scores too."),
        (lambda s: -s.log_softmax(0), "The sign is turned round: logarithms of probabilities are not above 0."),
        (lambda s: s.softmax(0).log10(), "The natural logarithm is asked for: torch.log."),
        (lambda s: s.softmax(0).log(), "Right for small scores, but the 0 and 104 give −inf: a probability has become 0 before its logarithm was taken.", for_large(lambda given, s: same(given, s.softmax(0).log()))),
        (lambda s: (s.softmax(0) + 1e-12).log(), "Cutting off at a small number hides the −inf and gives a wrong answer: work with the logarithms.", for_large(lambda given, s: given.isfinite().all() and same(given, s.log_softmax(0).clamp(min=float(given.min()))))),
        (lambda s: s - s.exp().sum().log(), "Subtract the largest score from all of them first: this is right for small scores, but not for large ones.", for_large(lambda given, s: True)),
])

def over_layers(count):
    """Make `mlp_parameters` of (inputs, outputs) of a layer → a number."""
    return lambda sizes: sum(count(a, b) for a, b in itertools.pairwise(sizes))

mlp_parameters = Check(
    "mlp_parameters",  # weights and biases of fully connected layers
    first_step="Take two neighbours of the list, one layer: how many connections are there, and how many biases? Then go along the list.",
    cases=[([3072, 128, 2],), ([3072, 1024, 512, 128, 2],), ([3072, 2],), ([10, 5, 5, 3],)],
    right=over_layers(lambda a, b: a * b + b),
    mistakes=[
        (over_layers(lambda a, b: a * b), "The biases are missing: one for each output of a layer."),
        (over_layers(lambda a, b: a * b + a), "There is a bias for each output of a layer, not for each input."),
        (over_layers(lambda a, b: a * b + 1), "Each output has a bias of its own, not each layer."),
        (lambda sizes: over_layers(lambda a, b: a * b)(sizes) + sum(sizes), "The inputs have no bias: only the outputs of layers."),
        (lambda sizes: float(math.prod(sizes)), "The layers do not multiply: add up their parameters."),
        (lambda sizes: sizes[0] * sizes[1] + sizes[1], "That is the first layer only."),
        (over_layers(lambda a, b: a + b), "Each input is joined to each output: multiply the two."),
        (over_layers(lambda a, b: (a + 1) * (b + 1)), "The bias adds one input to each output, and no output."),
])

def chw(picture):
    return torch.as_tensor(picture).permute(2, 0, 1).float()

def normal_of(X, mean, std):
    return (X - column(mean)) / column(std)

ready = Check(
    "ready",  # a uint8 picture (H, W, 3) as a normalised batch of one
    first_step="Four things in the order of training: channels to the front, 0 to 1, normalised, and an axis for the batch.",
    cases=[(pixels(h, w, 3).numpy(), *mean_and_std(seed)) for seed, (h, w) in enumerate([(32, 32), (5, 4), (3, 8)])],
    right=lambda p, m, s: normal_of(chw(p) / 255, m, s)[None],
    mistakes=[
        (lambda p, m, s: normal_of(chw(p) / 255, m, s)[None].numpy(), "A tensor is asked for, not {}.", no_tensor),
        (lambda p, m, s: normal_of(chw(p) / 255, m, s), "The batch axis is missing: a model takes (N, 3, H, W), here with N = 1. `X[None]` or `X.unsqueeze(0)` adds it."),
        (lambda p, m, s: normal_of(chw(p), m, s)[None], "The numbers go from 0 to 255: divide by 255 first, as for training."),
        (lambda p, m, s: chw(p)[None] / 255, "It is not normalised: the model has only seen normalised pictures."),
        (lambda p, m, s: chw(p)[None] / 255 - column(m), "The deviation is missing: divide by std."),
        (lambda p, m, s: chw(p)[None] / 255 * column(s) + column(m), "That undoes a normalisation: subtract the mean, then divide."),
        (lambda p, m, s: normal_of(chw(p), m, s)[None] / 255, "Divide by 255 before you normalise."),
        (lambda p, m, s: normal_of(chw(p) // 255, m, s)[None], "`// 255` throws the fraction away: use `/`."),
        (lambda p, m, s: chw(p)[None], "Divide by 255, and normalise as for training."),
        (lambda p, m, s: normal_of(torch.as_tensor(p).reshape(3, *p.shape[:2]) / 255, m, s)[None], "reshape keeps the order of the numbers and so mixes pixels with colours: `permute(2, 0, 1)` moves the axis."),
        (lambda p, m, s: normal_of(chw(p).mT / 255, m, s)[None], "Height and width are swapped: `permute(2, 0, 1)`."),
        (lambda p, m, s: normal_of(chw(p) / 255, m, s).permute(1, 2, 0)[None], "The channels come last; PyTorch wants (1, 3, H, W)."),
        (lambda p, m, s: normal_of(chw(p).flip(0) / 255, m, s)[None], "The colours are in the order blue, green, red."),
        (lambda p, m, s: (chw(p)[None] / 255 - 0.48) / 0.25, "Another mean and std give the same result: use those that are given.", lambda f, p, m, s: same(f(p, m, s), f(p, 1 - m, 2 * s))),
        (lambda p, m, s: normal_of(chw(p).double() / 255, m, s)[None], "The result is {}: networks take torch.float32.", not_float32),
])
