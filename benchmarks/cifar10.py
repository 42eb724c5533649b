"""The ladder of "CIFAR-10 at speed", and the trainings at its end.

python benchmarks/cifar10.py steps     validation after two epochs, for each step of the ladder
python benchmarks/cifar10.py plain     validation of the plain loop after each of eight epochs
python benchmarks/cifar10.py one       validation of the last step when it is given a single one
python benchmarks/cifar10.py seconds   seconds an epoch, each step in turns; the machine's limits,
                                       and where the time of the last step goes
python benchmarks/cifar10.py fast      the last step, in this device's budget, on the test
python benchmarks/cifar10.py short     the same with fewer epochs; long: with more
python benchmarks/cifar10.py large     a net of twice the width, on the test
python benchmarks/cifar10.py fashion   the same recipe on Fashion-MNIST (meant for a GPU)

Options: --device cpu|cuda|mps, --seeds N, and for `steps` --only STEP …

Each command replaces its own entries in helpers/recorded/cifar10.json, for this kind of machine:
every seed's results, machine and versions. The tables that `python benchmarks/tables.py` makes of
`steps`, `plain` and `seconds`, and the lesson, read those of a CPU with bfloat16.

45,000 pictures for training, 5,000 for validation, 10,000 for the test, split by seed 0. The
settings from whitening on were chosen on validation with seed 0; those before are textbook values.
The trainings that look at the test do so once, after the last epoch, with seeds that chose nothing
and a number of epochs fixed before. Identity and the rate of the biases were chosen on validation
(5 epochs, with mirror, seeds 0 and 1: 88.6 and 88.8 %; fast biases alone 88.1 and 88.6, identity
alone 87.7 and 88.0, neither 88.0 with seed 0), the epochs of `short` and `long` with seeds 1 to 5
(with mirror, means: 4 epochs 88.1 %, 9 epochs 89.8 %). Beside those of today the test set has been
shown four variants of the last step: without identity and fast biases, with 5, 6 and 7 epochs, the
last of these in part with pictures shrunk to 24 × 24; and with them, in 32 bits.

The clock is that of `fit`: it runs while batches are made and the net is trained, with all data on
the device. Reading the data, building the net and validation are not counted; on a GPU neither is
one training on a few batches, which warms it up. Nothing is compiled. On Linux `keep_memory` is on.
Without it an epoch with batches of 512 took 27.8 and 32.6 s, with it 24.8 and 24.1 s (programs in
turns, on the machine of the records).

The plain loop and the next two steps differ in rounding and in where the pictures lie, not in what
is computed. So their accuracy is measured once, with the last of them, which is the fastest.
"""

from __future__ import annotations

import argparse

import ladder
import torch
from ladder import FAST, LADDER, LARGE, ON_GPU, for_device, load_cifar, train
from limits import count_operations, peak_rates, time_by_kind
from record import begin, device_named, peak_memory_gb, record
from torch import nn

from helpers.batches import Batches, split_validation
from helpers.data import as_tensors, fashion_mnist
from helpers.machine import choose_device, keep_memory
from helpers.training import evaluate

SAME = ["plain loop", "batches from memory", "bfloat16"]  # what they compute
RECIPES = LADDER | {name: recipe for name, (_, recipe) in ladder.BESIDE.items()}
TRAINED = [name for name in RECIPES if name not in (*SAME[:-1], "mirror")]
LAST = list(LADDER)[-2]  # the last step that changes how the net is trained
EPOCHS = 2  # of `steps`
PLAIN_EPOCHS = 8
FIRST_SEED = 300  # seeds that chose nothing

TRAININGS = {  # what, by which recipe, how many epochs
    "short": ("the last step", FAST, 4),
    "fast": ("the last step", FAST, 5),
    "long": ("the last step", FAST, 9),
    "large": ("twice the width, without fast biases", LARGE, 8),
    "fashion": ("Fashion-MNIST, without fast biases", LADDER["Muon"], 6),
}
ON_CUDA = {
    "fast": ("a wider net", ON_GPU, 16),
    "fashion": ("Fashion-MNIST, a wider net", ON_GPU, 10),
}


