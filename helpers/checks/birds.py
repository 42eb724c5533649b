"""Checks of the lesson Birds and airplanes."""

import itertools
import math
import random

import numpy as np
import torch
from torch import nn

from helpers.checks.enclosure import unchanged
from helpers.checks.engine import Check, Hint, no_tensor, normal, same, whole
from helpers.checks.engine import guess as guess


def column(values):
    return values.view(3, 1, 1)

def mean_and_std(seed):
    return 0.2 + 0.6 * whole(100, 2, 3, seed=seed) / 100

unnormalise = Check(
    "unnormalise",  # undo (X - mean) / std for a picture (3, H, W)
    first_step="Normalising was two steps: minus the mean, then divided by the deviation. Undo the last one first, and mind along which axis the three numbers lie.",
    # 3 × 3 pixels: three numbers along a wrong axis raise no error
    cases=[(normal(3, 3, width, seed=seed), *mean_and_std(seed)) for seed, width in enumerate([3, 3, 4])],
    right=lambda X, m, s: X * column(s) + column(m),
    mistakes=[
        (lambda X, m, s: (X - column(m)) / column(s), "That normalises once more: go the other way round."),
        (lambda X, m, s: (X + column(m)) * column(s), "The order is off: the division came last, so it is undone first."),
        (lambda X, m, s: X * column(m) + column(s), "Mean and deviation are swapped."),
        (lambda X, m, s: X * column(s) - column(m), "The mean was taken away: add it again."),
        (lambda X, m, s: X / column(s) + column(m), "It was divided by the deviation: multiply by it."),
        (lambda X, m, s: X * column(s), "The mean is missing."),
        (lambda X, m, s: X + column(m), "The deviation is missing."),
        (lambda X, m, s: X.permute(1, 2, 0) * s + m, "The channels are last now: move them back to the front, or use std.view(3, 1, 1)."),
        (lambda X, m, s: X * s + m, "`X * std` pairs the three numbers with the columns of a picture, not with its channels: std.view(3, 1, 1)."),
        (lambda X, m, s: X * s.view(1, 3, 1) + m.view(1, 3, 1), "That pairs the three numbers with the rows of a picture: std.view(3, 1, 1)."),
        (lambda X, m, s: X * s.mean() + m.mean(), "Each channel has its own mean and deviation."),
        (lambda X, m, s: (X * column(s) + column(m)).clamp(0, 1), "Do not cut off: give back exactly what there was before."),
])

def kept(targets, first, second):
    return [i for i, label in enumerate(targets) if label in (first, second)]

def relabelled(label):
    """Make a `relabel` of (old label, first, second) → new label."""
    return lambda t, a, b: (kept(t, a, b), [label(t[i], a, b) for i in kept(t, a, b)])

is_second = relabelled(lambda old, a, b: int(old == b))

relabel = Check(
    "relabel",  # positions of two classes, and labels 0 and 1
    first_step="Go through the targets once, with their positions, and note each that is one of the two.",
    cases=[([0, 2, 9, 2, 0, 1], 0, 2), ([0, 2, 9, 2, 0, 1], 2, 0), *[(whole(10, 40, seed=a).tolist(), a, b) for a, b in [(3, 5), (9, 1), (1, 2)]]],
    right=is_second,
    otherwise="The positions or the labels are off: try it with [0, 2, 9, 2] and 0, 2; that gives [0, 1, 3] and [0, 1, 1].",
    mistakes=[
        (kept, "Two lists are asked for: `return positions, labels`.", lambda f, *case: not isinstance(f(*case), tuple | list) or len(f(*case)) != 2),
        (relabelled(lambda old, a, b: [int(old == b)]), "A part has the shape {}: make it flat, `.flatten()`.", lambda f, *case: " and ".join(str(shape) for part in f(*case) if len(shape := tuple(np.shape(part))) != 1)),
        (lambda t, a, b: (kept(t, a, b), [int(v == b) for v in t]), "There are {}: give one label for each picture that is kept.", lambda f, *case: (n := len(f(*case)[0])) != (m := len(f(*case)[1])) and f"{n} positions, but {m} labels"),
        (lambda t, a, b: (range(len(t)), [int(v == b) for v in t]), "{}: those of the two classes.", lambda f, *case: (n := len(f(*case)[0])) != (m := len(kept(*case))) and f"{n} pictures are kept, there should be {m}"),
        (relabelled(lambda old, a, b: old), "The labels are still those of the ten classes: the first class becomes 0, the second 1."),
        (relabelled(lambda old, a, b: int(old == a)), "0 and 1 are swapped: the first class becomes 0."),
        (relabelled(lambda old, a, b: int(old > min(a, b))), "The order is that of the arguments, not of the numbers: `first` becomes 0 even if it is the larger."),
        (lambda t, a, b: (order := kept(t, a, a) + kept(t, b, b), [int(t[i] == b) for i in order]), "Keep the order of the dataset: go through it once."),
        (lambda t, a, b: ([t[i] for i in kept(t, a, b)], is_second(t, a, b)[1]), "The first list holds labels; it should say at which positions they stand."),
        (lambda t, a, b: is_second(t, a, b)[::-1], "The two lists are in the wrong order: positions first."),
])

