"""Checks of the lesson A network for SIGNS."""

import copy
import re
from itertools import chain, islice, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.checks.engine import Check, Hint, at_most, linear, normal, same, whole
from helpers.checks.engine import guess as guess

flatten_size = Check(
    "flatten_size",  # numbers left after blocks that halve the picture
    first_step="Follow one side of the picture through the blocks, one after the other. In the end it counts twice, once for each map.",
    cases=[(64, 128, 3), (32, 64, 2), (28, 16, 2), (28, 16, 3), (30, 5, 1), (96, 7, 4)],
    right=lambda size, maps, blocks: maps * (size // 2**blocks) ** 2,
    mistakes=[
        (lambda s, m, b: (s // 2**b) ** 2, "The feature maps are forgotten: each has that many numbers."),
        (lambda s, m, b: s // 2**b * m, "A picture has height and width: the size counts twice."),
        (lambda s, m, b: s * s * m, "The blocks are forgotten: each halves the size."),
        (lambda s, m, b: (s // 2) ** 2 * m, "That is after one block: halve once for each."),
        (lambda s, m, b: (s // (2 * b)) ** 2 * m, "Three halvings divide by 8, not by 6."),
        (lambda s, m, b: s * s * m // 2**b, "Each block halves the height and the width."),
        (lambda s, m, b: (s / 2**b) ** 2 * m, "Pooling rounds down, after each block."),
])

def chosen(log_p, y):
    return log_p[torch.arange(len(y)), y]

nll = Check(
    "nll",  # the mean of minus the log-probabilities of the labels
    first_step="Pick, then average: one number in each row, the one at the label. Which sign makes it a loss?",
    cases=[(normal(n, classes).log_softmax(1), whole(classes, n)) for n, classes in [(8, 6), (5, 10), (6, 6)]],
    right=lambda p, y: -chosen(p, y).mean(),
    mistakes=[
        (lambda p, y: chosen(p, y).mean(), "The sign is missing: log-probabilities are negative, a loss is not."),
        (lambda p, y: -chosen(p, y).sum(), "That is the sum over the batch: take the mean."),
        (lambda p, y: -chosen(p, y), "One number for the batch is asked for: take the mean."),
        (lambda p, y: -chosen(p.exp(), y).mean(), "That uses probabilities: leave the logarithm."),
        (lambda p, y: -chosen(p, y).log().mean(), "The logarithm is taken twice: log_p holds log-probabilities already."),
        (lambda p, y: -p.max(dim=1).values.mean(), "That takes the largest of each row; take the one at the label."),
        (lambda p, y: -chosen(p, y).sum() / p.numel(), "Divide by the number of samples, not of all log-probabilities."),
        (lambda p, y: -p.mean(), "That takes all classes; take the one at the label."),
        (lambda p, y: -p[:, y].mean(), "`log_p[:, y]` takes every row for every label: use torch.arange(len(y)) for the rows."),
])

# ---------------------------------------------------------------- a net under a limit

LIMIT = 100_000

def built(build):
    """Build a reader's net, or say what is in the way."""
    if not callable(build) or isinstance(build, nn.Module):
        raise Hint(f"Give the class itself; this is of the type {type(build).__name__}.")
    torch.manual_seed(0)
    try:
        model = build()
    except AttributeError as error:
        if "before Module.__init__() call" not in str(error):
            raise
        raise Hint("`super().__init__()` is missing: it must be the first line of `__init__`.") from error
    if not isinstance(model, nn.Module):
        raise Hint("The net must be a class derived from nn.Module.")
    return model

def run_net(build, X):
    """Give the shape of a net's output in both modes."""
    model, shapes = at_most(built(build), 4), []
    for mode in (True, False):
        try:
            output = model.train(mode)(X)
        except RuntimeError as error:
            if not (found := re.search(r"\((\d+)x(\d+) and (\d+)x", str(error))):
                raise
            rows, came, takes = map(int, found.groups())
            if rows != len(X):
                raise Hint(f"From {len(X)} pictures come {rows} rows of numbers: flatten(1) keeps the first axis.") from error
            raise Hint(f"{came:,} numbers a picture come to a linear layer that takes {takes:,}: count again what is left after the blocks.") from error
        if output is ... or output is None:
            return output
        shapes.append(list(getattr(output, "shape", [])))
    return shapes if shapes[0] == shapes[1] else [shapes]

def ready_net(build, X):
    """Give a net in eval mode that has seen a batch, after which lazy layers have their size."""
    model = built(build).eval()
    model(X)
    return model

def listed(build, X):
    """Give the attribute that is a plain list of layers which are nowhere else, if there is one."""
    known = set(built(build).modules())
    for name, value in (pair for part in known for pair in vars(part).items()):
        values = [*value.values()] if isinstance(value, dict) else value
        if name[0] != "_" and isinstance(values, list | tuple) and any(isinstance(v, nn.Module) and v not in known for v in values):
            return name
    return False

def without_convolution(build, X):
    return not any(p.ndim == 4 for p in ready_net(build, X).parameters())

def above_the_limit(build, X):
    """Say by how much a net is above the limit, and which layer has most."""
    model = ready_net(build, X)
    if (count := sum(p.numel() for p in model.parameters())) <= LIMIT:
        return False
    sizes = {f"{name} ({type(layer).__name__})": sum(p.numel() for p in layer.parameters(recurse=False)) for name, layer in model.named_modules()}
    most = max(sizes, key=sizes.get)
    return f"{count:,} parameters, {count - LIMIT:,} above the limit. Most, {sizes[most]:,}, are in {most}"

def other_shape(build, X):
    shape = tuple(built(build)(X).shape)
    return shape != (len(X), 6) and f"{tuple(X.shape)} becomes {shape}, it should be {(len(X), 6)}"

def random_in_eval(build, X):
    model = ready_net(build, X)
    return not same(model(X), model(X))

def mixes_pictures(build, X):
    model = ready_net(build, X)
    return not same(model(X)[:1], model(X[:1]))

def outputs_of(build, X):
    """Give the scores for many pictures, most of them unusual."""
    model = ready_net(build, X)
    return model(torch.cat([30 * normal(20, *X.shape[1:], seed=1), X]))

def probabilities(build, X):
    scores = outputs_of(build, X)
    return same(scores.sum(1), torch.ones(len(scores))) and bool((scores >= 0).all())

def without_gradient(build, X):
    """Give the first weight that learns nothing from a batch."""
    model = built(build)
    loss = model(X).float().square().mean()
    if not loss.requires_grad:
        return "any weight: neither torch.no_grad() nor detach() belongs into forward"
    loss.backward()
    return next((f"`{name}`: {'it is frozen' if not p.requires_grad else 'is its layer used in forward'}?" for name, p in model.named_parameters() if p.grad is None), False)

class Blocks(nn.Module):
    """A right answer, in parts that a wrong one replaces: 48,390 parameters."""
    def __init__(self, hidden=(), outputs=6):
        super().__init__()
        self.maps = nn.Sequential(*(layer for a, b in pairwise([3, 16, 32, 64]) for layer in self.block(a, b)))
        sizes = [64 * 8 * 8, *hidden, outputs]
        self.scores = nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes)))

    def block(self, before, after):
        return [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.MaxPool2d(2), nn.ReLU()]

    def forward(self, X):
        return self.end(self.scores(self.maps(X).flatten(1)))

    def end(self, scores):
        return scores

class Unused(Blocks):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(4, 4)

class Listed(Blocks):
    def __init__(self):
        super().__init__()
        self.layers = [self.scores]
        del self.scores

    def forward(self, X):
        return self.layers[0](self.maps(X).flatten(1))

def ending_in(end):
    """Make the right class with something more at its end."""
    return type("SmallNet", (Blocks,), {"end": lambda self, scores: end(scores)})

def without_layers():
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(192, 6))

small_net = Check(
    "small_net",  # (N, 3, 64, 64) → scores (N, 6), at most 100,000 parameters
    first_step="Begin with the blocks, and write the shape beside each. Where did SignsNet have its million? What can make that number smaller: fewer maps, one more halving, no hidden layer?",
    cases=[(normal(2, 3, 64, 64),), (normal(5, 3, 64, 64),)],
    run=run_net,
    right=Blocks,
    otherwise="The shape of the output differs between train and eval mode.",
    mistakes=[
        (Listed, "`self.{}` is a plain list, in which PyTorch finds no layers, so they would not be trained: nn.Sequential or nn.ModuleList.", listed),
        (lambda: Blocks(outputs=10), "{}: one score for each of the six signs.", other_shape),
        (lambda: Blocks(hidden=[64]), "{}.", above_the_limit),
        (without_layers, "There is no convolution: at least one nn.Conv2d belongs into it.", without_convolution),
        (ending_in(lambda scores: F.dropout(scores, 0.5)), "In eval mode two calls give different answers: a layer that is made in forward begins anew each time, and F.dropout does not know the mode. Make both in `__init__`, as nn.… layers.", random_in_eval),
        (ending_in(lambda scores: scores.log_softmax(0)), "In eval mode the answer for a picture changes with the others in the batch: the first axis must stay by itself (flatten(1), dim=1).", mixes_pictures),
        (ending_in(lambda scores: scores.softmax(1)), "These are probabilities. Give the scores: the softmax is in the loss already.", probabilities),
        (ending_in(F.relu), "No score is ever below 0: nothing belongs behind the last linear layer.", lambda build, X: bool((outputs_of(build, X) >= 0).all())),
        (Unused, "No gradient reaches {}", without_gradient),
    ],
)

# ---------------------------------------------------------------- evaluation, and an epoch

def device_of(model):
    return next(model.parameters()).device

class Notes(list):
    """What a model notes; its copies write into the same."""
    def __deepcopy__(self, memo):
        return self

class Noting(nn.Module):
    """A linear layer that notes mode and gradients of each call; in train mode it is wrong on purpose."""
    def __init__(self, classes, seed):
        super().__init__()
        self.layer, self.notes = linear(4, classes, seed), Notes()

    def forward(self, X):
        self.notes.append((self, self.training, torch.is_grad_enabled(), len(X)))
        return self.layer(X).roll(1, dims=1) if self.training else self.layer(X)

def judged(n, batch_size, classes, seed, training):
    """Make a model, and a loader of which it has some right."""
    model, X = Noting(classes, seed), normal(n, 4, seed=seed + 7)
    y = model.layer(X).argmax(1)
    y[: n // 3] = whole(classes, n // 3, seed=seed)  # most of the first are wrong
    y[1 - n % batch_size :] = (y[1 - n % batch_size :] + 1) % classes  # and of the last batch all but one
    return model.train(training), DataLoader(TensorDataset(X, y), batch_size)

def run_evaluate(evaluate, model, loader):
    result = evaluate(at_most(model, 5 * len(loader)), loader)
    if result is None or result is ...:
        return result
    if not isinstance(result, tuple | list) and np.ndim(result) == 0:
        raise Hint("Two things are asked for, share and count: `return right / total, total`.")
    return result

def noted(evaluate, model, loader):
    """Run an answer, and give what the model noted."""
    model.notes.clear()
    evaluate(model, loader)
    return list(model.notes)

def share(judge=lambda logits, y: (logits.argmax(1) == y).sum().item(), put=lambda rights, sizes: (sum(rights) / sum(sizes), sum(sizes)), mode=False, back=None, grad=False, last=None):
    """Make an `evaluate`; by default a right one."""
    def evaluate(model, loader):
        before = model.training
        model.train(before if mode is None else mode)
        with torch.set_grad_enabled(grad):
            found = [(judge(model(X.to(device_of(model))).cpu(), y), len(y)) for X, y in islice(loader, last and last % len(loader))]
        model.train(before if back is None else back)
        return put(*zip(*found, strict=True))
    return evaluate

def mode_after(before):
    def shows(evaluate, model, loader):
        model.train(before)
        return (notes := noted(evaluate, model, loader)) and notes[-1][0].training != before
    return shows

evaluate = Check(
    "evaluate",  # the share of right answers, and of how many
    first_step="Three parts: remember the mode and switch to eval; without gradients, go through the batches and add up two numbers; put the mode back. Divide only once, at the end.",
    cases=[judged(19, 8, 6, 0, True), judged(11, 4, 3, 1, False)],
    run=run_evaluate,
    right=share(),
    otherwise="Share or count are not those of these samples.",
    mistakes=[
        (share(mode=None), "The model is called in train mode, where dropout and batch norm are at work: model.eval() comes first.", lambda f, *case: any(note[1] for note in noted(f, *case))),
        (share(grad=True), "Gradients are prepared while it only measures, which costs time and memory: `with torch.no_grad():`.", lambda f, *case: any(note[2] for note in noted(f, *case))),
        (share(back=False), "A model that was being trained is left in eval mode: remember `model.training`, and put it back.", mode_after(True)),
        (share(back=True), "A model that came in eval mode is left in train mode: remember `model.training`, and put it back.", mode_after(False)),
        (share(last=1), "Only the first batch is judged: is the `return` inside the loop?"),
        (share(last=-1), "The last, smaller batch is left out."),
        (share(put=lambda r, n: (0, sum(n))), "No answer counts as right: is it `argmax(dim=1)`, the place of the largest number in each row, held against y with `==`?"),
        (share(put=lambda r, n: (r[-1] / n[-1], n[-1])), "Only the last batch counts: add up over all, `+=`."),
        (share(put=lambda r, n: (r[-1] / sum(n), sum(n))), "Only the last batch counts: add up over all, `+=`."),
        (share(put=lambda r, n: (np.mean(np.divide(r, n)), sum(n))), "That is the mean over batches: samples of a small last batch count too much."),
        (share(put=lambda r, n: (sum(r), sum(n))), "That is the count of right answers: divide it by the number of samples."),
        (share(put=lambda r, n: (100 * sum(r) / sum(n), sum(n))), "Return the share, between 0 and 1; per cent is for printing."),
        (share(put=lambda r, n: (1 - sum(r) / sum(n), sum(n))), "That is the share of wrong answers."),
        (share(put=lambda r, n: (sum(n), sum(r) / sum(n))), "The share comes first, then the count."),
        (share(put=lambda r, n: (sum(r) / sum(n), sum(r))), "The second number is how many samples there were, not how many were right."),
        (share(put=lambda r, n: (sum(r) / sum(n), len(n))), "The second number counts samples, not batches: len(y) of each."),
        (share(put=lambda r, n: (sum(r) / len(n), len(n))), "Divide by the number of samples, not of batches: len(y) of each."),
        (share(put=lambda r, n: (sum(r) / (len(n) * n[0]), len(n) * n[0])), "The batches are not all as large as the first."),
    ],
)

def an_epoch(seed, training=True):
    """Make all that an epoch needs: 19 samples in batches of 8, 8 and 3."""
    model = Noting(3, seed).train(training)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)  # so that the step must be the optimizer's own
    loader = DataLoader(TensorDataset(normal(19, 4, seed=seed + 2), whole(3, 19, seed=seed)), batch_size=8)
    return model, loader, optimizer, nn.CrossEntropyLoss(label_smoothing=0.5)  # not the usual one

def run_epoch(train_epoch, model, loader, optimizer, loss_function):
    """Train for an epoch; give the loss, then all weights."""
    loss = train_epoch(at_most(model, 5 * len(loader)), loader, optimizer, loss_function)
    if loss is None or loss is ...:
        return loss
    return [loss, *(value.item() for p in model.parameters() for value in p.flatten())]

def epoch_mean(losses, sizes):
    return sum(a * b for a, b in zip(losses, sizes, strict=True)) / sum(sizes)

def epoch(order="zero_grad predict backward step", put=epoch_mean, mode=True, last=None, times=1):
    """Make a `train_epoch`; by default a right one."""
    def train_epoch(model, loader, optimizer, loss_function):
        if mode is not None:
            model.train(mode)
        losses, sizes = [], []
        for X, y in chain.from_iterable(islice(loader, last and last % len(loader)) for _ in range(times)):
            X, y = X.to(device_of(model)), y.to(device_of(model))
            for name in order.split():
                if name.startswith("predict"):
                    loss = (loss_function if name == "predict" else F.cross_entropy)(model(X), y)
                else:
                    loss.backward() if name == "backward" else getattr(optimizer, name)()
            losses.append(loss.item())
            sizes.append(len(y))
        return put(losses, sizes)
    return train_epoch

def only_the_loss_is_wrong(train_epoch, *case):
    given, right = (run_epoch(f, *copy.deepcopy(case)) for f in (train_epoch, epoch()))
    return same(given[1:], right[1:]) and not same(given[0], right[0])

def calls(train_epoch, model, *rest):
    """Give the sizes of the batches that the model was called with."""
    return [note[3] for note in noted(lambda model, _: train_epoch(model, *rest), model, None)]

train_epoch = Check(
    "train_epoch",  # one pass through the training set; its mean loss
    first_step="Before the loop: the mode, and two numbers that begin at 0. Inside: the step of the first lesson, and what it adds to the two. After it, one division.",
    cases=[an_epoch(0), an_epoch(5, training=False)],
    run=run_epoch,
    right=epoch(),
    otherwise="The weights are not where these three steps lead.",
    changes=(0, 2),  # the model and the optimizer
    mistakes=[
        (epoch(put=lambda losses, n: (losses, n)), "Return the loss alone: one plain number.", lambda f, *case: isinstance(loss := f(*case), tuple | list) or np.ndim(loss) > 0),
        (epoch(put=lambda losses, n: torch.tensor(epoch_mean(losses, n))), "The loss is still a tensor, and may hold its whole history in memory: add up `loss.item()`.", lambda f, *case: torch.is_tensor(f(*case))),
        (epoch(mode=None), "A model that comes in eval mode is trained in it: model.train() comes first.", lambda f, model, *rest: not all(note[1] for note in noted(lambda m, _: f(m, *rest), model.eval(), None))),
        (epoch(last=1), "Only the first batch is learned from: is the `return` inside the loop?", lambda f, *case: calls(f, *case) == [8]),
        (epoch(last=-1), "The last, smaller batch is left out.", lambda f, *case: calls(f, *case) == [8, 8]),
        (epoch(times=2), "One epoch is one pass through the loader: the model was called {} times for 3 batches.", lambda f, *case: len(made := calls(f, *case)) > 3 and str(len(made))),
        (epoch("predict backward step"), "The later steps went too far: gradients add up unless `optimizer.zero_grad()` clears them, in each step."),
        (epoch("predict backward"), "The weights never move: `optimizer.step()` must come after `backward()`, with no `zero_grad()` between the two."),
        (epoch("zero_grad predict_otherwise backward step"), "That is another loss: call the `loss_function` that is given."),
        (epoch("step zero_grad predict backward"), "Each step uses the gradients of the batch before: `backward()` comes first, then `step()`."),
        (epoch(put=lambda losses, n: sum(losses) / len(n)), "That is the mean over batches: samples of a small last batch count too much. Add up loss.item() * len(y)."),
        (epoch(put=lambda losses, n: sum(losses)), "That is the sum over the batches: the mean over the samples is asked for."),
        (epoch(put=lambda losses, n: epoch_mean(losses, n) * sum(n)), "That is the sum over the samples: divide it by their number."),
        (epoch(put=lambda losses, n: losses[-1]), "That is the loss of the last batch alone."),
        (epoch(put=lambda losses, n: sum(losses) / sum(n)), "Each batch's loss is a mean already: multiply it by len(y) before you add it up."),
        (epoch(put=lambda losses, n: np.dot(losses, n) / len(n)), "Divide by the number of samples, not of batches."),
        (epoch(put=lambda losses, n: 0.0), "The weights are right; the number returned is not the mean loss of these samples.", only_the_loss_is_wrong),
    ],
)
