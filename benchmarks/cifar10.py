"""Lesson 08's ladder on CIFAR-10, and the trainings at its end.

python benchmarks/cifar10.py steps     validation after two epochs, for each step of the ladder
python benchmarks/cifar10.py plain     validation of the plain loop after each of eight epochs,
                                       and of the last step when it is given a single one
python benchmarks/cifar10.py seconds   seconds an epoch, each step in turns; the machine's limits
python benchmarks/cifar10.py fast      the last step, in this device's budget, on the test
python benchmarks/cifar10.py short     the same with fewer epochs
python benchmarks/cifar10.py biases    identity again, with a high rate for biases and batch norm
python benchmarks/cifar10.py large     a net of twice the width, on the test
python benchmarks/cifar10.py fashion   the same recipe on Fashion-MNIST (meant for a GPU)

Options: --device cpu|cuda|mps, --seeds N, and for `steps` --only STEP …, which keeps the others.

Each command replaces its own entries in benchmarks/cifar10.json, for this kind of machine (the
table and the lesson read `steps`, `plain` and `seconds` of a CPU with bfloat16): every seed's
results, the peak of memory, machine and versions. `python benchmarks/tables.py` makes the tables
of it.

45,000 pictures for training, 5,000 for validation, 10,000 for the test, split by seed 0. The
settings from whitening on were chosen on validation with seed 0; those before are textbook values.
`fast`, `large` and `fashion` use seeds that chose nothing and a number of epochs fixed before, and
look at the test once, after the last epoch; `biases` too, whose settings were chosen on validation
with seeds 0 and 1 (5 epochs, with mirror: 88.6 and 88.8 %; fast biases alone 88.1 and 88.6,
identity alone 87.7 and 88.0, neither 88.0 with seed 0). The test set has been shown five variants
of the last step in all: that one, those of `short` and `fast`, and two that were dropped: one with
5 epochs, which got 87.8 % with mirror, and one with 7, of which the first two thirds of the way
went with pictures shrunk to 24 × 24. Without bfloat16 the latter took 210 s (`fast` 248 s there),
and got 87.7 %.

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
import json
from dataclasses import replace
from pathlib import Path

import torch
from record import machine, peak_memory_gb, record
from torch import nn

from helpers.batches import Batches, split_validation
from helpers.data import as_tensors, fashion_mnist
from helpers.ladder import Pictures, build, for_device, load_cifar, time_epochs, train
from helpers.layers import WithMirror
from helpers.limits import count_operations, peak_rates
from helpers.machine import choose_device, fast_bf16, keep_memory
from helpers.recipes import BIASES, FAST, LADDER, LARGE, ON_GPU
from helpers.training import evaluate

RESULTS = Path(__file__).with_suffix(".json")
SAME = ["plain loop", "batches from memory", "bfloat16"]  # what they compute
LAST = list(LADDER)[-2]  # trained as its mirror is
EPOCHS = 2  # of `steps`
PLAIN_EPOCHS = 8
FIRST_SEED = 300  # seeds that chose nothing


def accuracy(model, part, mirror=False):
    judged = WithMirror(model) if mirror else model
    return evaluate(judged, Batches(*part, 1000), nn.CrossEntropyLoss()).accuracy


def kind(device):
    """What is added to the name of an entry, so that no kind of machine replaces another's."""
    if device.type != "cpu":
        return f" {device.type}"
    return "" if fast_bf16(device) else " 32 bits"


def read():
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def write(key, value):
    """Replace one entry of the file, beside those of `record`."""
    results = read() | {key: value}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def steps(device, seeds, only=()):
    """Validation accuracy after two epochs, for each step that changes what is computed."""
    key = f"steps{kind(device)}"
    known = read().get(key, {}) if only else {}
    chosen = [*only, "mirror"] if LAST in only else only or list(LADDER)
    data = load_cifar(device)
    found = {name: known.get("validation", {}).get(name, []) for name in LADDER}
    machines = {name: known.get("machines", {}).get(name) for name in LADDER}
    for name in chosen:
        found[name], machines[name] = [], machine(device)
    for seed in range(seeds):
        for name, recipe in LADDER.items():
            if name not in chosen or name in SAME[:-1] or recipe.mirror:
                continue
            model, _ = train(for_device(recipe, device), data, EPOCHS, seed, progress=False)
            found[name].append(accuracy(model, data.val))
            if name == LAST:
                found["mirror"].append(accuracy(model, data.val, mirror=True))
            print(seed, name, found[name][-1], flush=True)
        for name in SAME[:-1]:
            found[name], machines[name] = found[SAME[-1]], machines[SAME[-1]]
        write(key, {"epochs": EPOCHS, "validation": found, "machines": machines})


def plain(device, seeds):
    """The plain loop, epoch by epoch: how long does it need for what the last step does in one?"""
    data = load_cifar(device)
    recipe, last = (for_device(LADDER[name], device) for name in (SAME[-1], LAST))
    one_epoch = []
    for seed in range(seeds):
        one_epoch.append(accuracy(train(last, data, 1, seed, progress=False)[0], data.val))
        print(seed, "one epoch of", LAST, one_epoch[-1], flush=True)
    curves = []
    for seed in range(seeds):
        _, history = train(recipe, data, PLAIN_EPOCHS, seed, progress=False)
        curves.append([score.accuracy for score in history.validation])
        print(seed, curves[-1], flush=True)
        found = {"validation": curves, "one_epoch": one_epoch, "machine": machine(device)}
        write(f"plain{kind(device)}", found)


