"""Checks of the lesson Overfitting and regularization."""

import math

import numpy as np
import torch

from helpers.checks.engine import Check, normal
from helpers.checks.engine import guess as guess

decayed_step = Check(
    "decayed_step",  # one step of SGD with weight decay
    first_step="Write down the gradient that the step uses: that of the loss, and what decay adds to it. Then it is an ordinary step.",
    cases=[(2.0, 0.0, 0.1, 0.25), (-1.5, 0.5, 0.2, 0.1), (normal(6), normal(6, seed=1), 0.05, 0.3)],
    right=lambda w, g, lr, d: w - lr * (g + d * w),
    mistakes=[
        (lambda w, g, lr, d: w - lr * (g + 2 * d * w), "The factor 2 belongs to the gradient of a penalty d·w²; weight_decay adds d·w."),
        (lambda w, g, lr, d: w - lr * (g + d / 2 * w), "weight_decay adds the whole d·w, not half of it."),
        (lambda w, g, lr, d: w - lr * g - d * w, "SGD adds the decay to the gradient: lr multiplies both."),
        (lambda w, g, lr, d: w - lr * g, "The decay is missing."),
        (lambda w, g, lr, d: w - lr * d * w, "The gradient of the loss is missing."),
        (lambda w, g, lr, d: w - lr * (g - d * w), "The sign of the decay is wrong: this drives the weight away from 0."),
        (lambda w, g, lr, d: w + lr * (g + d * w), "This goes uphill: a step goes against the gradient."),
        (lambda w, g, lr, d: w - lr * (g + d), "The decay should grow with the weight: multiply it by w."),
        (lambda w, g, lr, d: w - lr * (g + d * w / abs(w)), "That is L1's gradient. Weight decay is proportional to w."),
        (lambda w, g, lr, d: w - lr * (g + d * w**2), "The penalty is w²; its gradient is proportional to w."),
        (lambda w, g, lr, d: g + d * w, "That is the gradient: return the weight after the step."),
        (lambda w, g, lr, d: lr * (g + d * w), "That is the step: return the weight after it."),
        (lambda w, g, lr, d: -lr * (g + d * w), "That is the step: return the weight after it."),
])

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
