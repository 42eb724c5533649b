"""Lesson 08's ladder on CIFAR-10: epochs to 80 %, seconds an epoch, and the trainings at its end.

python benchmarks/cifar10.py epochs          each step of the ladder: validation by epochs trained
python benchmarks/cifar10.py seconds         each step's seconds an epoch, in turns; the limits
python benchmarks/cifar10.py fast            the last step, for this device's budget, on the test
python benchmarks/cifar10.py large           a larger net, about six minutes on 2 CPU cores
python benchmarks/cifar10.py fashion         the same recipe on Fashion-MNIST (meant for a GPU)

Options: --device cpu|cuda|mps, --seeds N, --only STEP (one step of `epochs`).

Each command replaces its own entries in benchmarks/cifar10.json: every seed's results, the peak of
memory, machine and versions. `python benchmarks/tables.py` makes the tables of it. Entries of a GPU
stand beside those of a CPU, under their own name.

45,000 pictures for training, 5,000 for validation, 10,000 for the test, split by seed 0. All
settings were chosen on validation with the seeds 0-2. `fast`, `large` and `fashion` use seeds that
chose nothing, train for a number of epochs that was fixed before, and look at the test once.

The clock is that of `fit`: it runs while batches are made and the net is trained, with all data on
the device. Reading the data, building the net, validation, and on a GPU one training of a few
batches that warms it up, are not counted. Nothing is compiled.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import torch
from record import record
from torch import nn

from helpers.batches import Batches, split_validation
from helpers.data import as_tensors, fashion_mnist
from helpers.ladder import LADDER, load_cifar, time_epochs, train

from helpers.layers import WithMirror
from helpers.limits import peak_rates
from helpers.machine import choose_device
from helpers.training import evaluate

RESULTS = Path(__file__).with_suffix(".json")
GOAL = 0.8  # of the validation pictures
LENGTHS = (1, 2, 3, 4, 6, 8, 12)  # epochs that are tried
CONSTANT = 8  # epochs at a constant rate
FIRST_SEED = 100  # seeds that chose nothing
EPOCHS = {"cpu": 5, "cuda": 10}  # of `fast`; `mps` as cpu
LARGE_EPOCHS = 7


def accuracy(model, part, mirror=False):
    judged = WithMirror(model) if mirror else model
    return evaluate(judged, Batches(*part, 1000), nn.CrossEntropyLoss()).accuracy


def peak_memory_gb(device):
    """The largest memory so far, in 10**9 bytes: of the GPU, or of this process."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated() / 1e9, 2)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 2)


def passing(points):
    """Give the epochs at which accuracy passes the goal, in a straight line between two points."""
    known = sorted(points.items())
    for (fewer, below), (more, above) in zip(known, known[1:], strict=False):
        if below < GOAL <= above:
            return round(fewer + (GOAL - below) / (above - below) * (more - fewer), 2)
    raise SystemExit(f"{GOAL:.0%} is not passed between two of these lengths: {points}")


def accuracies(recipe, data, seed):
    """Give validation accuracy by epochs trained, around the goal; plain, and with mirror images.

    At a constant rate one training shows all lengths. A schedule ends with its training, so each
    length is a training of its own.
    """
    if not recipe.triangle:
        _, history = train(recipe, data, CONSTANT, seed, progress=False)
        return {k: score.accuracy for k, score in enumerate(history.validation, start=1)}, {}
    plain, mirrored = {}, {}
    lengths = LENGTHS if recipe.muon else LENGTHS[1:]
    for length in lengths:
        model, _ = train(recipe, data, length, seed, progress=False)
        plain[length] = accuracy(model, data.val)
        mirrored[length] = accuracy(model, data.val, mirror=True)
        if plain[length] >= GOAL:
            break
    return plain, mirrored
