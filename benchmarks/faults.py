"""What do broken trainings look like, and which learning rate does a sweep recommend?

python benchmarks/faults.py faults    the loss of one batch before and after learning it by heart
python benchmarks/faults.py rates     short trainings at a grid of learning rates
python benchmarks/faults.py long      the same, ten times as long
python benchmarks/faults.py sweeps    the rates that sweeps recommend, and what they are worth

The net, batch and settings are those of the lesson When it does not learn: 64 pictures of
Fashion-MNIST, Adam with a rate of 0.003, 60 steps. Every seed draws other pictures and other
weights. Recorded in helpers/recorded/faults.json.
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch
import torch.nn.functional as F
from record import begin, record
from torch import nn
from torch.optim.lr_scheduler import LinearLR

from helpers.data import as_tensors, fashion_mnist
from helpers.machine import set_seed

SEEDS = [0, 1, 2, 3, 4]
STEPS, BATCH, LR = 60, 64, 0.003
SWEEP = 100  # steps of a training at one rate, and of a sweep through all of them
GRID = [float(f"{10 ** (k / 2):.2g}") for k in range(-10, 3)]  # 0.00001 to 10, two a power of ten
LONG = 1000  # steps
SKIP = 10  # steps at the start of a sweep that recommend nothing
SWEEPS = [(1e-8, 1.0), (1e-7, 10.0), (1e-4, 10.0)]  # the first as Lightning's, the second fastai's
OPTIMIZERS = {
    "Adam": torch.optim.Adam,
    "SGD": torch.optim.SGD,
    "SGD with momentum": lambda weights, lr: torch.optim.SGD(weights, lr, momentum=0.9),
}


def make_net(norm: bool = False, last: tuple = ()) -> nn.Sequential:
    """Make the lesson's net: two blocks and a linear layer, 20,490 parameters."""
    layers = []
    for before, after in ((1, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after)][: 1 + norm]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * 7 * 7, 10), *last)


def adam(model, lr=LR):
    return torch.optim.Adam([w for w in model.parameters() if w.requires_grad], lr=lr)


def learned(model, X, y, optimizer, *, scheduler=None, clear=True, shuffle=False) -> dict:
    """Learn one batch by heart; give the loss before and after, and the share that is right."""

    def look():
        with torch.no_grad():
            output = model(X)
        return F.cross_entropy(output, y).item(), (output.argmax(1) == y).float().mean().item()

    start, _ = look()
    for _ in range(STEPS):
        labels = y[torch.randperm(len(y))] if shuffle else y
        loss = F.cross_entropy(model(X), labels)
        if clear:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler:
            scheduler.step()
    end, right = look()
    with torch.no_grad():  # of what the last convolution makes
        zeros = (model[: -1 - (len(model) % 2)](X) == 0).float().mean().item()
    return {"start": start, "end": end, "right": right, "zeros": zeros}


def frozen(model):
    for weight in model[:-1].parameters():
        weight.requires_grad_(False)
    return model


def falling(X, y):
    model = make_net()
    optimizer = adam(model)  # the rate is 0 after six steps
    scheduler = LinearLR(optimizer, 1, 0, total_iters=6)
    return learned(model, X, y, optimizer, scheduler=scheduler)


def softmax(X, y):
    model = make_net(last=(nn.Softmax(dim=1),))
    return learned(model, X, y, adam(model))


def plain(X, y, model=None, lr=LR, **options):
    model = model or make_net()
    return learned(model, X, y, adam(model, lr), **options)


FAULTS = {  # name: what is wrong, and the training of a batch with it
    "sound": ("nothing", plain),
    "sound with batch norm": ("nothing; batch norm", lambda X, y: plain(X, y, make_net(norm=True))),
    "softmax twice": ("softmax before cross-entropy", softmax),
    "0 to 255": ("pictures are not divided by 255", lambda X, y: plain(255 * X, y)),
    "other model": (
        "the optimizer holds another model",
        lambda X, y: learned(make_net(), X, y, adam(make_net())),
    ),
    "no zero_grad": ("gradients add up", lambda X, y: plain(X, y, clear=False)),
    "schedule too short": ("the rate is 0 after 6 steps", falling),
    "rate too low": ("a rate of a millionth", lambda X, y: plain(X, y, lr=1e-6)),
    "rate too high": ("a rate of 0.3", lambda X, y: plain(X, y, lr=0.3)),
    "pictures shuffled": (
        "labels of other pictures at each step",
        lambda X, y: plain(X, y, shuffle=True),
    ),
    "labels wrong": (
        "labels mixed once, before training",
        lambda X, y: plain(X, y[torch.randperm(len(y))]),
    ),
    "frozen": ("all but the last layer is frozen", lambda X, y: plain(X, y, frozen(make_net()))),
}


