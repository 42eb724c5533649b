"""Checks of the lesson Filters and edges."""

import numpy as np
import torch
from torch import nn

from helpers.checks.engine import Check, normal, numbers_of, pixels
from helpers.checks.engine import guess as guess


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

PICTURE, GOAL = normal(6, 7).double().numpy(), normal(4, 5, seed=1).double().numpy()
FACTORS = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])

def loss_of(kernel):
    return ((correlate(PICTURE, np.asarray(kernel)) - GOAL) ** 2).mean()

def cubes(kernel):
    return (FACTORS * np.asarray(kernel) ** 3).sum()

def differences(f, kernel, h, ahead=1, behind=1, into=float, put_back=True):
    """The slopes by moving each entry, on both sides or on one."""
    result, moved = np.zeros(kernel.shape, into), kernel.astype(float)
    for place in np.ndindex(kernel.shape):
        up, down = (moved, moved) if not put_back else (moved.copy(), moved.copy())
        up[place] += ahead * h
        above = f(up)
        down[place] -= (behind if put_back else ahead + behind) * h
        result[place] = (above - f(down)) / ((ahead + behind) * h)
    return result

def whole_numbers_moved(f, kernel, h):
    result = np.zeros(kernel.shape)
    for place in np.ndindex(kernel.shape):
        up, down = kernel.copy(), kernel.copy()
        up[place], down[place] = up[place] + h, down[place] - h
        result[place] = (f(up) - f(down)) / (2 * h)
    return result

def all_at_once(f, kernel, h):
    return (f(kernel + h) - f(kernel - h)) / (2 * h)

def called_with(answer, f, kernel, *h):
    """The kernels that an answer gives to f."""
    kernels = []
    answer(lambda k: kernels.append(np.array(k)) or f(k), kernel, *h)
    return kernels

gradient_by_numbers = Check(
    "gradient_by_numbers",  # f (a function of the kernel that gives a number), kernel, h → the slopes, of the kernel's shape
    first_step="Begin with one entry. Make two copies of the kernel, one with this entry larger by h, one with it smaller by h. What does f give for each, and how far apart are the two? Then a loop over all places.",
    cases=[
        (loss_of, normal(3, 3, seed=2).double().numpy(), 0.001),
        (cubes, normal(2, 3, seed=3).double().numpy(), 0.5),  # rows and columns differ, and h is large
        (loss_of, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]), 0.001),  # of whole numbers
        (loss_of, normal(3, 3, seed=4).double().numpy()),
    ],
    right=lambda f, kernel, h=0.001: differences(f, kernel, h),
    otherwise="The shape is right, the slopes are not: each is (f with this entry larger by h − f with it smaller by h) / (2 · h), all other entries as they were.",
    mistakes=[
        (lambda f, k, h=0.001: differences(f, k, h) * 2, "Twice too large: from h below to h above the way is 2 · h."),
        (lambda f, k, h=0.001: differences(f, k, h) * 2 * h, "The difference of f is not divided by the way, 2 · h."),
        (lambda f, k, h=0.001: differences(f, k, h) * h**2, "`/ 2 * h` divides by 2 and then multiplies by h: write / (2 * h)."),
        (lambda f, k, h=0.001: -differences(f, k, h), "The sign is turned: f with the larger entry comes first, minus f with the smaller one."),
        (lambda f, k, h=0.001: differences(f, k, h, behind=0), "You go up by h and not down: take f on both sides, at + h and at − h, which is far closer."),
        (lambda f, k, h=0.001: differences(f, k, h, ahead=0), "You go down by h and not up: take f on both sides, at + h and at − h, which is far closer."),
        (lambda f, k, h=0.001: differences(f, k, h / 2), "You move by half of h: go up by h and down by h."),
        (lambda f, k, h=0.001: all_at_once(f, k, h), "One number is returned: an array of the kernel's shape is asked for, with the slope for each entry.", lambda answer, *case: np.ndim(answer(*case)) == 0),
        (lambda f, k, h=0.001: np.full(k.shape, all_at_once(f, k, h)), "All entries are moved at once: move one, and leave the others as they are.", lambda answer, *case: (called_with(answer, *case)[0] != case[1]).sum() > 1),
        (lambda f, k, h=0.001: differences(f, k, h, put_back=False), "An entry stays moved while the next one is: begin each time with a new copy of the kernel.", lambda answer, *case: any((np.abs(k - case[1]) > 1e-9).sum() > 1 for k in called_with(answer, *case))),
        (lambda f, k, h=0.001: whole_numbers_moved(f, k, h), "This kernel is of whole numbers, and in such an array + h is lost: work in kernel.astype(float), which is a copy."),
        (lambda f, k, h=0.001: differences(f, k, h, into=k.dtype), "The result has got the kernel's type, whole numbers: make it of floats, such as np.zeros(kernel.shape)."),
        (lambda f, k, h=0.001: differences(f, k, 0.001), "The h that is given is not used."),
        (lambda f, k, h=0.001: differences(f, k, h).T, "Rows and columns of the result are swapped."),
])