SMALL = [normal(n) for n in (2, 5, 3)]
LARGE = [torch.tensor(scores) for scores in ([0.0, 104.0], [1000.0, 980.0, 0.0], [-900.0, -930.0])]

def is_right(f, *inputs):
    return all(same(f(s), s.log_softmax(0)) for s in inputs)

def for_large(shows):
    """Show an answer that is right for small scores, and for large ones wrong in this way."""
    return lambda f, s: s.abs().max() > 90 and is_right(f, *SMALL) and not is_right(f, s) and shows(f(s), s)

log_softmax = Check(
    "log_softmax",  # the logarithm of softmax, for scores of any size
    first_step="Softmax does not change if the same number is taken from all scores. Which number makes the largest exp equal to 1? And the logarithm of a quotient is a difference.",
    cases=[(scores,) for scores in SMALL + LARGE],
    right=lambda s: s.log_softmax(0),
    mistakes=[
        (lambda s: s.softmax(0), "These are the probabilities: the logarithm is missing."),
        (lambda s: s - s.max(), "Subtracting the largest score is the first half: the logarithm of the sum is missing."),
        (lambda s: s - s.exp().sum(), "Take the logarithm of the sum."),
        (lambda s: s / s.exp().sum().log(), "The logarithm of a quotient is a difference: scores − log of the sum."),
        (lambda s: s - (s - s.max()).exp().sum().log(), "The largest score was subtracted inside the sum only: subtract it from the scores too."),
        (lambda s: -s.log_softmax(0), "The sign is turned round: logarithms of probabilities are not above 0."),
        (lambda s: s.softmax(0).log10(), "The natural logarithm is asked for: torch.log."),
        (lambda s: s.softmax(0).log(), "Right for small scores, but the 0 and 104 give −inf: a probability has become 0 before its logarithm was taken.", for_large(lambda given, s: same(given, s.softmax(0).log()))),
        (lambda s: (s.softmax(0) + 1e-12).log(), "Cutting off at a small number hides the −inf and gives a wrong answer: work with the logarithms.", for_large(lambda given, s: given.isfinite().all() and same(given, s.log_softmax(0).clamp(min=float(given.min()))))),
        (lambda s: s - s.exp().sum().log(), "Subtract the largest score from all of them first: this is right for small scores, but not for large ones.", for_large(lambda given, s: True)),
])

TANH = {"tanh1": "after the first convolution", "tanh2": "after the second convolution", "tanh3": "after the hidden layer"}

def stack(**changed):
    """Make a maker of the right net, or of one in which these parts are made in another way; None leaves one out."""
    parts = {
        "conv1": lambda: nn.Conv2d(3, 16, 3, padding=1), "tanh1": nn.Tanh, "pool1": lambda: nn.MaxPool2d(2),
        "conv2": lambda: nn.Conv2d(16, 8, 3, padding=1), "tanh2": nn.Tanh, "pool2": lambda: nn.MaxPool2d(2),
        "flatten": nn.Flatten, "hidden": lambda: nn.Linear(512, 32), "tanh3": nn.Tanh, "output": lambda: nn.Linear(32, 2),
    }
    return lambda: nn.Sequential(*(make() for make in (parts | changed).values() if make))