def faults() -> None:
    X, y = as_tensors(fashion_mnist(train=True), 10_000)
    for name, (what, train) in FAULTS.items():
        runs = []
        for seed in SEEDS:
            set_seed(seed)
            batch = torch.randperm(len(X))[:BATCH]
            runs.append(train(X[batch], y[batch]))
        record("faults", name, what, runs, SEEDS, torch.device("cpu"))
        print(name, *(f"{run['start']:.3f}→{run['end']:.4f}" for run in runs))


# ---------------------------------------------------------------- the learning rate


class Rates:
    """Trainings from minibatches: 9,000 pictures to learn from, 1,000 others to be judged on."""

    def __init__(self):
        X, y = as_tensors(fashion_mnist(train=True), 10_000)
        self.X, self.y, self.X_val, self.y_val = X[:9000], y[:9000], X[9000:], y[9000:]

    def step(self, model, optimizer):
        chosen = torch.randint(len(self.X), (BATCH,))
        loss = F.cross_entropy(model(self.X[chosen]), self.y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def loss_at(self, make, lr, seed, steps=SWEEP):
        """Give the loss on the other pictures after a training at one rate; at most 100."""
        set_seed(seed)
        model = make_net()
        optimizer = make(model.parameters(), lr=lr)
        for _ in range(steps):
            self.step(model, optimizer)
        with torch.no_grad():
            loss = F.cross_entropy(model(self.X_val), self.y_val).item()
        return round(loss, 4) if loss < 100 else 100.0  # nan as well

    def sweep(self, make, seed, low, high):
        """Raise the rate at each step; give the rates and the smoothed losses.

        As the finders of fastai and PyTorch Lightning do, after Smith, 2015, arXiv:1506.01186:
        an exponential mean of 0.98, corrected for its start, until it is four times its lowest.
        """
        set_seed(seed)
        model = make_net()
        optimizer = make(model.parameters(), lr=low)
        rates, losses, mean = [], [], 0.0
        for k in range(SWEEP):
            lr = low * (high / low) ** (k / (SWEEP - 1))
            for group in optimizer.param_groups:
                group["lr"] = lr
            mean = 0.98 * mean + 0.02 * self.step(model, optimizer)
            smooth = mean / (1 - 0.98 ** (k + 1))
            if not math.isfinite(smooth) or (losses and smooth > 4 * min(losses)):
                break
            rates.append(lr)
            losses.append(smooth)
        return rates, losses


def rates() -> None:
    trainings, cpu = Rates(), torch.device("cpu")
    for name, make in OPTIMIZERS.items():
        runs = [{"losses": [trainings.loss_at(make, lr, seed) for lr in GRID]} for seed in SEEDS]
        what = f"{SWEEP} steps of {name} at each rate"
        record("faults", f"grid: {name}", what, runs, SEEDS, cpu, settings={"rates": GRID})
        print(what, *(GRID[int(np.argmin(run["losses"]))] for run in runs))


def sweeps() -> None:
    trainings, cpu = Rates(), torch.device("cpu")
    for name, make in OPTIMIZERS.items():
        for low, high in SWEEPS:
            runs = []
            for seed in SEEDS:
                swept, losses = trainings.sweep(make, seed, low, high)
                fall = np.gradient(losses)[SKIP:-1]  # the first are too noisy, as Lightning says
                steepest = float(f"{swept[SKIP + int(np.argmin(fall))]:.3g}")
                run = {"steepest": steepest, "loss": trainings.loss_at(make, steepest, seed)}
                runs.append(run | {"losses": [round(loss, 4) for loss in losses]})
            what = f"a sweep of {SWEEP} steps of {name}, from {low:g} to {high:g}"
            swept = {"low": low, "high": high}
            record("faults", f"sweep: {name} {low:g}", what, runs, SEEDS, cpu, **swept)
            print(what, *(f"{run['steepest']:g} ({run['loss']:.2f})" for run in runs), flush=True)


def long() -> None:
    trainings, grid = Rates(), [0.0001, 0.00032, 0.001, 0.0032, 0.01, 0.032]
    make = OPTIMIZERS["Adam"]
    runs = [{"losses": [trainings.loss_at(make, lr, s, LONG) for lr in grid]} for s in SEEDS]
    what = f"{LONG:,} steps of Adam at each rate"
    record(
        "faults",
        "grid: Adam long",
        what,
        runs,
        SEEDS,
        torch.device("cpu"),
        settings={"rates": grid},
    )
    print(what, *(run["losses"] for run in runs), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["faults", "rates", "long", "sweeps"])
    said = parser.parse_args()
    begin("faults")
    {"faults": faults, "rates": rates, "long": long, "sweeps": sweeps}[said.what]()


if __name__ == "__main__":
    main()
