"""Checks of the lesson A network for SIGNS."""

import numpy as np
import torch

from helpers.checks.engine import Check, normal, whole
from helpers.checks.engine import guess as guess

flatten_size = Check(
    "flatten_size",  # numbers left after blocks that halve the picture
    first_step="Follow one side of the picture through the blocks, one after the other. In the end it counts twice, once for each map.",
    cases=[(64, 128, 3), (32, 64, 2), (28, 16, 2), (28, 16, 3), (30, 5, 1), (96, 7, 4)],
    right=lambda size, maps, blocks: maps * (size // 2**blocks) ** 2,
    mistakes=[
        (lambda s, m, b: (s // 2**b) ** 2, "The feature maps are forgotten: each has that many numbers."),
        (lambda s, m, b: s // 2**b * m, "A picture has height and width: the size counts twice."),
        (lambda s, m, b: s * s * m, "The blocks are forgotten: each halves the size."),
        (lambda s, m, b: (s // 2) ** 2 * m, "That is after one block: halve once for each."),
        (lambda s, m, b: (s // (2 * b)) ** 2 * m, "Three halvings divide by 8, not by 6."),
        (lambda s, m, b: s * s * m // 2**b, "Each block halves the height and the width."),
        (lambda s, m, b: (s / 2**b) ** 2 * m, "Pooling rounds down, after each block."),
])

def chosen(log_p, y):
    return log_p[torch.arange(len(y)), y]

nll = Check(
    "nll",  # the mean of minus the log-probabilities of the labels
    first_step="Pick, then average: one number in each row, the one at the label. Which sign makes it a loss?",
    cases=[(normal(n, classes).log_softmax(1), whole(classes, n)) for n, classes in [(8, 6), (5, 10), (6, 6)]],
    right=lambda p, y: -chosen(p, y).mean(),
    mistakes=[
        (lambda p, y: chosen(p, y).mean(), "The sign is missing: log-probabilities are negative, a loss is not."),
        (lambda p, y: -chosen(p, y).sum(), "That is the sum over the batch: take the mean."),
        (lambda p, y: -chosen(p, y), "One number for the batch is asked for: take the mean."),
        (lambda p, y: -chosen(p.exp(), y).mean(), "That uses probabilities: leave the logarithm."),
        (lambda p, y: -chosen(p, y).log().mean(), "The logarithm is taken twice: log_p holds log-probabilities already."),
        (lambda p, y: -p.max(dim=1).values.mean(), "That takes the largest of each row; take the one at the label."),
        (lambda p, y: -chosen(p, y).sum() / p.numel(), "Divide by the number of samples, not of all log-probabilities."),
        (lambda p, y: -p.mean(), "That takes all classes; take the one at the label."),
        (lambda p, y: -p[:, y].mean(), "`log_p[:, y]` takes every row for every label: use torch.arange(len(y)) for the rows."),
])

accuracy_over_batches = Check(
    "accuracy_over_batches",  # right answers over all samples
    first_step="Each sample counts once, in whatever batch it was. How many are right in all, of how many?",
    cases=[([32] * 6 + [0], [32] * 6 + [24]), ([3, 4, 1], [5, 5, 2]), ([7], [9]), ([10, 0, 3], [10, 40, 3])],
    right=lambda rights, sizes: sum(rights) / sum(sizes),
    mistakes=[
        (lambda r, s: np.mean(np.divide(r, s)), "That is the mean over batches: samples of a small last batch count too much."),
        (lambda r, s: sum(r), "That is the count: divide by the number of samples."),
        (lambda r, s: sum(r) / len(s), "Divide by the number of samples, not of batches."),
        (lambda r, s: 100 * sum(r) / sum(s), "Return the share, between 0 and 1."),
        (lambda r, s: sum(r) / (len(s) * s[0]), "The batches are not all as large as the first."),
        (lambda r, s: 1 - sum(r) / sum(s), "That is the share of wrong answers."),
])