SHAPES = [(16, 3, 3, 3), (16,), (8, 16, 3, 3), (8,), (32, 512), (32,), (2, 32), (2,)]
COUNT = sum(map(math.prod, SHAPES))

def other_parameters(model):
    """Say by how many parameters a net differs from the right one, and where first."""
    given = [(f"`{name}`", tuple(weight.shape)) for name, weight in model.named_parameters()]
    missing = list(SHAPES)
    odd = [part for part in given if part[1] not in missing or missing.remove(part[1])]
    if not odd and not missing:
        return ""
    count = sum(weight.numel() for weight in model.parameters())
    much = f"{abs(count - COUNT):,} too {'many' if count > COUNT else 'few'}" if count != COUNT else "as it should"
    alike = [(name, shape, wanted) for name, shape in odd for wanted in missing if len(shape) == len(wanted)]
    if alike:
        where = "{} is {}, it should be {}".format(*alike[0])
    else:
        where = "{} {} is not asked for".format(*odd[0]) if odd else f"weights or biases {missing[0]} are missing"
    most, numbers = max(((name, math.prod(shape)) for name, shape in given), key=lambda part: part[1], default=("", 0))
    return f"{count:,} parameters, {much}: {where}." + (f" Most are in {most}: {numbers:,}." if count > COUNT else "")

def fixed(shape):
    return normal(*shape) / math.sqrt(math.prod(shape[1:]))

def scores(answer, X):
    """Run a net on X, with weights that are the same for every answer."""
    if isinstance(answer, nn.Module):
        raise Hint("Give the class, without brackets; this is a net that is already made.")
    model = answer()
    if model is None or model is ...:
        return model
    if not isinstance(model, nn.Module):
        raise Hint("ConvNet must be a class derived from nn.Module.")
    try:
        first = model(X)  # lazy layers have no weights before
        for weight in model.parameters():
            weight.data = fixed(weight.shape).to(weight.dtype)
        return first if first is ... or first is None else model(X)
    except Exception as error:
        if "ellipsis" in str(error):
            raise Hint("A layer that `forward` uses is still `...`.") from error
        if isinstance(error, RuntimeError) and (other := other_parameters(model)):
            raise Hint(f"It has {other}") from error
        raise

class ListedNet(nn.Module):
    """Its layers stand in a list, of which PyTorch does not know."""

    def __init__(self):
        super().__init__()
        self.layers = [*stack()()]

    def forward(self, X):
        for layer in self.layers:
            X = layer(X)
        return X

class ViewingNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = stack()()
        self.maps, self.end = layers[:6], layers[7:]

    def forward(self, X):
        return self.end(self.maps(X).view(len(X), -1))

class NetWithoutGradient(ViewingNet):
    def forward(self, X):
        with torch.no_grad():
            return self.end(self.maps(X).flatten(1))

class NetWithoutSuper(nn.Module):
    def __init__(self):
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1)

def frozen():
    return stack()().requires_grad_(False)

def with_activation(kind):
    """Make a row's `shows`: after which layers this stands in the place of tanh."""
    def shows(f, X):
        given = scores(f, X)
        for some in itertools.chain.from_iterable(itertools.combinations(TANH, n) for n in (1, 2, 3)):
            if same(given, scores(stack(**dict.fromkeys(some, kind)), X)):
                return " and ".join(TANH[name] for name in some)
        return ""
    return shows

def without_padding(before, after):
    return lambda: nn.Conv2d(before, after, 3)

