"""What does each remedy against overfitting bring? The table of the lesson, over more seeds.

python benchmarks/regularization.py [--only NAME ...]   by default all settings; seeds 100 to 104

Writes helpers/recorded/regularization.json: every run's accuracies and seconds, the settings,
machine and versions. `python benchmarks/tables.py` makes the table in benchmarks/README.md of it.
Finished runs are kept in build/regularization.jsonl, so that a stopped benchmark goes on; delete
the file after a change of the code.

The strengths were chosen on the 5,000 pictures for choosing, with other seeds. The table is of the
4,000 pictures for judging. Only the plain net and the best combination are shown the test pictures.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

import ladder
import torch
from record import begin, record
from torch import nn

from helpers.batches import Batches
from helpers.data import cifar10, of_classes
from helpers.lessons.regularization import l1_penalty, l2_penalty, run_all
from helpers.machine import choose_device, set_seed
from helpers.models import RemedyNet
from helpers.training import evaluate, fit

CACHE = Path(__file__).parents[1] / "build" / "regularization.jsonl"
BUDGET = {"epochs": 30, "lr": 0.02}
SETTINGS = {
    "plain": {"test": True},
    "width 32": {"width": 32},
    "depth": {"blocks": 8},
    "depth, He's start": {"blocks": 8, "he": True},
    "depth, batch norm": {"blocks": 8, "batch_norm": True},
    "depth with skips": {"blocks": 8, "skip": True},
    "L1": {"l1": 0.0001},
    "L2 in the loss": {"l2": 0.0015},
    "weight_decay": {"weight_decay": 0.003},
    "dropout": {"dropout": 0.3},
    "batch norm": {"batch_norm": True},
    "augmentation": {"augment": True},
    "early stopping": {"patience": 5},
    "schedule": {"lr": 0.05, "schedule": True},
    "combination": {
        "lr": 0.05,
        "width": 32,
        "batch_norm": True,
        "augment": True,
        "weight_decay": 0.005,
        "schedule": True,
        "test": True,
    },
    "6,000 pictures": {"part": "more", "epochs": 5},
}


def he_start(model):
    """Draw the weights anew so that ReLU layers keep the size of what they pass (He, 2015)."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)


@cache
def parts():
    """Give the pictures for training, choosing, judging and testing: {name: (X, y)}."""
    names = ["airplane", "bird"]
    X, y = of_classes(cifar10(True), names)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    train, choose, judge = order.split([1000, 5000, 4000])
    mean, deviation = (f(X[train], dim=(0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    parts = {"train": (X[train], y[train]), "choose": (X[choose], y[choose])}
    parts |= {"judge": (X[judge], y[judge]), "test": of_classes(cifar10(False), names)}
    more = torch.cat([train, choose])  # to see what more pictures would bring
    parts["more"] = X[more], y[more]
    device = choose_device()
    return {
        name: (((X - mean) / deviation).to(device, memory_format=torch.channels_last), y.to(device))
        for name, (X, y) in parts.items()
    }


def train(
    seed,
    *,
    epochs,
    lr,
    weight_decay=0.0,
    l1=0.0,
    l2=0.0,
    augment=False,
    patience=None,
    schedule=False,
    part="train",
    test=False,
    he=False,
    **net,
):
    """Train once as the lesson does; give accuracies (0-1), epochs and seconds."""
    set_seed(seed)
    loss_function = nn.CrossEntropyLoss()
    model = RemedyNet(**net).to(choose_device(), memory_format=torch.channels_last)
    if he:
        he_start(model)
    loader = Batches(*parts()[part], 50, shuffle=True, augment=ladder.augment if augment else None)
    optimizer = torch.optim.SGD(
        model.parameters(), lr, momentum=0.9, nesterov=True, weight_decay=weight_decay
    )
    options = {"patience": patience, "keep_best": patience is not None, "progress": False}
    if schedule:
        steps = epochs * len(loader)
        options["scheduler"] = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps)
    if l1 or l2:
        options["penalty"] = lambda model: l1 * l1_penalty(model) + l2 * l2_penalty(model)
    history = fit(
        model,
        loader,
        Batches(*(tensor[:1000] for tensor in parts()["choose"]), 100),
        epochs=epochs,
        optimizer=optimizer,
        loss_function=loss_function,
        **options,
    )
    judged = {"train": part, "validation": "judge"} | ({"test": "test"} if test else {})
    result = {
        name: evaluate(model, Batches(*parts()[part], 100), loss_function).accuracy
        for name, part in judged.items()
    }
    seconds = round(sum(history.seconds), 2)
    return result | {"epochs": len(history.validation), "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    options = parser.parse_args()
    seeds = list(range(100, 100 + options.seeds))
    settings = {name: BUDGET | SETTINGS[name] for name in options.only}
    begin("regularization")
    for name, runs in run_all(train, settings, seeds, CACHE).items():
        record("regularization", name, name, runs, seeds, settings=settings[name])


if __name__ == "__main__":
    main()