def seconds(device, seeds):
    """Seconds an epoch with each step, all in turns; the limits; the operations of a step."""
    data = load_cifar(device)
    recipes = {name: for_device(recipe, device) for name, recipe in LADDER.items()}
    del recipes["mirror"]  # trains as the one before
    found = time_epochs(recipes, data, rounds=max(5, seeds))
    X, y = (part[:512] for part in data.train)
    rates = {str(dtype): peak_rates(device, dtype) for dtype in (torch.float32, torch.bfloat16)}
    write(
        f"seconds{kind(device)}",
        {
            "an_epoch": {name: round(value, 2) for name, value in found.items()},
            "operations_a_picture": {
                name: count_operations(build(recipe, X), X, y) // len(X)
                for name, recipe in recipes.items()
            },
            "limits": rates,
            "machine": machine(device),
        },
    )


def trainings(recipe, epochs, data, device, seeds):
    """Train with fresh seeds, look at the test once each."""
    recipe = for_device(recipe, device)
    if device.type == "cuda":
        train(recipe, data.first(4 * recipe.batch_size), 1, progress=False)  # warms the GPU up
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        model, history = train(recipe, data, epochs, seed, progress=False)
        run = {
            "seed": seed,
            "accuracy": accuracy(model, data.test),
            "mirror": accuracy(model, data.test, mirror=True),
            "validation": accuracy(model, data.val),
            "seconds": round(sum(history.seconds), 2),
            "peak_memory_gb": peak_memory_gb(device),
            "parameters": sum(p.numel() for p in model.parameters()),
        }
        print(seed, run, flush=True)
        yield run


def last_step(device):
    return ON_GPU if device.type == "cuda" else FAST


def fast(device, seeds, epochs):
    """The last step of the ladder; on a GPU with the wider net."""
    return trainings(last_step(device), epochs, load_cifar(device), device, seeds)


def biases(device, seeds, epochs):
    """The same net, which begins as identity; a high rate for biases and batch norm."""
    recipe = replace(last_step(device), identity=BIASES.identity, bias_lr=BIASES.bias_lr)
    return trainings(recipe, epochs, load_cifar(device), device, seeds)


def large(device, seeds, epochs):
    """A net of twice the width: several minutes on 2 cores."""
    return trainings(LARGE, epochs, load_cifar(device), device, seeds)


def fashion(device, seeds, epochs):
    """The recipe of `fast` on Fashion-MNIST, for pictures of 28 × 28 with one channel."""
    train_set, val = split_validation(*as_tensors(fashion_mnist(train=True)), share=0.1, seed=0)
    parts = [train_set, val, as_tensors(fashion_mnist(train=False))]
    mean, std = train_set[0].mean(), train_set[0].std()
    parts = [(((X - mean) / std).to(device), y.to(device)) for X, y in parts]
    return trainings(last_step(device), epochs, Pictures(*parts, dataset=None), device, seeds)


WHAT = {  # and the epochs
    "short": ("the last step", 5),
    "fast": ("the last step", 6),
    "biases": ("fast biases, identity", 5),
    "large": ("twice the width", 8),
    "short cuda": ("a wider net", 8),
    "fast cuda": ("a wider net", 10),
    "biases cuda": ("a wider net, fast biases, identity", 10),
    "large cuda": ("twice the width", 8),
    "fashion": ("Fashion-MNIST", 6),
    "fashion cuda": ("Fashion-MNIST, a wider net", 10),
}
# without bfloat16 the seconds are others: entries of their own, which replace none of those with it
ON_CPU = {name: WHAT[name] for name in WHAT if "cuda" not in name}
for end, where in ((" 32 bits", "in 32 bits"), (" mps", "on an Apple GPU")):
    WHAT |= {f"{name}{end}": (f"{what}, {where}", n) for name, (what, n) in ON_CPU.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=[*WITHOUT_TEST, *WITH_TEST])
    parser.add_argument("--device", help="cpu, cuda or mps; by default the fastest there is")
    parser.add_argument("--seeds", type=int, default=3, help="how many, by default 3")
    trained = [name for name, recipe in LADDER.items() if not recipe.mirror][len(SAME) - 1 :]
    parser.add_argument(
        "--only", nargs="+", choices=trained, default=[], metavar="STEP", help=", ".join(trained)
    )
    options = parser.parse_args()
    try:
        device = choose_device(options.device)
    except ValueError as error:
        parser.error(str(error))
    keep_memory()
    if options.command in WITHOUT_TEST:
        more = {"only": options.only} if options.command == "steps" else {}
        WITHOUT_TEST[options.command](device, options.seeds, **more)
    else:
        name = options.command + kind(device)
        what, epochs = WHAT[name]
        runs = list(WITH_TEST[options.command](device, options.seeds, epochs))
        record(RESULTS, name, f"{what}, {epochs} epochs", runs, list(WHAT), device)


WITHOUT_TEST = {"steps": steps, "plain": plain, "seconds": seconds}
WITH_TEST = {"short": fast, "fast": fast, "biases": biases, "large": large, "fashion": fashion}

if __name__ == "__main__":
    main()
