"""Checks of lesson 01: filters and edges."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.engine import NotAttempted, check, explain, numbers_of, output_of

__all__ = ["correlate_same", "edge_layer", "horizontal_kernel", "output_size", "to_rgb_unit"]


@check
def to_rgb_unit(answer):
    """``to_rgb_unit(bgr)``: uint8 (H, W, 3) in BGR order → float (H, W, 3) in RGB order, 0–1."""
    rng = np.random.default_rng(0)
    # also square ones and one of width 3, where a wrong axis would not show in the shape
    sizes = [(4, 5, 3), (6, 6, 3), (5, 3, 3)]
    cases = [(rng.integers(0, 256, size, dtype=np.uint8),) for size in sizes]
    return explain(
        answer,
        cases,
        right=lambda p: p[:, :, ::-1] / 255,
        mistakes=[
            (lambda p: p / 255, "Red and blue are still swapped: reverse the last axis."),
            (lambda p: p[:, :, ::-1], "The values still go from 0 to 255: divide by 255."),
            (
                lambda p: p[::-1] / 255,
                "`[::-1]` reverses the rows: the picture stands on its head."
                " The colours are on the last axis.",
            ),
            (
                lambda p: p[:, ::-1] / 255,
                "That mirrors left and right: the colours are on the last axis.",
            ),
            (
                lambda p: p[::-1, ::-1, ::-1] / 255,
                "That reverses all three axes; only the last one, the colours, is to be reversed.",
            ),
            (lambda p: p[:, :, ::-1] / 256, "White is 255, not 256: so divided, it is below 1."),
            (lambda p: p[:, :, ::-1] // 255, "`//` throws the fraction away: use `/`."),
        ],
    )


def _correlate(picture, kernel, padding=0, mode="constant"):
    picture = np.pad(picture, padding, mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


@check
def correlate_same(answer):
    """``correlate_same(picture, kernel)``: zeros around the picture, result as large as it."""
    rng = np.random.default_rng(0)
    shapes = [((6, 8), 3), ((7, 5), 3), ((9, 9), 5)]
    cases = [(rng.normal(size=size), rng.normal(size=(k, k))) for size, k in shapes]
    return explain(
        answer,
        cases,
        right=lambda p, k: _correlate(p, k, len(k) // 2),
        mistakes=[
            (
                lambda p, k: _correlate(p, k),
                "There is no padding: the result is smaller than the picture.",
            ),
            (
                lambda p, k: _correlate(p, k, 1),
                "A border of 1 is right for 3×3 kernels only: a k×k kernel needs k // 2.",
            ),
            (
                lambda p, k: _correlate(p, k, len(k)),
                "The border is too wide: a k×k kernel needs k // 2, not k.",
            ),
            (
                lambda p, k: _correlate(p, k[::-1, ::-1], len(k) // 2),
                "The kernel is flipped: networks lay it on the picture as it is.",
            ),
            (
                lambda p, k: _correlate(p, k.T, len(k) // 2),
                "Rows and columns of the kernel are swapped.",
            ),
            (
                lambda p, k: _correlate(p, k, len(k) // 2, "reflect"),
                "The border mirrors the picture, as OpenCV does; the task asks for zeros.",
            ),
            (
                lambda p, k: _correlate(p, k, len(k) // 2, "edge"),
                "The border repeats the edge of the picture; the task asks for zeros.",
            ),
            (
                lambda p, k: _correlate(p, k, len(k) // 2) / k.size,
                "That is the mean of the products: take their sum.",
            ),
        ],
    )


@check
def output_size(answer):
    """``output_size(size, kernel, stride=1, padding=0)``: how many outputs along one axis."""
    cases = [
        (28, 3, 1, 0),
        (28, 3, 1, 1),
        (32, 5, 2, 0),
        (64, 7, 3, 2),
        (11, 4, 2, 1),
        (9, 9, 1, 0),
        (28, 5),  # by default a stride of 1 and no padding
        (32, 3, 2),
    ]
    rng = np.random.default_rng(0)
    cases += [
        tuple(int(rng.integers(low, high)) for low, high in [(20, 99), (1, 9), (1, 5), (0, 4)])
        for _ in range(6)
    ]
    return explain(
        answer,
        cases,
        right=lambda i, f, s=1, p=0: (i - f + 2 * p) // s + 1,
        mistakes=[
            (
                lambda i, f, s=1, p=0: (i - f + 2 * p) / s + 1,
                "Half a position does not exist: the division is rounded down, `//`.",
            ),
            (
                lambda i, f, s=1, p=0: (i - f + 2 * p) // s,
                "One too few: the first position counts as well, so add 1.",
            ),
            (
                lambda i, f, s=1, p=0: (i - f + p) // s + 1,
                "The border is on both sides: 2 * padding.",
            ),
            (lambda i, f, s=1, p=0: i - f + 2 * p + 1, "The stride is forgotten."),
            (lambda i, f, s=1, p=0: (i - f) // s + 1, "The padding is forgotten."),
            (
                lambda i, f, s=1, p=0: (i - f + 2 * p + 1) // s,
                "The 1 is added after the division, not before it.",
            ),
            (
                lambda i, f, s=1, p=0: -(-(i - f + 2 * p) // s) + 1,
                "Round down, not up: a kernel that hangs over the edge is not counted.",
            ),
        ],
    )


@check
def horizontal_kernel(answer):
    """``kernel``: 3×3, answers to horizontal edges alone, positive where it is brighter below."""
    if any(value is ... for value in np.ravel(np.asarray(answer, dtype=object))):
        raise NotAttempted
    kernel = numbers_of(answer)
    if kernel.shape != (3, 3):
        return f"A kernel of the shape (3, 3) is asked for, this one has {kernel.shape}."
    if not np.isfinite(kernel).all():
        return "All nine must be numbers."
    if abs(kernel.sum()) > 1e-6:
        return f"On a flat area it answers {kernel.sum():g}: the nine numbers must add up to 0."
    if np.abs(kernel.sum(axis=0)).max() > 1e-6:
        return "It answers to a vertical edge as well: each column must add up to 0."
    # the edge may lie above or below the middle row
    answers = [kernel[1:].sum(), kernel[2:].sum()]
    if max(map(abs, answers)) < 1e-6:
        return "It does not see a horizontal edge: the rows must differ."
    if max(answers) <= 1e-6:
        return "It is negative where it is brighter below: change all signs."
    if min(answers) < -1e-6:
        row, sign = ("upper", "positive") if answers[0] < 0 else ("lower", "negative")
        return (
            "It is positive where the edge lies on one side of the middle row and negative where "
            f"it lies on the other: the {row} row must not add up to a {sign} number."
        )
    return None


@check
def edge_layer(answer):
    """``edge_layer(kernels)``: (n, 3, 3) → nn.Conv2d from 1 to n channels that keeps the size."""
    generator = torch.Generator().manual_seed(0)
    cases = []
    for n, size in [(1, (6, 8)), (3, (7, 5)), (4, (9, 9))]:
        kernels = torch.randn(n, 3, 3, generator=generator)
        cases.append((kernels, torch.randn(2, 1, *size, generator=generator)))

    return explain(
        output_of(answer),
        cases,
        right=lambda k, X: F.conv2d(X, k[:, None], padding=1),
        mistakes=[
            (
                lambda k, X: F.conv2d(X, k[:, None]),
                "The result is smaller than the picture: "
                "padding=1 keeps the size of a 3×3 filter's output.",
            ),
            (
                lambda k, X: F.conv2d(X, k[:, None].flip(2, 3), padding=1),
                "The kernels are flipped: nn.Conv2d lays them on the picture as they are.",
            ),
            (
                lambda k, X: F.conv2d(X, k[:, None].mT, padding=1),
                "Rows and columns of the kernels are swapped.",
            ),
        ],
        otherwise="The weights are not the kernels, or the border is not of zeros.",
    )
