"""Checks of lesson 05: Fashion-MNIST."""

from __future__ import annotations

import torch

from helpers.checks.engine import Hint, NotAttempted, check, explain

__all__ = ["accuracy_by_class", "conv_parameters", "output_megabytes", "to_batch"]


@check
def to_batch(answer):
    """``to_batch(pictures)``: uint8 (N, H, W) or (N, H, W, 3) to float (N, C, H, W) in 0-1."""
    generator = torch.Generator().manual_seed(0)
    for shape in [(4, 28, 28), (2, 6, 5, 3), (2, 8, 8, 3), (5, 7, 9)]:
        pictures = torch.randint(0, 200, shape, dtype=torch.uint8, generator=generator)
        given = pictures.clone()
        try:
            result = answer(given)
        except Exception as error:
            raise Hint(
                f"For pictures of the shape {shape} it stops with {type(error).__name__}: {error}"
            ) from error
        if result is ...:
            raise NotAttempted
        hint = _batch_hint(pictures, result)
        if hint is None and not torch.equal(given, pictures):
            hint = "the pictures that were given have changed: make new ones."
        if hint:
            return f"For pictures of the shape {shape}: {hint}"
    return None


def _batch_hint(pictures, result):
    if result is None:
        return "the function returns nothing: is there a `return` in front of the result?"
    if not torch.is_tensor(result):
        return f"a tensor is asked for, this is of the type {type(result).__name__}."
    colour = pictures.ndim == 4
    right = pictures.permute(0, 3, 1, 2) if colour else pictures.unsqueeze(1)
    if result.shape != right.shape:
        found, wanted = tuple(result.shape), tuple(right.shape)
        if colour and found == tuple(pictures.shape):
            return f"the channels are still last; the shape should be {wanted}."
        return f"the result has the shape {found}, it should be {wanted}."
    if not result.is_floating_point():
        return f"the result is {result.dtype}: make it float."
    if result.dtype != torch.float32:
        return f"the result is {result.dtype}: layers take torch.float32."
    if result.max() > 1.5:
        return "the values still go up to 255: divide by 255."
    if torch.allclose(result * 256, right.float(), atol=0.01):
        return "white, 255, should be 1: divide by 255, not by 256."
    if torch.allclose(result * 255, right.float(), atol=0.01):
        return None
    if torch.allclose(result.flatten().sort().values * 255, right.float().flatten().sort().values):
        return (
            "the shape is right, but the numbers are in the wrong places: view and reshape only "
            "cut the same row of numbers into other pieces; permute moves the axis."
        )
    return (
        f"the values go from {result.min():.2f} to {result.max():.2f}: divide by 255, so that 0 "
        "stays 0 and 255 would be 1, in every batch alike."
    )


@check
def output_megabytes(answer):
    """``output_megabytes(maps, height, width, batch_size)``: size of a layer's float32 output."""
    cases = [(4, 28, 28, 54_000), (4, 28, 28, 64), (16, 28, 28, 32), (32, 10, 12, 1000)]
    return explain(
        answer,
        cases,
        right=lambda m, h, w, n: 4 * m * h * w * n / 1e6,
        mistakes=[
            (lambda m, h, w, n: m * h * w * n / 1e6, "A float32 number takes 4 bytes."),
            (lambda m, h, w, n: 8 * m * h * w * n / 1e6, "A float32 number takes 4 bytes, not 8."),
            (lambda m, h, w, n: 4 * m * h * w / 1e6, "That is one picture: the whole batch is "
             "in memory at once."),
            (lambda m, h, w, n: 4 * h * w * n / 1e6, "There is an output for each feature map."),
            (lambda m, h, w, n: 4 * m * h * w * n, "That is in bytes: a megabyte is a million."),
            (lambda m, h, w, n: 4 * m * h * w * n / 2**20, "Here a megabyte is 1,000,000 bytes."),
            (lambda m, h, w, n: 4 * m * h * w * n / 1e3, "That is in kilobytes: a megabyte is a "
             "million bytes."),
            (lambda m, h, w, n: round(4 * m * h * w * n / 1e6, 2), "Do not round the result."),
            (lambda m, h, w, n: round(4 * m * h * w * n / 1e6), "Do not round the result."),
            (lambda m, h, w, n: m * h * w * n, "That counts the numbers: times 4 bytes, in "
             "millions."),
        ],
    )  # fmt: skip


@check
def conv_parameters(answer):
    """``conv_parameters(inputs, outputs, kernel)``: weights and biases of a convolution."""
    cases = [(1, 4, 3), (4, 4, 3), (16, 32, 5), (3, 64, 7), (2, 1, 1)]
    return explain(
        answer,
        cases,
        right=lambda i, o, k: o * (i * k * k + 1),
        mistakes=[
            (lambda i, o, k: o * i * k * k, "The biases are missing: one for each feature map."),
            (lambda i, o, k: o * k * k + o, "Each kernel goes through all input channels: it has "
             "inputs · kernel · kernel numbers."),
            (lambda i, o, k: o * (i * k + 1), "A kernel is square: its size counts twice."),
            (lambda i, o, k: o * i * (k * k + 1), "One bias for each feature map, not for each "
             "of its input channels."),
            (lambda i, o, k: o * i * k * k + 1, "One bias for each feature map, not one in all."),
            (lambda i, o, k: o * i * k * k + i, "The biases belong to the outputs: one for each "
             "feature map that is made."),
            (lambda i, o, k: i * k * k + 1, "That is one feature map: there are `outputs`."),
        ],
    )  # fmt: skip


@check
def accuracy_by_class(answer):
    """``accuracy_by_class(predicted, y, classes)``: the share of right answers in each class."""
    generator = torch.Generator().manual_seed(0)
    cases = []
    for n, classes in [(50, 3), (200, 10), (37, 4)]:
        y = torch.cat([torch.arange(classes), torch.randint(0, classes, (n,), generator=generator)])
        guess = torch.randint(0, classes, y.shape, generator=generator)
        keep = torch.rand(y.shape, generator=generator) < 0.6
        cases.append((torch.where(keep, y, guess), y, classes))

    def count(*chosen):
        return lambda p, y, c: torch.stack([_share(p, y, k, chosen) for k in range(c)])

    def _share(p, y, k, chosen):
        right = ((p == y) & (y == k)).sum()
        below = {"labels": (y == k).sum(), "answers": (p == k).sum(), "all": len(y), "none": 1}
        return torch.as_tensor(right / below[chosen[0]])

    return explain(
        answer,
        cases,
        right=count("labels"),
        mistakes=[
            (count("answers"), "You divide by how often the class was answered. Divide by how "
             "many samples have that label."),
            (count("all"), "You divide by all samples: divide by those of the class."),
            (count("none"), "These are counts: divide by the number of samples of the class."),
            (lambda p, y, c: 100 * count("labels")(p, y, c), "Return shares between 0 and 1."),
            (lambda p, y, c: 1 - count("labels")(p, y, c), "That is the share of wrong answers."),
            (lambda p, y, c: (p == y).float().mean(), "That is one number for all: give one for "
             "each class."),
            (lambda p, y, c: torch.stack([((p == k) == (y == k)).float().mean() for k in range(c)]),
             "You also count samples of other classes that were rightly not taken for this one."),
        ],
    )  # fmt: skip
