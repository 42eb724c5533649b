"""Checks of the lesson Filters and edges."""

import numpy as np
import torch
from torch import nn

from helpers.checks.engine import Check, conv, normal, numbers_of, output_of, pixels
from helpers.checks.engine import guess as guess

to_rgb_unit = Check(
    "to_rgb_unit",  # uint8 (H, W, 3) in BGR order → float (H, W, 3) in RGB order, 0–1
    first_step="Print bgr.shape: which of the three axes are the colours? Only that one is to be reversed.",
    # also square ones and one of width 3, where a wrong axis would not show in the shape
    cases=[(pixels(*shape, 3).numpy(),) for shape in [(4, 5), (6, 6), (5, 3)]],
    right=lambda p: p[:, :, ::-1] / 255,
    mistakes=[
        (lambda p: p / 255, "Red and blue are still swapped: reverse the last axis."),
        (lambda p: p[:, :, ::-1], "The values still go from 0 to 255: divide by 255."),
        (lambda p: p[::-1] / 255, "`[::-1]` reverses the rows: the picture stands on its head. The colours are on the last axis."),
        (lambda p: p[:, ::-1] / 255, "That mirrors left and right: the colours are on the last axis."),
        (lambda p: p[::-1, ::-1, ::-1] / 255, "That reverses all three axes; only the last one, the colours, is to be reversed."),
        (lambda p: p[:, :, ::-1] / 256, "White is 255, not 256: so divided, it is below 1."),
        (lambda p: p[:, :, ::-1] // 255, "Only 0 and 1 are left, the fraction is lost: divide with `/`, and keep floats."),
])

def correlate(picture, kernel, padding=0, mode="constant"):
    picture = np.pad(picture, padding, mode=mode)
    windows = np.lib.stride_tricks.sliding_window_view(picture, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)

def nearly_right(result, picture, kernel):
    right = correlate(picture, kernel, len(kernel) // 2)
    return np.shape(result) == right.shape and np.abs(right - np.asarray(result)).max() < 1

def torch_conv(picture, kernel):
    X, weight = torch.as_tensor(picture)[None, None], torch.as_tensor(kernel)[None, None]
    return nn.functional.conv2d(X, weight, padding=len(kernel) // 2)[0, 0]

correlate_same = Check(
    "correlate_same",  # zeros around the picture, result as large as it
    first_step="Make the picture larger by a border of zeros first, so that the kernel can also stand on its corners. How wide must it be for a 3×3 kernel, how wide for 5×5?",
    cases=[
        *[(normal(*size).numpy(), normal(k, k, seed=1).numpy()) for size, k in [((6, 8), 3), ((7, 5), 3), ((9, 9), 5)]],
        (pixels(5, 6, high=20).numpy(), normal(3, 3, seed=2).abs().numpy()),  # whole numbers
    ],
    right=lambda p, k: correlate(p, k, len(k) // 2),
    mistakes=[
        (lambda p, k: correlate(p, k), "There is no padding: the result is smaller than the picture."),
        (lambda p, k: correlate(p, k, 1), "A border of 1 is right for 3×3 kernels only: a k×k kernel needs k // 2."),
        (lambda p, k: correlate(p, k, len(k)), "The border is too wide: a k×k kernel needs k // 2, not k."),
        (lambda p, k: correlate(p, k[::-1, ::-1], len(k) // 2), "The kernel is flipped: networks lay it on the picture as it is."),
        (lambda p, k: correlate(p, k.T, len(k) // 2), "Rows and columns of the kernel are swapped."),
        (lambda p, k: correlate(p, k, len(k) // 2, "reflect"), "The border mirrors the picture, as OpenCV does; the task asks for zeros."),
        (lambda p, k: correlate(p, k, len(k) // 2, "edge"), "The border repeats the edge of the picture; the task asks for zeros."),
        (lambda p, k: correlate(p, k, len(k) // 2).astype(p.dtype), "The picture is of whole numbers, the result is not; but it has got the type {}. Make it of floats, such as np.zeros(picture.shape).", lambda f, p, k: (kind := np.asarray(f(p, k)).dtype).kind in "iu" and nearly_right(f(p, k), p, k) and kind),
        (lambda p, k: torch_conv(p, k), "PyTorch multiplies numbers of one type only, and this picture is of whole numbers: make it float first."),
        (lambda p, k: correlate(p, k, len(k) // 2) / k.size, "That is the mean of the products: take their sum."),
])

output_size = Check(
    "output_size",  # how many outputs along one axis
    first_step="With a pencil: how many steps can the kernel go from its first position, before it hangs over the end? The border makes the way longer, on both sides.",
    cases=[
        (28, 3, 1, 0), (28, 3, 1, 1), (32, 5, 2, 0), (64, 7, 3, 2), (11, 4, 2, 1), (9, 9, 1, 0), (90, 5, 4, 3), (41, 1, 2, 3),
        (28, 5), (32, 3, 2),  # by default a stride of 1 and no padding
    ],
    right=lambda i, f, s=1, p=0: (i - f + 2 * p) // s + 1,
    mistakes=[
        (lambda i, f, s=1, p=0: (i - f + 2 * p) / s + 1, "Half a position does not exist: the division is rounded down, `//`."),
        (lambda i, f, s=1, p=0: (i - f + 2 * p) // s, "One too few: the first position counts as well, so add 1."),
        (lambda i, f, s=1, p=0: (i - f + p) // s + 1, "The border is on both sides: 2 * padding."),
        (lambda i, f, s=1, p=0: i - f + 2 * p + 1, "The stride is forgotten."),
        (lambda i, f, s=1, p=0: (i - f) // s + 1, "The padding is forgotten."),
        (lambda i, f, s=1, p=0: (i - f + 2 * p + 1) // s, "The 1 is added after the division, not before it."),
        (lambda i, f, s=1, p=0: -(-(i - f + 2 * p) // s) + 1, "Round down, not up: a kernel that hangs over the edge is not counted."),
])

def below_edges(kernel):
    """What it answers to an edge above the middle row, and to one below it."""
    kernel = numbers_of(kernel)
    return np.array([kernel[1:].sum(), kernel[2:].sum()])

horizontal_kernel = Check(
    "horizontal_kernel",  # 3×3, answers to horizontal edges alone, positive where it is brighter below
    first_step="Imagine the kernel on a picture that is dark above and bright below: which rows should count as plus, which as minus? On a flat picture all must cancel.",
    cases=[()],
    run=lambda kernel: kernel,  # the answer is a list, no function
    mistakes=[
        ([[-1, -1], [1, 1]], "A kernel of the shape (3, 3) is asked for, this one has {}.", lambda k: (shape := numbers_of(k).shape) != (3, 3) and str(shape)),
        ([[None] * 3] * 3, "All nine must be numbers.", lambda k: not np.isfinite(numbers_of(k)).all()),
        ([[-1, -2, -1], [0, 0, 0], [1, 2, 2]], "On a flat area it answers {}: the nine numbers must add up to 0.", lambda k: abs(total := numbers_of(k).sum()) > 1e-6 and f"{total:g}"),
        ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "It answers to a vertical edge as well: each column must add up to 0.", lambda k: np.abs(numbers_of(k).sum(0)).max() > 1e-6),
        ([[0, 0, 0], [0, 0, 0], [0, 0, 0]], "It does not see a horizontal edge: the rows must differ.", lambda k: np.abs(below_edges(k)).max() < 1e-6),
        ([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], "It is negative where it is brighter below: change all signs.", lambda k: below_edges(k).max() <= 1e-6),
        ([[1, 1, 1], [-2, -2, -2], [1, 1, 1]], "It is positive where the edge lies on one side of the middle row and negative where it lies on the other: the upper row must not add up to a positive number.", lambda k: below_edges(k)[0] < -1e-6),
        ([[-1, -1, -1], [2, 2, 2], [-1, -1, -1]], "It is positive where the edge lies on one side of the middle row and negative where it lies on the other: the lower row must not add up to a negative number.", lambda k: below_edges(k)[1] < -1e-6),
])

edge_layer = Check(
    "edge_layer",  # (n, 3, 3) → nn.Conv2d from 1 to n channels that keeps the size
    first_step="Make the layer first, and print layer.weight.shape: your kernels must get that shape before they are put there.",
    cases=[(normal(n, 3, 3), normal(2, 1, *size, seed=1)) for n, size in [(1, (6, 8)), (3, (7, 5)), (4, (9, 9))]],
    run=output_of,
    right=lambda k: conv(k[:, None], padding=1),
    otherwise="The weights are not the kernels, or the border is not of zeros.",
    mistakes=[
        (lambda k: conv(k[:, None]), "The result is smaller than the picture: padding=1 keeps the size of a 3×3 filter's output."),
        (lambda k: conv(k[:, None].flip(2, 3), padding=1), "The kernels are flipped: nn.Conv2d lays them on the picture as they are."),
        (lambda k: conv(k[:, None].mT, padding=1), "Rows and columns of the kernels are swapped."),
])
