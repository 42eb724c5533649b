"""Checks of lesson 02: pooling."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.checks.engine import Hint, check, explain, output_of

__all__ = ["average_by_convolution", "block", "max_pool", "pooled_size", "receptive_field"]


SIZES = [(4, (8, 8)), (3, (10, 6)), (1, (7, 12))]  # channels, (height, width)


@check
def max_pool(answer):
    """``max_pool(picture, patch)``: (H, W) → (H // patch, W // patch), the patches' largest."""
    rng = np.random.default_rng(0)
    # (5, 7) with patch 2: the last row and column belong to no whole patch
    shapes = [((6, 8), 2), ((9, 6), 3), ((5, 7), 2)]
    cases = [(rng.normal(size=size), patch) for size, patch in shapes]
    cases.append((rng.normal(size=(6, 6)) - 9, 3))  # all negative

    def pool(picture, patch, reduce=np.max):
        h, w = (n // patch for n in picture.shape)
        patches = picture[: h * patch, : w * patch].reshape(h, patch, w, patch)
        return reduce(patches, axis=(1, 3))

    def overlapping(picture, patch):
        windows = np.lib.stride_tricks.sliding_window_view(picture, (patch, patch))
        return windows.max(axis=(2, 3))

    return explain(
        answer,
        cases,
        right=pool,
        mistakes=[
            (lambda p, n: pool(p, n, np.mean), "That is the mean of each patch: take the max."),
            (lambda p, n: pool(p, n, np.min), "That is the smallest of each patch: take the max."),
            (overlapping, "The patches overlap: move by `patch` pixels, not by one."),
            (
                lambda p, n: overlapping(p, n)[: p.shape[0] // n, : p.shape[1] // n],
                "The patches overlap: the one for row i of the result begins at row i * patch.",
            ),
            (
                lambda p, n: np.maximum(0, pool(p, n)),
                "Negative numbers are lost: the largest of a patch may be below 0.",
            ),
            (
                lambda p, n: p[::n, ::n],
                "That keeps the first pixel of each patch, not the largest.",
            ),
            (lambda p, n: pool(p, n).T, "Rows and columns of the result are swapped."),
            (lambda p, n: pool(p, n, np.sum), "That is the sum of each patch: take the max."),
            (
                lambda p, n: pool(
                    np.pad(p, [(0, -s % n) for s in p.shape], constant_values=-np.inf), n
                ),
                "A patch that hangs over the edge is left out: 5 rows make 2 patches of 2.",
            ),
        ],
    )


@check
def pooled_size(answer):
    """``pooled_size(size, patch, stride=None)``: outputs along one axis, stride None = patch."""
    cases = [
        (28, 2),
        (7, 2),
        (64, 3),
        (8, 4),
        (28, 3, 2),
        (9, 3, 1),
        (32, 2, 3),
        (10, 4, 2),
        (10, 3, 4),
    ]

    def size(i, f, s=None, *, default=None, up=False):
        s = s or default or f
        return -(-(i - f) // s) + 1 if up else (i - f) // s + 1

    return explain(
        answer,
        cases,
        right=size,
        mistakes=[
            (
                lambda i, f, s=None: size(i, f, s, default=1),
                "Without a stride, pooling moves by a whole patch, not by 1.",
            ),
            (
                lambda i, f, s=None: size(i, f, s, up=True),
                "Round down: a patch that hangs over the edge is left out.",
            ),
            (lambda i, f, s=None: size(i, f), "The stride is ignored where it is given."),
            (lambda i, f, s=None: i // f, "That is right only while the stride equals the patch."),
            (
                lambda i, f, s=None: i // (s or f),
                "Only whole patches count: before dividing, take the patch off the size.",
            ),
            (lambda i, f, s=None: size(i, f, s) - 1, "One too few: the first patch counts too."),
            (
                lambda i, f, s=None: (i - f) / (s or f) + 1,
                "Half a patch does not exist: the division is rounded down, `//`.",
            ),
        ],
    )


@check
def receptive_field(answer):
    """``receptive_field(layers)``: layers as (kernel, stride), first to last → pixels seen."""
    cases = [
        ([(3, 1)],),
        ([(3, 1), (3, 1)],),
        ([(3, 1), (2, 2)],),
        ([(3, 1), (2, 2), (3, 1)],),
        ([(5, 2), (3, 1), (2, 2), (3, 1)],),
        ([(3, 1), (2, 2)] * 3,),
        ([(7, 3), (3, 4), (3, 1)],),
    ]

    def field(layers, *, strides=np.multiply, after=False, minus=1):
        seen, jump = 1, 1
        for kernel, stride in layers:
            if after:
                jump *= stride
            seen += (kernel - minus) * jump
            if not after:
                jump = strides(jump, stride)
        return seen

    return explain(
        answer,
        cases,
        right=field,
        mistakes=[
            (
                lambda x: field(x, strides=lambda jump, stride: 1),
                "The strides are forgotten: after a stride of 2, "
                "neighbours are two pixels of the picture apart.",
            ),
            (
                lambda x: field(x, strides=lambda jump, stride: stride),
                "The jump is that of the last layer alone: the strides of all layers multiply.",
            ),
            (
                lambda x: field(x, strides=np.add),
                "Strides multiply: after two strides of 2 the jump is 4, not 5.",
            ),
            (
                lambda x: field(x, after=True),
                "A layer's own stride counts only for the layers "
                "after it: first add, then multiply the jump.",
            ),
            (
                lambda x: field(x, minus=0),
                "A kernel adds its size minus 1: its first pixel is already counted.",
            ),
            (lambda x: field(x) - 1, "One too few: begin with 1, the pixel itself."),
            (
                lambda x: np.prod([k for k, _ in x]),
                "Kernels do not multiply: two 3×3 in a row see 5 pixels, not 9.",
            ),
            (
                lambda x: sum(k for k, _ in x),
                "Neighbouring windows overlap, so their sizes do "
                "not simply add up: a kernel adds its size minus 1.",
            ),
            (lambda x: field(x[::-1]), "Begin with the first layer, not with the last."),
        ],
    )


@check
def average_by_convolution(answer):
    """``average_by_convolution(patch)``: an nn.Conv2d, 1 → 1, equal to nn.AvgPool2d(patch)."""
    generator = torch.Generator().manual_seed(0)
    cases = [(n, torch.randn(2, 1, 12, 18, generator=generator)) for n in (2, 3, 4)]

    def convolve(X, patch, value, stride):
        return F.conv2d(X, torch.full((1, 1, patch, patch), value), stride=stride)

    return explain(
        output_of(answer),
        cases,
        right=lambda n, X: F.avg_pool2d(X, n),
        mistakes=[
            (
                lambda n, X: convolve(X, n, 1 / n**2, 1),
                "The stride is missing: the windows of pooling do not overlap.",
            ),
            (
                lambda n, X: convolve(X, n, 1.0, n),
                "That is the sum of each patch: the weights must add up to 1.",
            ),
            (
                lambda n, X: convolve(X, n, 1 / n, n),
                "A patch×patch window has patch² pixels: each weight is 1 / patch².",
            ),
            (lambda n, X: convolve(X, n, 1 / 4, n), "1/4 is right for a patch of 2 only."),
            (lambda n, X: convolve(X, n, 1 / 9, n), "1/9 is right for a patch of 3 only."),
            (lambda n, X: F.max_pool2d(X, n), "That is the largest of each patch, not the mean."),
        ],
        otherwise="The weights are not those of an average. Are they still random?",
    )


@check
def block(answer):
    """``Block(channels)``: an nn.Module, 3×3 convolution, ReLU, 2×2 max pooling."""
    generator = torch.Generator().manual_seed(0)
    cases = [(n, torch.randn(2, 1, *size, generator=generator)) for n, size in SIZES]

    def run(channels, X):
        model = answer(channels)
        if not isinstance(model, nn.Module):
            raise Hint("Block must be a class derived from nn.Module.")
        output = model(X)
        if output is ... or output is None:
            return output
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
        if not layers and output.requires_grad:
            raise Hint(
                "Its weights are not its own: make the convolution in `__init__` and keep it as "
                "`self.…`, not in a plain list."
            )
        if len(layers) != 1:
            raise Hint(f"One nn.Conv2d is asked for, there are {len(layers)}.")
        weight, bias = layers[0].weight, layers[0].bias
        if weight.shape != (channels, 1, 3, 3):
            shape = tuple(weight.shape)
            raise Hint(f"The weights should be {(channels, 1, 3, 3)}, they are {shape}.")
        same = F.conv2d(X, weight, bias, padding=1)
        stages = {
            "": F.max_pool2d(F.relu(same), 2),
            "The ReLU is missing.": F.max_pool2d(same, 2),
            "The pooling is missing.": F.relu(same),
            "That is average pooling: max is asked for.": F.avg_pool2d(F.relu(same), 2),
            "The ReLU comes before the filter: it should come after.": F.max_pool2d(
                F.conv2d(F.relu(X), weight, bias, padding=1), 2
            ),
            "The convolution makes the picture smaller: padding=1 keeps the size.": F.max_pool2d(
                F.relu(F.conv2d(X, weight, bias)), 2
            ),
        }
        for hint, stage in stages.items():
            if stage.shape == output.shape and torch.allclose(stage, output, atol=1e-5):
                if hint:
                    raise Hint(hint)
                return X.new_tensor(1)
        raise Hint(
            f"From {tuple(X.shape)} it makes {tuple(output.shape)}: another chain than asked."
        )

    return explain(run, cases, right=lambda channels, X: 1, mistakes=[])
