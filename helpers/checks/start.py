"""Checks of the lesson Start here."""

from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers.checks.engine import (
    Check,
    at_most,
    linear,
    no_tensor,
    normal,
    not_float32,
    numbers_of,
    pixels,
    whole,
)
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

def a_training(seed, pictures, steps, batch_size):
    model = linear(3, 4, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)  # so that the step must be the optimizer's own
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.5)  # not the usual one, so that it must be the one that is given
    X, y = normal(pictures, 3, seed=seed + 2), whole(4, pictures, seed=seed)
    return model, loss_function, optimizer, X, y, steps, batch_size

def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])

def watched(train, model, loss_function, optimizer, X, y, steps, batch_size):
    """Train, and note of each step the places of its pictures, their labels, the loss and the gradient."""
    log = SimpleNamespace(steps=[], X=X, y=y, asked=steps, batch_size=batch_size, called=0, judged=None, drift=0.0)
    last, start = {"weights": weights_of(model)}, weights_of(model)

    def calls(_, given):
        log.called += 1
        last["batch"] = given[0].detach().clone()

    def judges(_, given, named, loss):
        log.judged = [*given, *named.values()][1]
        last["before"], last["loss"] = weights_of(model), loss.item()
        log.drift = max(log.drift, (last["before"] - last["weights"]).abs().max().item())

    def moves(*_):
        last["weights"] = weights_of(model)
        if log.judged is None or "batch" not in last:
            return log.steps.append(None)
        weights = last["before"].clone().requires_grad_()
        with torch.enable_grad():
            logits = F.linear(last["batch"], weights[:12].view(4, 3), weights[12:])
            (own,) = torch.autograd.grad(F.cross_entropy(logits, log.judged, label_smoothing=0.5), weights)
        given = torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in model.parameters()])
        same_picture = (last["batch"][:, None] == X).all(2)
        places = torch.where(same_picture.any(1), same_picture.int().argmax(1), -1).tolist()
        log.steps.append(SimpleNamespace(places=places, labels=log.judged.clone(), own=own, given=given.clone(), loss=last["loss"]))

    model.register_forward_pre_hook(calls)
    loss_function.register_forward_hook(judges, with_kwargs=True)
    optimizer.register_step_post_hook(moves)
    log.losses = train(at_most(model, 4 * steps), loss_function, optimizer, X, y, steps, batch_size)
    log.moved = not torch.equal(start, weights_of(model))
    return log

def what_training_gave(train, *case):
    """The number of steps and of losses, and how far gradients and losses are off."""
    log = watched(train, *case)
    if log.losses is None or log.losses is ...:
        return log.losses
    if isinstance(log.losses, list) and not log.losses and not log.called:  # a loop without its body
        return ...
    losses, known = numbers_of(log.losses), [step for step in log.steps if step]
    off = max(((step.given - step.own).abs().max().item() for step in known), default=1.0)
    if losses.shape != (len(known),):
        return [len(log.steps), losses.size, off, 1.0]
    return [len(log.steps), losses.size, off, np.abs(losses - [step.loss for step in known]).max(initial=0)]

def seen(test):
    """For a row: what `test` finds in the log of a training."""
    return lambda train, *case: test(watched(train, *case))

def first_loss(train, *case):
    losses = watched(train, *case).losses
    return losses[0] if isinstance(losses, list | tuple) else losses

def near(a, b):
    return torch.allclose(a, b, atol=1e-5)

def gradients_fit(test):
    """For a row: whether this holds of all steps but the first, each with the one before; and not what should."""
    def holds(log):
        pairs = list(zip(log.steps, log.steps[1:], strict=False))
        return pairs and all(test(before, now) for before, now in pairs) and not all(near(now.given, now.own) for _, now in pairs)
    return seen(holds)

def in_order(log):
    n = len(log.X)
    return all(b == (a + 1) % n for step in log.steps for a, b in zip(step.places, step.places[1:], strict=False))

RIGHT_ORDER = "zero_grad predict backward step"

def training(order=RIGHT_ORDER, draw=None, steps=lambda n: n, returns=lambda losses: losses, note=lambda loss: loss.item(), labels=None):
    """Make a training whose steps do only these, in this order."""
    draw = draw or (lambda X, step, size: torch.randint(0, len(X), (size,)))
    def train(model, loss_function, optimizer, X, y, n, batch_size):
        losses = []
        for step in range(steps(n)):
            chosen = draw(X, step, batch_size)
            batch, right = X[chosen], y[labels(X, batch_size) if labels else chosen]
            for name in order.split():
                if name == "predict_the_wrong_way_round":
                    loss = loss_function(right, model(batch))
                elif name == "predict_with_another_model":
                    loss = loss_function(nn.Linear(3, 4)(batch), right)
                elif name in ("predict", "predict_otherwise"):
                    loss = (loss_function if name == "predict" else F.cross_entropy)(model(batch), right)
                elif name == "move_by_hand":
                    model.weight.data -= 0.5 * model.weight.grad
                else:
                    loss.backward() if name == "backward" else getattr(optimizer, name)()
            losses.append(note(loss))
        return returns(losses)
    return train