class WithMirror(nn.Module):
    """A model that looks at each picture and at its mirror image, and adds both scores."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, X):
        return self.model(X) + self.model(X.flip(3))


def accuracy(model, part, mirror=False):
    judged = WithMirror(model) if mirror else model
    return evaluate(judged, Batches(*part, 1000), nn.CrossEntropyLoss()).accuracy


def steps(data, device, seeds, only=()):
    """Validation accuracy after two epochs, for each step that changes what is computed."""
    for name in only or TRAINED:
        runs, mirrored = [], []
        for seed in seeds:
            model, _ = train(for_device(RECIPES[name], device), data, EPOCHS, seed)
            runs.append({"validation": accuracy(model, data.val)})
            if name == LAST:
                mirrored.append({"validation": accuracy(model, data.val, mirror=True)})
            print(seed, name, runs[-1], flush=True)
        rows = SAME if name == SAME[-1] else [name]
        for row, found in [*((row, runs) for row in rows), ("mirror", mirrored)]:
            if found:
                record("cifar10", f"steps: {row}", f"{row}, {EPOCHS} epochs", found, seeds, device)


def plain(data, device, seeds):
    """The plain loop, epoch by epoch: how long does it need for what the last step does in one?"""
    recipe, runs = for_device(LADDER[SAME[-1]], device), []
    for seed in seeds:
        _, history = train(recipe, data, PLAIN_EPOCHS, seed)
        curve = [score.accuracy for score in history.validation]
        runs.append({"validation_by_epoch": curve, "seconds": round(sum(history.seconds), 2)})
        print(seed, runs[-1], flush=True)
    what = f"the plain loop, after each of {PLAIN_EPOCHS} epochs"
    record("cifar10", "plain", what, runs, seeds, device)


def one(data, device, seeds):
    """The last step, when it is given a single epoch."""
    recipe = for_device(LADDER[LAST], device)
    runs = [{"validation": accuracy(train(recipe, data, 1, seed)[0], data.val)} for seed in seeds]
    print(runs, flush=True)
    record("cifar10", "one epoch", f"{LAST}, given a single epoch", runs, seeds, device)


def seconds(data, device, seeds):
    """Seconds an epoch with each step, all in turns; the limits; the operations of a step."""
    recipes = {name: for_device(recipe, device) for name, recipe in RECIPES.items()}
    del recipes["mirror"]  # trains as the one before
    X, y = (part[:512] for part in data.train)
    for name, found in ladder.time_epochs(recipes, data, rounds=max(5, len(seeds))).items():
        runs = [{"seconds": round(value, 2)} for value in found]
        print(name, runs, flush=True)
        same = {
            "operations_a_picture": count_operations(ladder.build(recipes[name], X), X, y) // len(X)
        }
        record("cifar10", f"seconds: {name}", f"{name}, an epoch", runs, device=device, **same)
    limits(device)
    few = data.first(24 * FAST.batch_size)
    kinds = time_by_kind(lambda: train(for_device(FAST, device), few, 1), device)
    what = "seconds of 24 steps by kind, the last step"
    record("cifar10", "kinds", what, [kinds], device=device)


def limits(device):
    """Operations a second at best, with numbers of 32 bits and of 16."""
    for dtype in (torch.float32, torch.bfloat16):
        name, rates = str(dtype).removeprefix("torch."), peak_rates(device, dtype)
        what = f"operations a second at best, {name}"
        record("cifar10", f"limits: {name}", what, [rates], device=device)


def judge(command, data, device, seeds):
    """Train with seeds that chose nothing, and look at the test once each."""
    trainings = TRAININGS | (ON_CUDA if device.type == "cuda" else {})
    what, recipe, epochs = trainings[command]
    recipe = for_device(recipe, device)
    if device.type == "cuda":
        train(recipe, data.first(4 * recipe.batch_size), 1)  # warms the GPU up
    runs = []
    for seed in seeds:
        model, history = train(recipe, data, epochs, seed)
        runs.append(
            {
                "accuracy": accuracy(model, data.test),
                "mirror": accuracy(model, data.test, mirror=True),
                "validation": accuracy(model, data.val),
                "seconds": round(sum(history.seconds), 2),
                "peak_memory_gb": peak_memory_gb(device),
            }
        )
        print(seed, runs[-1], flush=True)
    count = sum(p.numel() for p in model.parameters())
    what = f"{what}, {epochs} epochs"
    record("cifar10", command, what, runs, seeds, device, parameters=count)


def load_fashion(device):
    """Fashion-MNIST in the same three parts: pictures of 28 × 28 with one channel."""
    train_set, val = split_validation(*as_tensors(fashion_mnist(train=True)))
    parts = [train_set, val, as_tensors(fashion_mnist(train=False))]
    mean, std = train_set[0].mean(), train_set[0].std()
    return ladder.Pictures(*((((X - mean) / std).to(device), y.to(device)) for X, y in parts))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["steps", "plain", "one", "seconds", *TRAININGS])
    parser.add_argument(
        "--device", type=device_named, help="cpu, cuda or mps; by default the fastest there is"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many, by default 3")
    parser.add_argument(
        "--only", nargs="+", choices=TRAINED, default=[], metavar="STEP", help=", ".join(TRAINED)
    )
    options = parser.parse_args()
    device = options.device or choose_device()
    begin("cifar10")
    keep_memory()
    seeds = list(range(options.seeds))
    data = (load_fashion if options.command == "fashion" else load_cifar)(device)
    if options.command == "steps":
        steps(data, device, seeds, options.only)
    elif options.command in TRAININGS:
        judge(options.command, data, device, [FIRST_SEED + seed for seed in seeds])
    else:
        {"plain": plain, "one": one, "seconds": seconds}[options.command](data, device, seeds)


if __name__ == "__main__":
    main()
