"""Checks of lesson 00: start here."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from helpers.checks.engine import Hint, NotAttempted, check, explain, numbers_of

__all__ = ["accuracy", "gradient_step", "to_unit", "training_step"]


@check
def to_unit(answer):
    """``to_unit(picture)``: uint8 (H, W), 0–255 → float32 (1, H, W), 0–1."""
    generator = torch.Generator().manual_seed(0)
    cases = [
        (torch.randint(0, 256, size, generator=generator, dtype=torch.uint8),)
        for size in [(28, 28), (5, 7), (1, 3)]
    ]

    def as_tensor(picture):
        result = answer(picture)
        if result is not ... and result is not None and not torch.is_tensor(result):
            raise Hint(f"A tensor is asked for, this is of the type {type(result).__name__}.")
        return result

    hint = explain(
        as_tensor,
        cases,
        right=lambda p: p[None] / 255,
        mistakes=[
            (lambda p: p / 255, "The channel axis is missing: (H, W) should become (1, H, W)."),
            (lambda p: p[..., None] / 255, "The channel comes first: (1, H, W), not (H, W, 1)."),
            (lambda p: p[None], "The values still go from 0 to 255: divide by 255."),
            (
                lambda p: p[None] // 255,
                "Only 0 and 1 are left, the fraction is lost: divide with `/`, and keep floats.",
            ),
            (lambda p: p[None] / 256, "White is 255, not 256: so divided, white is below 1."),
        ],
    )
    if hint is None and answer(cases[0][0].clone()).dtype != torch.float32:
        return "The values are right, the dtype is not: networks compute in torch.float32."
    return hint


@check
def gradient_step(answer):
    """``gradient_step(w, gradient, lr)``: the new w."""
    rng = np.random.default_rng(0)
    cases = [(2.0, 4.0, 0.1), (-1.0, 0.5, 0.01)]
    cases += [(float(rng.normal()), float(rng.normal()), 0.3) for _ in range(4)]
    return explain(
        answer,
        cases,
        right=lambda w, g, lr: w - lr * g,
        mistakes=[
            (
                lambda w, g, lr: w + lr * g,
                "That is uphill: the gradient shows where the loss grows, so subtract.",
            ),
            (
                lambda w, g, lr: w - g,
                "The learning rate is missing: the step is lr times the gradient.",
            ),
            (lambda w, g, lr: lr * g, "That is the step alone: subtract it from w."),
            (lambda w, g, lr: -lr * g, "That is the step alone: add it to w."),
            (lambda w, g, lr: w - g / lr, "Multiply by lr: a small lr makes a small step."),
        ],
    )


RIGHT_ORDER = ("zero_grad", "predict", "backward", "step")


@check
def training_step(answer):
    """``training_step(model, loss_function, optimizer, X, y)``: one update, returns the loss."""

    def run(step, seed):
        """Take two steps, so that a forgotten zero_grad shows; return losses, then weights."""
        generator = torch.Generator().manual_seed(seed)
        model = nn.Linear(3, 4)
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn(p.shape, generator=generator))
        # momentum, so that the step must be the optimizer's own
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
        X = torch.randn(8, 3, generator=generator)
        y = torch.randint(0, 4, (8,), generator=generator)
        # not the usual one, so that it must be the function that is given
        loss_function = nn.CrossEntropyLoss(label_smoothing=0.5)
        losses = [step(model, loss_function, optimizer, X, y) for _ in range(2)]
        if any(loss is ... for loss in losses):
            raise NotAttempted
        if any(loss is None for loss in losses):
            return None
        if any(isinstance(loss, tuple | list) for loss in losses):
            raise Hint("Return the loss alone: one plain number.")
        if any(torch.is_tensor(loss) and loss.requires_grad for loss in losses):
            raise Hint(
                "The loss is still a tensor that holds its whole history in memory: "
                "return `loss.item()`."
            )
        if any(torch.is_tensor(loss) for loss in losses):
            raise Hint("The loss is still a tensor: return `loss.item()`, a plain number.")
        numbers = [numbers_of(loss) for loss in losses]
        if any(number.ndim for number in numbers):
            raise Hint("Return the loss alone: one plain number.")
        weights = [value.item() for p in model.parameters() for value in p.flatten()]
        return np.array([*numbers, *weights])

    def made_of(*order):
        """A step that does only these, in this order."""

        def step(model, loss_function, optimizer, X, y):
            for name in order:
                if name == "predict":
                    loss = loss_function(model(X), y)
                elif name == "predict with another loss":
                    loss = nn.functional.cross_entropy(model(X), y)
                elif name == "backward":
                    loss.backward()
                else:
                    getattr(optimizer, name)()
            return loss.item()

        return step

    def doing(*order):
        return lambda seed: run(made_of(*order), seed)

    too_early = (
        "Each step uses the gradients of the batch before: `backward()` comes first, then `step()`."
    )
    hint = explain(
        lambda seed: run(answer, seed),
        [(0,), (1,)],
        right=doing(*RIGHT_ORDER),
        mistakes=[
            (
                doing("predict", "backward", "step"),
                "The second step went too far: gradients add up unless `optimizer.zero_grad()` "
                "clears them.",
            ),
            (
                doing("predict", "backward"),
                "The weights never move: `optimizer.step()` must come after `backward()`, with no "
                "`zero_grad()` between the two.",
            ),
            (
                doing("zero_grad", "predict with another loss", "backward", "step"),
                "That is another loss: call the `loss_function` that is given.",
            ),
            (doing("predict", "step", "zero_grad", "backward"), too_early),
            (doing("step", "zero_grad", "predict", "backward"), too_early),
        ],
    )
    if hint and hint.startswith("The shape"):
        right, given = (run(step, 0) for step in (made_of(*RIGHT_ORDER), answer))
        if np.allclose(right[2:], given[2:], atol=1e-4):
            return "The weights are right; the number returned is not the loss of this step."
        return "The weights are not where one step on this batch leads."
    return hint


@check
def accuracy(answer):
    """``accuracy(logits, y)``: logits float (N, K), y int64 (N,) → the share of right answers."""
    generator = torch.Generator().manual_seed(0)
    cases = []
    for n, k in [(50, 10), (7, 7), (33, 2)]:
        logits = torch.randn(n, k, generator=generator)
        cases.append((logits, torch.randint(0, k, (n,), generator=generator)))
    return explain(
        answer,
        cases,
        right=lambda logits, y: (logits.argmax(1) == y).float().mean(),
        mistakes=[
            (
                lambda logits, y: (logits.argmax(1) == y).sum(),
                "That is the count of right answers: divide it by how many there are.",
            ),
            (
                lambda logits, y: (logits.argmax(1) == y).float().mean() * 100,
                "Return the share, between 0 and 1; per cent is for printing.",
            ),
            (
                lambda logits, y: (logits.argmax(1) != y).float().mean(),
                "That is the share of wrong answers.",
            ),
            (
                lambda logits, y: (logits.argmin(1) == y).float().mean(),
                "The answer of the network is the class with the largest score: argmax.",
            ),
            (
                lambda logits, y: (logits.argmax(1) == y).sum() / logits.numel(),
                "Divide by the number of samples, not of scores.",
            ),
        ],
    )