conv_net = Check(
    "conv_net",  # a class: two convolutions with tanh and pooling, two linear layers, 18,090 parameters
    first_step="Write down the shape after each layer, from (N, 3, 32, 32) on: what goes into a layer is what came out of the one before. Which layers have weights? They are made in __init__.",
    # the second lies in memory as the lesson trains
    cases=[(normal(2, 3, 32, 32),), (normal(3, 3, 32, 32, seed=1).contiguous(memory_format=torch.channels_last),), (normal(1, 3, 32, 32),)],
    run=scores,
    right=stack(),
    otherwise="All parameters are there, but the scores are not right. Is the order convolution, tanh, pooling, the same again, flatten, hidden layer, tanh, output?",
    mistakes=[
        (ListedNet, "Its weights are not its own: keep each layer as `self.…` or in an nn.Sequential, not in a plain list.", lambda f, X: not list((model := f()).parameters()) and model(X).requires_grad),
        (stack(conv2=lambda: nn.Conv2d(16, 16, 3, padding=1), hidden=lambda: nn.Linear(1024, 32)), "It has {}", lambda f, X: (model := f()) and model(X) is not None and other_parameters(model)),
        (frozen, "Its weights are frozen, requires_grad is False: they could not be learned.", lambda f, X: not all(weight.requires_grad for weight in f().parameters())),
        (NetWithoutGradient, "No gradient leads from the scores to the weights, so they could not be learned: neither torch.no_grad() nor detach() belongs into a net.", lambda f, X: not f()(X).requires_grad),
        (stack(dropout=nn.Dropout), "It gives other scores each time: nothing random is asked for, such as dropout.", lambda f, X: not same((model := f())(X.clone()), model(X.clone()))),
        (NetWithoutSuper, "`super().__init__()` is missing: it comes first in `__init__`."),
        (ViewingNet, "`view` fails for pictures with their channels last in memory, as the lesson trains: `X.flatten(1)`."),
        (stack(flatten=None), "The flatten is missing: a linear layer wants a row of numbers for each picture."),
        (stack(flatten=lambda: nn.Flatten(0)), "Flatten each picture by itself, `X.flatten(1)`: the first axis, the pictures, stays."),
        (stack(pool1=None), "A pooling is missing, or does not halve the size: there is one after each convolution."),
        (stack(pool1=None, pool2=None), "Both poolings are missing: there is one after each convolution."),
        (stack(conv1=without_padding(3, 16), conv2=without_padding(16, 8)), "The padding is missing: padding=1 keeps the size."),
        (stack(conv1=without_padding(3, 16)), "One convolution has no padding: padding=1 keeps the size."),
        (stack(tanh1=None, tanh3=None), "The tanh is missing {}.", with_activation(None)),
        (stack(tanh1=nn.ReLU, tanh2=nn.ReLU, tanh3=nn.ReLU), "There is ReLU in the place of tanh {}.", with_activation(nn.ReLU)),
        (stack(end=lambda: nn.Softmax(1)), "There is a softmax at the end: cross-entropy takes the scores as they are, softmax is inside."),
        (stack(end=lambda: nn.LogSoftmax(1)), "There is a log-softmax at the end: cross-entropy takes the scores as they are, it is inside."),
        (stack(end=nn.Tanh), "There is a tanh at the end: scores may have any size."),
        (stack(pool1=lambda: nn.AvgPool2d(2), pool2=lambda: nn.AvgPool2d(2)), "That is average pooling: max is asked for."),
        (stack(pool1=None, pool2=lambda: nn.MaxPool2d(4)), "Pool by 2 after each convolution, not by 4 after the second."),
    ],
)

def places(n):
    """Make pictures of whole numbers that say where each stands: picture, channel, pixel."""
    return torch.arange(n * 3 * 1024.0).view(n, 3, 32, 32)

def origins(f, X, seed=0):
    """Give from which picture, channel and pixel each number of the result came, as (N, 3, 1024)."""
    whole = f(X, seed).reshape(len(X), 3, 1024).long()
    return whole // 3072, whole // 1024 % 3, whole % 1024

def order_of(f, X, seed=0):
    return origins(f, X, seed)[2][0, 0]

def scrambled(X, order):
    return X.flatten(2)[:, :, order].view_as(X)

