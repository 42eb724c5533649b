"""Checks of lesson 06: birds and airplanes."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from helpers.checks.engine import Hint, check, explain, numbers_of

__all__ = ["log_softmax", "mlp_parameters", "ready", "relabel", "unnormalise"]


@check
def unnormalise(answer):
    """``unnormalise(X, mean, std)``: undo (X - mean) / std for a picture (3, H, W)."""
    generator = torch.Generator().manual_seed(0)
    cases = []
    for _ in range(3):  # 3 × 3 pixels: three numbers along a wrong axis raise no error
        X = torch.randn(3, 3, 3, generator=generator)
        mean, std = 0.2 + 0.6 * torch.rand(2, 3, generator=generator)
        cases.append((X, mean, std))

    def column(values):
        return values.view(3, 1, 1)

    return explain(
        answer,
        cases,
        right=lambda X, m, s: X * column(s) + column(m),
        mistakes=[
            (lambda X, m, s: (X - column(m)) / column(s), "That normalises once more: go the other "
             "way round."),
            (lambda X, m, s: (X + column(m)) * column(s), "The order is off: the division came "
             "last, so it is undone first."),
            (lambda X, m, s: X * column(m) + column(s), "Mean and deviation are swapped."),
            (lambda X, m, s: X * column(s) - column(m), "The mean was taken away: add it again."),
            (lambda X, m, s: X / column(s) + column(m), "It was divided by the deviation: multiply "
             "by it."),
            (lambda X, m, s: X * column(s), "The mean is missing."),
            (lambda X, m, s: X + column(m), "The deviation is missing."),
            (lambda X, m, s: X.permute(1, 2, 0) * s + m, "The channels are last now: move them "
             "back to the front, or use std.view(3, 1, 1)."),
            (lambda X, m, s: X * s + m, "`X * std` pairs the three numbers with the columns of a "
             "picture, not with its channels: std.view(3, 1, 1)."),
            (lambda X, m, s: X * s.view(1, 3, 1) + m.view(1, 3, 1), "That pairs the three numbers "
             "with the rows of a picture: std.view(3, 1, 1)."),
            (lambda X, m, s: X * s.mean() + m.mean(), "Each channel has its own mean and "
             "deviation."),
            (lambda X, m, s: (X * column(s) + column(m)).clamp(0, 1), "Do not cut off: give back "
             "exactly what there was before."),
        ],
    )  # fmt: skip


@check
def relabel(answer):
    """``relabel(targets, first, second)``: positions of two classes, and labels 0 and 1."""
    generator = torch.Generator().manual_seed(0)
    cases = [([0, 2, 9, 2, 0, 1], 0, 2), ([0, 2, 9, 2, 0, 1], 2, 0)]
    for first, second in [(3, 5), (9, 1), (1, 2)]:
        cases.append((torch.randint(0, 10, (40,), generator=generator).tolist(), first, second))

    def pair(function):
        """Positions and labels as one array of two rows."""

        def run(*case):
            result = function(*case)
            if result is ... or result is None:
                return result
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise Hint("Two lists are asked for: `return positions, labels`.")
            if any(part is ... for part in result):
                return ...
            positions, labels = (numbers_of(list(part)) for part in result)
            for part in (positions, labels):
                if part.ndim != 1:
                    raise Hint(f"A part has the shape {part.shape}: make it flat, `.flatten()`.")
            if len(positions) != len(labels):
                raise Hint(
                    f"There are {len(positions)} positions, but {len(labels)} labels: give one "
                    "label for each picture that is kept."
                )
            expected = len(kept(*case))
            if len(positions) != expected:
                raise Hint(
                    f"{len(positions)} pictures are kept, there should be {expected}: those of the "
                    "two classes."
                )
            return [positions, labels]

        return run

    def kept(targets, *classes):
        return [i for i, label in enumerate(targets) if label in classes]

    def ordered(targets, first, second):
        positions = kept(targets, first) + kept(targets, second)
        return positions, [int(targets[i] == second) for i in positions]

    return explain(
        pair(answer),
        cases,
        right=lambda t, a, b: (kept(t, a, b), [int(t[i] == b) for i in kept(t, a, b)]),
        mistakes=[
            (lambda t, a, b: (kept(t, a, b), [t[i] for i in kept(t, a, b)]), "The labels are still "
             "those of the ten classes: the first class becomes 0, the second 1."),
            (lambda t, a, b: (kept(t, a, b), [int(t[i] == a) for i in kept(t, a, b)]), "0 and 1 "
             "are swapped: the first class becomes 0."),
            (lambda t, a, b: (kept(t, a, b), [int(t[i] > min(a, b)) for i in kept(t, a, b)]),
             "The order is that of the arguments, not of the numbers: `first` becomes 0 even if "
             "it is the larger."),
            (ordered, "Keep the order of the dataset: go through it once."),
            (lambda t, a, b: ([t[i] for i in kept(t, a, b)],
                              [int(t[i] == b) for i in kept(t, a, b)]), "The first list holds "
             "labels; it should say at which positions they stand."),
            (lambda t, a, b: ([int(t[i] == b) for i in kept(t, a, b)], kept(t, a, b)), "The two "
             "lists are in the wrong order: positions first."),
        ],
        otherwise="The positions or the labels are off: try it with [0, 2, 9, 2] and 0, 2; that "
        "gives [0, 1, 3] and [0, 1, 1].",
    )  # fmt: skip


@check
def log_softmax(answer):
    """``log_softmax(scores)``: the logarithm of softmax, for scores of any size."""
    generator = torch.Generator().manual_seed(0)
    small = [torch.randn(n, generator=generator) for n in (2, 5, 3)]
    large = [torch.tensor([0.0, 104.0]), torch.tensor([1000.0, 990.0, 0.0])]
    large.append(torch.tensor([-900.0, -901.0]))

    def cut_off(scores):  # where the answer cuts off: it shows for a probability near 0
        return scores.log_softmax(0).clamp(min=float(answer(large[0])[0]))

    mistakes = [
        (lambda s: s.softmax(0), "These are the probabilities: the logarithm is missing."),
        (lambda s: s - s.max(), "Subtracting the largest score is the first half: the logarithm "
         "of the sum is missing."),
        (lambda s: s - s.exp().sum(), "Take the logarithm of the sum."),
        (lambda s: s / s.exp().sum().log(), "The logarithm of a quotient is a difference: "
         "scores − log of the sum."),
        (lambda s: s - (s - s.max()).exp().sum().log(), "The largest score was subtracted inside "
         "the sum only: subtract it from the scores too."),
        (lambda s: -s.log_softmax(0), "The sign is turned round: logarithms of probabilities are "
         "not above 0."),
        (lambda s: s.softmax(0).log10(), "The natural logarithm is asked for: torch.log."),
    ]  # fmt: skip
    hint = explain(
        answer, [(s,) for s in small], right=lambda s: s.log_softmax(0), mistakes=mistakes
    )
    return hint or explain(
        answer,
        [(s,) for s in large],
        right=lambda s: s.log_softmax(0),
        mistakes=[
            (lambda s: s.softmax(0).log(), "Right for small scores, but the 0 and 104 give −inf: "
             "a probability has become 0 before its logarithm was taken."),
            (cut_off, "Cutting off at a small number hides the "
             "−inf and gives a wrong answer: work with the logarithms."),
        ],
        otherwise="Subtract the largest score from all of them first: this is right for small "
        "scores, but not for (0, 104), (1000, 990, 0) and (−900, −901).",
    )  # fmt: skip


@check
def mlp_parameters(answer):
    """``mlp_parameters(sizes)``: weights and biases of fully connected layers."""
    cases = [([3072, 128, 2],), ([3072, 1024, 512, 128, 2],), ([3072, 2],), ([10, 5, 5, 3],)]

    def pairs(sizes):
        return itertools.pairwise(sizes)

    return explain(
        answer,
        cases,
        right=lambda sizes: sum(a * b + b for a, b in pairs(sizes)),
        mistakes=[
            (lambda s: sum(a * b for a, b in pairs(s)), "The biases are missing: one for each "
             "output of a layer."),
            (lambda s: sum(a * b + a for a, b in pairs(s)), "There is a bias for each output of a "
             "layer, not for each input."),
            (lambda s: sum(a * b + 1 for a, b in pairs(s)), "Each output has a bias of its own, "
             "not each layer."),
            (lambda s: sum(a * b for a, b in pairs(s)) + sum(s), "The inputs have no bias: only "
             "the outputs of layers."),
            (lambda s: int(np.prod([float(v) for v in s])), "The layers do not multiply: add up "
             "their parameters."),
            (lambda s: s[0] * s[1] + s[1], "That is the first layer only."),
            (lambda s: sum(a + b for a, b in pairs(s)), "Each input is joined to each output: "
             "multiply the two."),
            (lambda s: sum((a + 1) * (b + 1) for a, b in pairs(s)), "The bias adds one input to "
             "each output, and no output."),
        ],
    )  # fmt: skip


@check
def ready(answer):
    """``ready(picture, mean, std)``: a uint8 picture (H, W, 3) as a batch of one."""
    rng = np.random.default_rng(0)
    cases = []
    for height, width in [(32, 32), (5, 4), (3, 8)]:
        picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        mean, std = torch.tensor(rng.uniform(0.2, 0.6, (2, 3)), dtype=torch.float32)
        cases.append((picture, mean, std))

    def chw(picture):
        return torch.as_tensor(np.array(picture)).permute(2, 0, 1).float()

    def normal(X, mean, std):
        return (X - mean.view(3, 1, 1)) / std.view(3, 1, 1)

    def scrambled(picture):
        height, width, _ = picture.shape
        return torch.as_tensor(np.array(picture)).reshape(3, height, width).float()

    hint = explain(
        answer,
        cases,
        right=lambda p, m, s: normal(chw(p) / 255, m, s)[None],
        mistakes=[
            (lambda p, m, s: normal(chw(p) / 255, m, s), "The batch axis is missing: a model takes "
             "(N, 3, H, W), here with N = 1. `X[None]` or `X.unsqueeze(0)` adds it."),
            (lambda p, m, s: normal(chw(p), m, s)[None], "The numbers go from 0 to 255: divide by "
             "255 first, as for training."),
            (lambda p, m, s: chw(p)[None] / 255, "It is not normalised: the model has only seen "
             "normalised pictures."),
            (lambda p, m, s: chw(p)[None] / 255 - m.view(3, 1, 1), "The deviation is missing: "
             "divide by std."),
            (lambda p, m, s: chw(p)[None] / 255 * s.view(3, 1, 1) + m.view(3, 1, 1), "That undoes "
             "a normalisation: subtract the mean, then divide."),
            (lambda p, m, s: normal(chw(p), m, s)[None] / 255, "Divide by 255 before you "
             "normalise."),
            (lambda p, m, s: normal(chw(p) // 255, m, s)[None], "`// 255` throws the fraction "
             "away: use `/`."),
            (lambda p, m, s: chw(p)[None], "Divide by 255, and normalise as for training."),
            (lambda p, m, s: normal(scrambled(p) / 255, m, s)[None], "reshape keeps the order of "
             "the numbers and so mixes pixels with colours: `permute(2, 0, 1)` moves the axis."),
            (lambda p, m, s: normal(chw(p).transpose(1, 2) / 255, m, s)[None], "Height and width "
             "are swapped: `permute(2, 0, 1)`."),
            (lambda p, m, s: ((chw(p) / 255).permute(1, 2, 0) - m).div(s)[None], "The channels "
             "come last; PyTorch wants (1, 3, H, W)."),
            (lambda p, m, s: normal(chw(p).flip(0) / 255, m, s)[None], "The colours are in the "
             "order blue, green, red."),
            (lambda p, m, s: answer(p, 1 - m, 2 * s), "Another mean and std give the same result: "
             "use those that are given."),
        ],
    )  # fmt: skip
    if hint is None:
        picture, mean, std = cases[0]
        X = answer(picture.copy(), mean.clone(), std.clone())
        if not torch.is_tensor(X):
            return f"The values are right, but a tensor is asked for, not {type(X).__name__}."
        if X.dtype != torch.float32:
            return f"The values are right, not the dtype {X.dtype}: networks take torch.float32."
    return hint
