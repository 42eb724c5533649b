"""Checks of the lesson Fashion-MNIST."""

import torch

from helpers.checks.engine import Check, no_tensor, not_float32, pixels, same, whole
from helpers.checks.engine import guess as guess


def batch(pictures, move=lambda p: p.permute(0, 3, 1, 2)):
    return (pictures[:, None] if pictures.ndim == 3 else move(pictures)).float()

to_batch = Check(
    "to_batch",  # uint8 (N, H, W) or (N, H, W, 3) → float32 (N, C, H, W), 0–1
    first_step="Tell the two kinds apart by how many axes they have. Grey ones lack an axis, colour ones have it in the wrong place.",
    cases=[(pixels(*shape, high=200),) for shape in [(4, 28, 28), (2, 6, 5, 3), (2, 8, 8, 3), (5, 7, 9)]],
    right=lambda p: batch(p) / 255,
    otherwise="The shape is right, the numbers are not: 0 should stay 0 and 255 become 1, each pixel in its place.",
    mistakes=[
        (lambda p: batch(p).numpy() / 255, "A tensor is asked for, this is of the type {}.", no_tensor),
        (lambda p: batch(p, move=lambda p: p) / 255, "The channels of colour pictures are still last: permute(0, 3, 1, 2) moves them."),
        (lambda p: batch(p, move=lambda p: p.reshape(len(p), 3, *p.shape[1:3])) / 255, "The shape is right, but the numbers of colour pictures are in the wrong places: view and reshape only cut the same row of numbers into other pieces; permute moves the axis."),
        (lambda p: batch(p).flip(1) / 255, "The colours are in the order blue, green, red: keep them as they are."),
        (lambda p: batch(p) / batch(p).max(), "The largest number of the batch becomes 1: divide by 255, in every batch alike."),
        (lambda p: batch(p).byte(), "The result is {}: make it float.", lambda f, p: not f(p).is_floating_point() and f(p).dtype),
        (lambda p: batch(p).double() / 255, "The result is {}: layers take torch.float32.", not_float32),
        (lambda p: batch(p), "The values still go up to 255: divide by 255.", lambda f, p: f(p).max() > 1.5),
        (lambda p: batch(p) / 256, "White, 255, should be 1: divide by 255, not by 256.", lambda f, p: same(f(p) * 256, batch(p))),
])

output_megabytes = Check(
    "output_megabytes",  # size of a layer's float32 output
    first_step="Count the numbers of one picture's output first, then those of the whole batch, then their bytes.",
    cases=[(4, 28, 28, 54_000), (4, 28, 28, 64), (16, 28, 28, 32), (32, 10, 12, 1000)],
    right=lambda m, h, w, n: 4 * m * h * w * n / 1e6,
    mistakes=[
        (lambda m, h, w, n: m * h * w * n / 1e6, "A float32 number takes 4 bytes."),
        (lambda m, h, w, n: 8 * m * h * w * n / 1e6, "A float32 number takes 4 bytes, not 8."),
        (lambda m, h, w, n: 4 * m * h * w / 1e6, "That is one picture: the whole batch is in memory at once."),
        (lambda m, h, w, n: 4 * h * w * n / 1e6, "There is an output for each feature map."),
        (lambda m, h, w, n: 4 * m * h * w * n, "That is in bytes: a megabyte is a million."),
        (lambda m, h, w, n: 4 * m * h * w * n / 2**20, "Here a megabyte is 1,000,000 bytes."),
        (lambda m, h, w, n: 4 * m * h * w * n / 1e3, "That is in kilobytes: a megabyte is a million bytes."),
        (lambda m, h, w, n: round(4 * m * h * w * n / 1e6, 2), "Do not round the result."),
        (lambda m, h, w, n: round(4 * m * h * w * n / 1e6), "Do not round the result."),
        (lambda m, h, w, n: m * h * w * n, "That counts the numbers: times 4 bytes, in millions."),
])

conv_parameters = Check(
    "conv_parameters",  # weights and biases of a convolution
    first_step="Count one feature map: it has a kernel for each channel that comes in, and one bias.",
    cases=[(1, 4, 3), (4, 4, 3), (16, 32, 5), (3, 64, 7), (2, 1, 1)],
    right=lambda i, o, k: o * (i * k * k + 1),
    mistakes=[
        (lambda i, o, k: o * i * k * k, "The biases are missing: one for each feature map."),
        (lambda i, o, k: o * k * k + o, "Each kernel goes through all input channels: it has inputs · kernel · kernel numbers."),
        (lambda i, o, k: o * (i * k + 1), "A kernel is square: its size counts twice."),
        (lambda i, o, k: o * i * (k * k + 1), "One bias for each feature map, not for each of its input channels."),
        (lambda i, o, k: o * i * k * k + 1, "One bias for each feature map, not one in all."),
        (lambda i, o, k: o * i * k * k + i, "The biases belong to the outputs: one for each feature map that is made."),
        (lambda i, o, k: i * k * k + 1, "That is one feature map: there are `outputs`."),
])

def of_each_class(count):
    """Make `accuracy_by_class` of (is this class answered, is this class the label) → a number."""
    return lambda predicted, y, classes: torch.stack([count(predicted == k, y == k) for k in range(classes)])

def answers_and_labels(n, classes):
    y = torch.cat([torch.arange(classes), whole(classes, n)])
    guess = whole(classes, len(y), seed=1)
    return torch.where(whole(5, len(y), seed=2) < 3, y, guess), y, classes

def without_a_hit(n, classes):
    """The last class is never answered, the one before it never rightly."""
    guess, y, classes = answers_and_labels(n, classes)
    guess[guess == classes - 1] = 0
    guess[y == classes - 2] = 0
    return guess, y, classes

accuracy_by_class = Check(
    "accuracy_by_class",  # the share of right answers in each class
    first_step="Take one class alone: choose the samples with this label, and ask which share of them was answered with it.",
    cases=[answers_and_labels(50, 3), answers_and_labels(200, 10), answers_and_labels(37, 4), without_a_hit(40, 5)],
    right=of_each_class(lambda a, y: (a & y).sum() / y.sum()),
    mistakes=[
        (of_each_class(lambda a, y: (a & y).sum() / a.sum()), "You divide by how often the class was answered. Divide by how many samples have that label."),
        (of_each_class(lambda a, y: (a & y).float().mean()), "You divide by all samples: divide by those of the class."),
        (lambda predicted, y, classes: torch.bincount(y[predicted == y]) / torch.bincount(y), "torch.bincount stops at the largest class that it meets, and the last class may have no right answer: minlength=classes."),
        (of_each_class(lambda a, y: (a & y).sum()), "These are counts: divide by the number of samples of the class."),
        (of_each_class(lambda a, y: 100 * (a & y).sum() / y.sum()), "Return shares between 0 and 1."),
        (of_each_class(lambda a, y: (~a & y).sum() / y.sum()), "That is the share of wrong answers."),
        (lambda predicted, y, classes: (predicted == y).float().mean(), "That is one number for all: give one for each class."),
        (of_each_class(lambda a, y: (a == y).float().mean()), "You also count samples of other classes that were rightly not taken for this one."),
])