train = Check(
    "train",  # so many steps, each on other pictures; returns the losses
    first_step="Begin with one step: draw a batch, forget the old gradients, predict, measure the loss, find the new gradients, move. Then put a loop around it, and an empty list for the losses before it.",
    cases=[a_training(0, pictures=20, steps=6, batch_size=5), a_training(5, pictures=6, steps=30, batch_size=4)],
    run=what_training_gave,
    right=training(),
    otherwise="The weights or the losses are not those of these steps.",
    changes=(0, 2),  # the model and the optimizer
    mistakes=[
        (training("zero_grad predict_the_wrong_way_round"), "The loss function takes the logits first, then the labels: loss_function(logits, labels)."),
        (training("zero_grad predict_with_another_model backward step"), "The model that is given is never called: logits = model(...), and make no model of your own.", seen(lambda log: not log.called)),
        (training("zero_grad predict_otherwise backward step"), "That is another loss: call the `loss_function` that is given.", seen(lambda log: log.judged is None)),
        (training("zero_grad predict backward move_by_hand"), "The weights are moved, but not by the `optimizer` that is given: call optimizer.step(), and make no optimizer of your own.", seen(lambda log: not log.steps and log.moved)),
        (training("zero_grad predict backward"), "The weights never move: `optimizer.step()` must come after `backward()`, with no `zero_grad()` between the two.", seen(lambda log: log.called and not log.moved)),
        (training(steps=lambda n: n - 1), "{}", seen(lambda log: len(log.steps) != log.asked and f"It takes {len(log.steps)} step{'s' * (len(log.steps) != 1)}, `steps` asks for {log.asked}." + " Is the `return` inside the loop?" * (len(log.steps) == 1))),
        (training("zero_grad predict backward step move_by_hand"), "Only `optimizer.step()` should change the weights; here they change between the steps, too.", seen(lambda log: log.drift > 1e-6)),
        (training(draw=lambda X, step, size: torch.arange(len(X))), "Each step looks at all {} pictures: take only those that were drawn, X[chosen] and y[chosen].", seen(lambda log: all(len(step.places) == len(log.X) for step in log.steps) and len(log.X))),
        (training(draw=lambda X, step, size: torch.randint(0, len(X), (3,))), "{}", seen(lambda log: next((f"A batch holds {len(step.places)} picture{'s' * (len(step.places) != 1)}, `batch_size` asks for {log.batch_size}." for step in log.steps if len(step.places) != log.batch_size), ""))),
        (training(labels=lambda X, size: torch.randint(0, len(X), (size,))), "Pictures and labels do not belong together: draw the places once, and use them for both.", seen(lambda log: any(not torch.equal(step.labels, log.y[step.places]) for step in log.steps))),
        (training(draw=lambda X, step, size: torch.randint(0, len(X), (size,), generator=torch.Generator().manual_seed(7))), "Each step gets the same pictures: draw new ones inside the loop.", seen(lambda log: all(step.places == log.steps[0].places for step in log.steps))),
        (training(draw=lambda X, step, size: torch.arange(step * size, (step + 1) * size) % len(X)), "The pictures are taken in their order: draw them at random, torch.randint(0, len(X), (batch_size,)).", seen(in_order)),
        (training(draw=lambda X, step, size: torch.randint(0, len(X) - 1, (size,))), "The last picture is never drawn: torch.randint leaves out its upper end by itself, so it is len(X), not len(X) - 1.", seen(lambda log: len(log.steps) > 9 and not any(len(log.X) - 1 in step.places for step in log.steps))),
        (training("predict backward step"), "From the second step on it goes too far: gradients add up unless `optimizer.zero_grad()` clears them.", gradients_fit(lambda before, now: near(now.given, before.given + now.own))),
        (training("predict step zero_grad backward"), "Each step uses the gradients of the batch before: `backward()` comes first, then `step()`.", gradients_fit(lambda before, now: near(now.given, before.own))),
        (training(note=lambda loss: loss), "The losses are still tensors, each with its whole history in memory: keep `loss.item()`.", lambda *case: getattr(first_loss(*case), "requires_grad", False)),
        (training(note=lambda loss: loss.detach()), "The losses are still tensors: keep `loss.item()`, a plain number.", lambda *case: torch.is_tensor(first_loss(*case))),
        (training(returns=lambda losses: losses[-1]), "One number is returned: a list is asked for, with the loss of each step.", seen(lambda log: np.ndim(log.losses) == 0)),
        (training(returns=lambda losses: losses[:-1]), "{}", seen(lambda log: np.size(log.losses) != log.asked and f"{np.size(log.losses)} losses are returned, there should be {log.asked}: one for each step.")),
        (training(RIGHT_ORDER + " predict"), "The numbers returned are not the losses of these steps: keep the loss that `backward()` was called on.", seen(lambda log: bool((np.abs(numbers_of(log.losses) - [step.loss for step in log.steps]) > 1e-4).any()))),
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
