"""Checks of the lesson Start here."""

import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.checks.engine import Check, linear, no_tensor, normal, not_float32, pixels, same, whole
from helpers.checks.engine import guess as guess

to_unit = Check(
    "to_unit",  # uint8 (H, W), 0–255 → float32 (1, H, W), 0–1
    first_step="Look at the shapes first: one axis is to be added in front. Then think of what number white should become.",
    cases=[(pixels(28, 28),), (pixels(5, 7),), (pixels(1, 3),)],
    right=lambda p: p[None] / 255,
    mistakes=[
        (lambda p: p[None].numpy() / 255, "A tensor is asked for, this is of the type {}.", no_tensor),
        (lambda p: p / 255, "The channel axis is missing: (H, W) should become (1, H, W)."),
        (lambda p: p[..., None] / 255, "The channel comes first: (1, H, W), not (H, W, 1)."),
        (lambda p: p[None], "The values still go from 0 to 255: divide by 255."),
        (lambda p: p[None] // 255, "Only 0 and 1 are left, the fraction is lost: divide with `/`, and keep floats."),
        (lambda p: p[None] / 256, "White is 255, not 256: so divided, white is below 1."),
        (lambda p: p[None].double() / 255, "The result is {}: networks compute in torch.float32.", not_float32),
])

gradient_step = Check(
    "gradient_step",  # the new w
    first_step="The gradient says which way is uphill, and how steep. How far you go is for lr to decide.",
    cases=[(2.0, 4.0, 0.1), (-1.0, 0.5, 0.01), (0.1, -0.6, 0.3), (0.6, 0.1, 0.3), (-0.5, 0.4, 0.3), (1.3, 0.9, 0.3), (0.1234567, 0.7654321, 0.03)],
    right=lambda w, g, lr: w - lr * g,
    mistakes=[
        (lambda w, g, lr: w + lr * g, "That is uphill: the gradient shows where the loss grows, so subtract."),
        (lambda w, g, lr: w - g, "The learning rate is missing: the step is lr times the gradient."),
        (lambda w, g, lr: lr * g, "That is the step alone: subtract it from w."),
        (lambda w, g, lr: -lr * g, "That is the step alone: add it to w."),
        (lambda w, g, lr: w - g / lr, "Multiply by lr: a small lr makes a small step."),
])

def a_training(seed):
    model = linear(3, 4, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)  # so that the step must be the optimizer's own
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.5)  # not the usual one, so that it must be the one that is given
    return model, loss_function, optimizer, normal(8, 3, seed=seed + 2), whole(4, 8, seed=seed)

def two_steps(step, model, loss_function, optimizer, X, y):
    """Take two steps, so that a forgotten zero_grad shows; give both losses, then all weights."""
    losses = [step(model, loss_function, optimizer, X, y) for _ in range(2)]
    if any(loss is None for loss in losses):
        return None
    return [*losses, *(value.item() for p in model.parameters() for value in p.flatten())]

def step_of(order, returns=lambda loss: loss.item()):
    """Make a training step that does only these, in this order."""
    def step(model, loss_function, optimizer, X, y):
        for name in order.split():
            if name == "predict_the_wrong_way_round":
                loss = loss_function(y, model(X))
            elif name in ("predict", "predict_otherwise"):
                loss = (loss_function if name == "predict" else F.cross_entropy)(model(X), y)
            else:
                loss.backward() if name == "backward" else getattr(optimizer, name)()
        return returns(loss)
    return step

RIGHT = "zero_grad predict backward step"

def only_the_loss_is_wrong(step, *case):
    given, right = (two_steps(s, *copy.deepcopy(case)) for s in (step, step_of(RIGHT)))
    return same(given[2:], right[2:]) and not same(given[:2], right[:2])

training_step = Check(
    "training_step",  # one update, returns the loss
    first_step="Write down the five things a step does, in order: forget the old gradients, predict, measure the loss, find the new gradients, move.",
    cases=[a_training(0), a_training(5)],
    run=two_steps,
    right=step_of(RIGHT),
    otherwise="The weights are not where one step on this batch leads.",
    changes=(0, 2),  # the model and the optimizer
    mistakes=[
        (step_of(RIGHT, returns=lambda loss: [loss.item()]), "Return the loss alone: one plain number.", lambda step, *case: isinstance(loss := step(*case), tuple | list) or np.ndim(loss) > 0),
        (step_of(RIGHT, returns=lambda loss: loss), "The loss is still a tensor that holds its whole history in memory: return `loss.item()`.", lambda step, *case: getattr(step(*case), "requires_grad", False)),
        (step_of(RIGHT, returns=lambda loss: loss.detach()), "The loss is still a tensor: return `loss.item()`, a plain number.", lambda step, *case: torch.is_tensor(step(*case))),
        (step_of("predict backward step"), "The second step went too far: gradients add up unless `optimizer.zero_grad()` clears them."),
        (step_of("predict backward"), "The weights never move: `optimizer.step()` must come after `backward()`, with no `zero_grad()` between the two."),
        (step_of("zero_grad predict_otherwise backward step"), "That is another loss: call the `loss_function` that is given."),
        (step_of("predict step zero_grad backward"), "Each step uses the gradients of the batch before: `backward()` comes first, then `step()`."),
        (step_of("step zero_grad predict backward"), "Each step uses the gradients of the batch before: `backward()` comes first, then `step()`."),
        (step_of("zero_grad predict_the_wrong_way_round"), "The loss function takes the logits first, then the labels: loss_function(logits, y)."),
        (step_of(RIGHT + " predict"), "The weights are right; the number returned is not the loss of this step.", only_the_loss_is_wrong),
])

accuracy = Check(
    "accuracy",  # logits float (N, K), y int64 (N,) → the share of right answers
    first_step="The answer of the network for a picture is the class with the largest score of its row. Begin with these N answers.",
    cases=[(normal(n, k), whole(k, n)) for n, k in [(50, 10), (7, 7), (33, 2)]],
    right=lambda logits, y: (logits.argmax(1) == y).float().mean(),
    mistakes=[
        (lambda logits, y: (logits.argmax(1) == y).sum(), "That is the count of right answers: divide it by how many there are."),
        (lambda logits, y: (logits.argmax(1) == y).float().mean() * 100, "Return the share, between 0 and 1; per cent is for printing."),
        (lambda logits, y: (logits.argmax(1) != y).float().mean(), "That is the share of wrong answers."),
        (lambda logits, y: (logits.argmin(1) == y).float().mean(), "The answer of the network is the class with the largest score: argmax."),
        (lambda logits, y: (logits.argmax(0) == y).float().mean(), "`argmax(dim=0)` looks along a column, at one class of all pictures: the scores of one picture are a row, dim=1."),
        (lambda logits, y: (logits.argmax(1) == y).sum() / logits.numel(), "Divide by the number of samples, not of scores."),
])
