"""Checks of lesson 02: pooling."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.engine import check, explain, output_of

__all__ = ["average_by_convolution", "max_pool", "pooled_size", "receptive_field"]


@check
def max_pool(answer):
    """``max_pool(picture, patch)``: (H, W) → (H // patch, W // patch), the patches' largest."""
    rng = np.random.default_rng(0)
    # (5, 7) with patch 2: the last row and column belong to no whole patch
    shapes = [((6, 8), 2), ((9, 6), 3), ((5, 7), 2)]
    cases = [(rng.normal(size=size), patch) for size, patch in shapes]

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
    cases = [(28, 2), (7, 2), (64, 3), (8, 4), (28, 3, 2), (9, 3, 1), (32, 2, 3), (10, 4, 2)]

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
    ]

    def field(layers, *, strides=True, after=False, minus=1):
        seen, step = 1, 1
        for kernel, stride in layers:
            if after:
                step *= stride
            seen += (kernel - minus) * step
            if strides and not after:
                step *= stride
        return seen

    return explain(
        answer,
        cases,
        right=field,
        mistakes=[
            (
                lambda x: field(x, strides=False),
                "The strides are forgotten: after a stride of 2, "
                "one step is two pixels of the picture.",
            ),
            (
                lambda x: field(x, after=True),
                "A layer's own stride counts only for the layers "
                "after it: first add, then multiply the step.",
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
            (lambda n, X: F.max_pool2d(X, n), "That is the largest of each patch, not the mean."),
        ],
    )