def shuffled(n, seed=0):
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed))

def moves_whole_rows(f, X, seed):
    order = order_of(f, X).view(32, 32)
    rows, columns = order // 32, order % 32
    return bool((rows == rows[:, :1]).all() or (columns == columns[:1]).all())

def random_numbers():
    return torch.get_rng_state(), random.getstate(), np.random.mtrand.get_state()

def draws_from_all(f, X, seed):
    before = random_numbers()
    f(X, seed)
    return not unchanged(random_numbers(), before)

def by_the_programs_seed(X, seed):
    torch.manual_seed(seed)
    return scrambled(X, torch.randperm(1024))

scramble = Check(
    "scramble",  # the pixels of all pictures in other places, the same for each
    first_step="Lay the pixels of each channel in a row, (N, 3, 1024). One order of the numbers 0 to 1023, drawn once, says for all pictures and channels which pixel comes to which place.",
    cases=[(places(4), 0), (places(2), 7)],
    mistakes=[
        (lambda X, seed: X.numpy(), "A tensor is asked for, not {}.", no_tensor),
        (lambda X, seed: X.flatten(2)[:, :, shuffled(1024, seed)], "The result has the shape {}.", lambda f, X, seed: (shape := tuple(f(X, seed).shape)) != tuple(X.shape) and f"{shape}, it should be {tuple(X.shape)}"),
        (lambda X, seed: scrambled(X, whole(1024, 1024, seed=seed)), "Some pixels are there twice and others are lost: torch.randperm gives each place once.", lambda f, X, seed: sorted(f(X, seed).flatten().tolist()) != X.flatten().tolist()),
        (lambda X, seed: X.clone(), "All pixels are where they were.", lambda f, X, seed: torch.equal(f(X, seed), X)),
        (lambda X, seed: X[shuffled(len(X), 5)], "Numbers come from one picture to another: only the places inside of a picture change.", lambda f, X, seed: any((origins(f, X, s)[0] != torch.arange(len(X)).view(-1, 1, 1)).any() for s in (seed, 1, 2))),
        (lambda X, seed: X.flatten(1)[:, shuffled(3072, seed)].view_as(X), "Numbers come from one colour to another: the three colours of a pixel move together.", lambda f, X, seed: (origins(f, X)[1] != torch.arange(3).view(-1, 1)).any()),
        (lambda X, seed: torch.stack([scrambled(X[:, c : c + 1], shuffled(1024, seed + c))[:, 0] for c in range(3)], 1), "Each channel has an order of its own: the three colours of a pixel move together, by one order.", lambda f, X, seed: ((found := origins(f, X)[2]) != found[:, :1]).any()),
        (lambda X, seed: torch.cat([scrambled(x[None], shuffled(1024, seed + i)) for i, x in enumerate(X)]), "Each picture has an order of its own: draw one order, for all.", lambda f, X, seed: ((found := origins(f, X)[2]) != found[:1]).any()),
        (lambda X, seed: X[:, :, shuffled(32, seed)][:, :, :, shuffled(32, seed + 1)], "Whole rows or columns are moved, so that many neighbours stay: one order of all 1,024 pixels is asked for.", moves_whole_rows),
        (lambda X, seed: scrambled(X, torch.randperm(1024)), "The same seed gives another order at the next call: training and validation would not fit together.", lambda f, X, seed: not torch.equal(order_of(f, X), (torch.rand(1), order_of(f, X))[1])),
        (by_the_programs_seed, "It changes the random numbers of the whole program: `torch.Generator().manual_seed(seed)` makes some of its own.", draws_from_all),
        (lambda X, seed: scrambled(X, shuffled(1024)), "Another seed gives the same order.", lambda f, X, seed: torch.equal(order_of(f, X), order_of(f, X, 1))),
        (lambda X, seed: scrambled(X, shuffled(1024, seed + len(X))), "The order depends on how many pictures there are: training and validation would not fit together.", lambda f, X, seed: not torch.equal(order_of(f, X), order_of(f, X[:1]))),
    ],
)
