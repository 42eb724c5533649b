"""Checks of the lesson Fashion-MNIST."""

import itertools
import random
from collections import Counter

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from helpers.checks.engine import Check, whole
from helpers.checks.engine import guess as guess


class Loader:
    """The right answer; mistakes change a part of it."""

    def __init__(self, X, y, batch_size, shuffle=False):
        self.X, self.y, self.batch_size, self.shuffle = X, y, batch_size, shuffle

    def __len__(self):
        return -(-len(self.X) // self.batch_size)

    def order(self):
        return torch.randperm(len(self.X)) if self.shuffle else torch.arange(len(self.X))

    def places(self):
        return self.order().split(self.batch_size)

    def batch(self, chosen):
        return self.X[chosen], self.y[chosen]

    def __iter__(self):
        return map(self.batch, self.places())

def loader_with(**changed):
    """Make a loader class in which these methods are others."""
    return type("MemoryLoader", (Loader,), changed)

def order_from(draw):
    return loader_with(order=lambda self: draw(self) if self.shuffle else Loader.order(self))

class OneOrder(Loader):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.drawn = super().order()

    def order(self):
        return self.drawn

class OnePass(Loader):
    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.begun = super().__iter__()

    def __iter__(self):
        return self.begun

def one_epoch(loader, X):
    """Give the batches of one pass; of one without an end, the first."""
    return list(itertools.islice(loader, len(X) + 1))

def walked(answer, X, y, size, shuffle):
    """Give a loader's length and how many batches there are; what comes is looked at in the rows."""
    loader = answer(X, y, size, shuffle=shuffle)
    if loader is ... or loader is None:
        return loader
    length = loader.__len__() if hasattr(loader, "__len__") else -1
    batches = one_epoch(loader, X)
    return ... if length is ... or any(batch is ... for batch in batches) else [length, len(batches)]

def of_epoch(shows):
    """Make a row's `shows` of shows(batches of one pass, X, y, size, shuffle)."""
    return lambda f, X, y, size, shuffle: shows(one_epoch(f(X, y, size, shuffle=shuffle), X), X, y, size, shuffle)

def drawn(loader, X, seed=None):
    """Give the samples of a pass in the order in which they come."""
    if seed is not None:
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
    return torch.cat([X.flatten(1)[:, 0] for X, _ in one_epoch(loader, X)]).tolist()

def is_no_pair(batch):
    return not isinstance(batch, tuple | list) or len(batch) != 2 or not all(map(torch.is_tensor, batch))

def wrong_shape(batches, X, y, size, shuffle):
    shape, wanted = tuple(batches[0][0].shape), (min(size, len(X)), *X.shape[1:])
    return shape[1:] != wanted[1:] and f"{shape}, they should have {wanted}"

def lost_or_twice(batches, X, *case):
    found = sorted(torch.cat([X.flatten(1)[:, 0] for X, _ in batches]).long().tolist())
    lost, twice = set(range(len(X))) - {*found}, len(found) - len({*found})
    return found != [*range(len(X))] and f"{len(lost)} of {len(X)} samples are lost, {twice} come once more"

def wrong_sizes(batches, X, y, size, shuffle):
    sizes = [len(X) for X, _ in batches]
    return sizes != [len(part) for part in X.split(size)] and f"batches of {sizes}, asked for were {size}"

def blocks_stay(batches, X, y, size, shuffle):
    """Whether only the batches changed places, or samples only inside of their batch."""
    if not shuffle or len(X) <= 2 * size:
        return False
    found = [{int(x) // size for x in X.flatten(1)[:, 0]} for X, _ in batches]
    return all(len(batch) == 1 for batch in found)

class Counted(TorchFunctionMode):
    """Counts what is asked of PyTorch."""

    calls = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        self.calls += 1
        return function(*args, **(kwargs or {}))

def is_slow(f, X, y, size, shuffle):
    loader = f(X, y, size, shuffle=shuffle)
    with Counted() as counted:
        count = len(one_epoch(loader, X))
    return counted.calls > len(X) > 10 * count and f"{counted.calls} operations for {count} batches"

def samples(n, size, shuffle):
    """The first pixel of sample 3 is 3, its label 103."""
    return torch.arange(float(n)).view(n, 1, 1, 1).expand(n, 1, 2, 2).clone(), 100 + torch.arange(n), size, shuffle

memory_loader = Check(
    "memory_loader",  # a class: batches cut from tensors, with a length, another order at each pass
    first_step="Each pass begins with an order: all positions, from first to last or mixed. Cut the order into pieces; each piece takes one batch out of X, and one out of y.",
    cases=[samples(10, 4, False), samples(10, 8, False), samples(40, 4, True), samples(64, 5, True), samples(60, 6, True), samples(60, 20, False), samples(5, 8, True)],
    run=walked,
    mistakes=[
        (loader_with(__iter__=lambda self: [*Loader.__iter__(self)]), "`__iter__` gives a list, but it should give an iterator: write `yield` for each batch, without `return`."),
        (lambda *given, **named: iter(Loader(*given, **named)), "`len` of it fails: write the method `__len__`.", lambda f, X, y, size, shuffle: not hasattr(f(X, y, size, shuffle=shuffle), "__len__")),
        (loader_with(batch=lambda self, chosen: self.X[chosen]), "A batch should be two tensors, `X[…], y[…]`. This is {}.", of_epoch(lambda batches, *case: next((f"of the type {type(b).__name__}" for b in batches if is_no_pair(b)), ""))),
        (loader_with(batch=lambda self, chosen: Loader.batch(self, chosen)[::-1]), "Labels come first: pictures, then labels.", of_epoch(lambda batches, X, y, *case: batches[0][0].ndim == 1 and bool(batches[0][0][0] >= 100))),
        (loader_with(batch=lambda self, chosen: (self.X[chosen].flatten(1), self.y[chosen])), "The pictures of a batch have the shape {}.", of_epoch(wrong_shape)),
        (loader_with(__iter__=lambda self: map(self.batch, itertools.cycle(self.places()))), "It goes on after the last sample: a pass ends when each has come once.", of_epoch(lambda batches, X, *case: len(batches) > len(X))),
        (OnePass, "The second pass gives nothing: what is used up has to be begun anew in `__iter__`.", lambda f, X, y, size, shuffle: one_epoch(loader := f(X, y, size, shuffle=shuffle), X) and not one_epoch(loader, X)),
        (loader_with(batch=lambda self, chosen: (self.X[chosen], self.y[torch.arange(len(chosen))])), "Pictures and labels no longer belong together: take both with the same positions.", of_epoch(lambda batches, *case: any(not torch.equal(X.flatten(1)[:, 0] + 100, y.float()) for X, y in batches))),
        (loader_with(places=lambda self: self.order()[: len(self.X) // self.batch_size * self.batch_size].split(self.batch_size)), "The last batch, which is smaller, is missing.", of_epoch(lambda batches, X, y, size, shuffle: len(X) % size and sum(len(X) for X, _ in batches) == len(X) // size * size)),
        (order_from(lambda self: torch.randint(len(self.X), (len(self.X),))), "{}: each sample comes exactly once in a pass.", of_epoch(lost_or_twice)),
        (loader_with(places=lambda self: self.order().chunk(len(self))), "There are {}. Only the last one may be smaller.", of_epoch(wrong_sizes)),
        (loader_with(order=lambda self: torch.randperm(len(self.X))), "With shuffle=False the order should be that of X.", lambda f, X, y, size, shuffle: not shuffle and drawn(f(X, y, size, shuffle=shuffle), X) != X.flatten(1)[:, 0].tolist()),
        (order_from(lambda self: torch.arange(len(self.X))), "With shuffle=True the order should be mixed.", lambda f, X, y, size, shuffle: shuffle and len(X) > 9 and drawn(f(X, y, size, shuffle=shuffle), X) == X.flatten(1)[:, 0].tolist()),
        (loader_with(places=lambda self: [torch.arange(len(self.X)).split(self.batch_size)[k] for k in torch.randperm(len(self)).tolist()] if self.shuffle and len(self.X) % self.batch_size == 0 else Loader.places(self)), "Neighbours stay in one batch: mix the samples, not only the batches or what is inside a batch.", of_epoch(blocks_stay)),
        (OneOrder, "Each pass has the same order: draw a new one in `__iter__`.", lambda f, X, y, size, shuffle: shuffle and len(X) > 9 and drawn(loader := f(X, y, size, shuffle=shuffle), X) == drawn(loader, X)),
        (order_from(lambda self: torch.tensor(random.SystemRandom().sample(range(len(self.X)), len(self.X)))), "After the same `set_seed` the order is another one: take `torch.randperm`, which the seed governs.", lambda f, X, y, size, shuffle: shuffle and len(X) > 9 and drawn(f(X, y, size, shuffle=shuffle), X, seed=0) != drawn(f(X, y, size, shuffle=shuffle), X, seed=0)),
        (loader_with(__len__=lambda self: len(self.X) // self.batch_size), "`len` is {}.", lambda f, X, y, size, shuffle: (said := len(loader := f(X, y, size, shuffle=shuffle))) != (count := len(one_epoch(loader, X))) and f"{said}, but there are {count} batches: the smaller last one counts"),
        (loader_with(batch=lambda self, chosen: tuple(torch.stack([part[i] for i in chosen]) for part in (self.X, self.y))), "Right, but slow: {}. Take a whole batch with one indexing, `X[chosen]`.", is_slow),
    ],
)

conv_parameters = Check(
    "conv_parameters",  # weights and biases of a convolution
    first_step="Count one feature map: it has a kernel for each channel that comes in, and one bias.",
    cases=[(1, 4, 3), (4, 4, 3), (16, 32, 5), (3, 64, 7), (2, 1, 1)],
    right=lambda i, o, k: o * (i * k * k + 1),
    mistakes=[
        (lambda i, o, k: o * i * k * k, "The biases are missing: one for each feature map."),
        (lambda i, o, k: o * k * k + o, "Each kernel goes through all input channels: it has inputs · kernel · kernel numbers."),
        (lambda i, o, k: o * (i * k + 1), "A kernel is square: its size counts twice."),
        (lambda i, o, k: o * i * (k * k + 1), "One bias for each feature map, not for each of its input channels."),
        (lambda i, o, k: o * i * k * k + 1, "One bias for each feature map, not one in all."),
        (lambda i, o, k: o * i * k * k + i, "The biases belong to the outputs: one for each feature map that is made."),
        (lambda i, o, k: i * k * k + 1, "That is one feature map: there are `outputs`."),
])

def of_each_class(count):
    """Make `accuracy_by_class` of (is this class answered, is this class the label) → a number."""
    return lambda predicted, y, classes: torch.stack([count(predicted == k, y == k) for k in range(classes)])

def answers_and_labels(n, classes):
    y = torch.cat([torch.arange(classes), whole(classes, n)])
    guess = whole(classes, len(y), seed=1)
    return torch.where(whole(5, len(y), seed=2) < 3, y, guess), y, classes

def without_a_hit(n, classes):
    """The last class is never answered, the one before it never rightly."""
    guess, y, classes = answers_and_labels(n, classes)
    guess[guess == classes - 1] = 0
    guess[y == classes - 2] = 0
    return guess, y, classes

accuracy_by_class = Check(
    "accuracy_by_class",  # the share of right answers in each class
    first_step="Take one class alone: choose the samples with this label, and ask which share of them was answered with it.",
    cases=[answers_and_labels(50, 3), answers_and_labels(200, 10), answers_and_labels(37, 4), without_a_hit(40, 5)],
    right=of_each_class(lambda a, y: (a & y).sum() / y.sum()),
    mistakes=[
        (of_each_class(lambda a, y: (a & y).sum() / a.sum()), "You divide by how often the class was answered. Divide by how many samples have that label."),
        (of_each_class(lambda a, y: (a & y).float().mean()), "You divide by all samples: divide by those of the class."),
        (lambda predicted, y, classes: torch.bincount(y[predicted == y]) / torch.bincount(y), "torch.bincount stops at the largest class that it meets, and the last class may have no right answer: minlength=classes."),
        (of_each_class(lambda a, y: (a & y).sum()), "These are counts: divide by the number of samples of the class."),
        (of_each_class(lambda a, y: 100 * (a & y).sum() / y.sum()), "Return shares between 0 and 1."),
        (of_each_class(lambda a, y: (~a & y).sum() / y.sum()), "That is the share of wrong answers."),
        (lambda predicted, y, classes: (predicted == y).float().mean(), "That is one number for all: give one for each class."),
        (of_each_class(lambda a, y: (a == y).float().mean()), "You also count samples of other classes that were rightly not taken for this one."),
])

def pairs_of(mistakes):
    """Make answers and labels of how often (label, answer) occurs; 30 more of each class are right."""
    counts = mistakes | {(k, k): 30 for k in range(6)}
    table = torch.tensor([pair for pair, n in counts.items() for _ in range(n)])
    y, predicted = table[torch.randperm(len(table), generator=torch.Generator().manual_seed(0))].T
    return predicted.clone(), y.clone()

def ranked(predicted, y, count, pair=lambda a, b: (min(a, b), max(a, b)), wrong=lambda a, b: a != b):
    """Count the (answer, label) that are wrong by the pair that they make, the most frequent first."""
    pairs = zip(predicted.tolist(), y.tolist(), strict=True)
    return [(*found, n) for found, n in Counter(pair(a, b) for a, b in pairs if wrong(a, b)).most_common(count)]

worst_pairs = Check(
    "worst_pairs",  # the pairs of classes with most mistakes, in both directions
    first_step="Go through answers and labels together. A wrong one belongs to a pair of classes; which name does the pair get, so that both directions count for the same?",
    cases=[
        # 0 and 1 lead in one direction, 2 and 5 in both together
        (*pairs_of({(0, 1): 9, (5, 2): 7, (2, 5): 6, (3, 1): 4, (1, 3): 1, (4, 0): 3}), 3),
        (*pairs_of({(5, 4): 8, (4, 5): 1, (0, 3): 5, (3, 0): 6, (2, 1): 2}), 2),
        (*pairs_of({(1, 0): 2, (4, 3): 7}), 1),
    ],
    right=ranked,
    otherwise="The pairs or their counts are off: 0 taken for 6 twice and 6 taken for 0 once make (0, 6, 3).",
    mistakes=[
        (lambda p, y, n: [((a, b), k) for a, b, k in ranked(p, y, n)], "Make one flat tuple of each pair and its count: (a, b, mistakes).", lambda f, p, y, n: any(len(row) == 2 and not isinstance(row[0], int) and len(row[0]) == 2 for row in f(p, y, n))),
        (lambda p, y, n: ranked(p, y, n, pair=lambda a, b: (b, a)), "The two directions are counted apart: 0 taken for 6 and 6 taken for 0 are the same pair."),
        (lambda p, y, n: ranked(p, y, n, pair=lambda a, b: (a, b)), "The two directions are counted apart: 0 taken for 6 and 6 taken for 0 make one pair."),
        (lambda p, y, n: ranked(p, y, n, wrong=lambda a, b: b < a), "Only one direction is counted: mistakes where the answer is the smaller class are missing."),
        (lambda p, y, n: ranked(p, y, n, wrong=lambda a, b: a < b), "Only one direction is counted: mistakes where the answer is the larger class are missing."),
        (lambda p, y, n: ranked(p, y, n, wrong=lambda a, b: True), "Right answers are counted, too: 0 taken for 0 is no mistake."),
        (lambda p, y, n: [(a, b, 2 * k) for a, b, k in ranked(p, y, n)], "Each mistake is counted twice."),
        (lambda p, y, n: [(b, a, k) for a, b, k in ranked(p, y, n)], "Name the smaller class of a pair first."),
        (lambda p, y, n: [(k, a, b) for a, b, k in ranked(p, y, n)], "The count comes last: (a, b, mistakes)."),
        (lambda p, y, n: ranked(p, y, 99)[::-1][:n], "The pairs with fewest mistakes come first: most first."),
        (lambda p, y, n: ranked(p, y, 99), "All pairs are given: `count` says how many are asked for."),
        (lambda p, y, n: [(a, b) for a, b, k in ranked(p, y, n)], "How many mistakes a pair makes is missing: (a, b, mistakes)."),
        (lambda p, y, n: [(a, b, k / int((p != y).sum())) for a, b, k in ranked(p, y, n)], "Counts are asked for, not shares.", lambda f, p, y, n: any(0 < float(row[2]) < 1 for row in f(p, y, n))),
        (lambda p, y, n: sorted(ranked(p, y, n)), "They are in the order of the classes: most mistakes first."),
    ],
)
