"""What does each remedy against overfitting bring? The table of lesson 07, over more seeds.

python benchmarks/regularization.py              all settings, seeds 100 to 104

Writes benchmarks/regularization.json: every run's accuracies and seconds, machine and versions.
`python benchmarks/tables.py` makes the table in benchmarks/README.md of it. Finished runs are kept
in build/regularization.jsonl, so that a stopped benchmark goes on; delete the file after a change
of the code.

The strengths were chosen on the 5,000 pictures for choosing, with other seeds. The table is of the
4,000 pictures for judging. Only the plain net and the best combination are shown the test pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from functools import cache
from pathlib import Path

import torch
from torch import nn

from helpers.batches import Batches, random_crop, random_flip
from helpers.data import cifar10, of_classes
from helpers.experiments import l1_penalty, l2_penalty, run_all
from helpers.machine import choose_device, set_seed
from helpers.models import RemedyNet
from helpers.training import evaluate, fit

RESULTS = Path(__file__).with_suffix(".json")
CACHE = Path(__file__).parents[1] / "build" / "regularization.jsonl"
BUDGET = {"epochs": 30, "lr": 0.02}
SETTINGS = {
    "plain": {},
    "width 32": {"width": 32},
    "depth": {"blocks": 8},
    "depth with skips": {"blocks": 8, "skip": True},
    "L1": {"l1": 1e-3},
    "L2 in the loss": {"l2": 5e-3},
    "weight_decay": {"weight_decay": 1e-2},
    "dropout": {"dropout": 0.5},
    "batch norm": {"batch_norm": True},
    "augmentation": {"augment": True},
    "early stopping": {"patience": 5},
    "schedule": {"schedule": True},
    "combination": {"augment": True, "schedule": True, "batch_norm": True},
}
TESTED = ("plain", "combination")


@cache
def parts():
    """Give the pictures for training, choosing, judging and the test: {name: (X, y)}."""
    names = ["airplane", "bird"]
    X, y = of_classes(cifar10(True), names)
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0))
    train, choose, judge = order.split([1000, 5000, 4000])
    mean, deviation = (f(X[train], dim=(0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    parts = {"train": (X[train], y[train]), "choose": (X[choose], y[choose])}
    parts |= {"judge": (X[judge], y[judge]), "test": of_classes(cifar10(False), names)}
    return {name: ((X - mean) / deviation, y) for name, (X, y) in parts.items()}


def augmented(X):
    """Mirror and shift each picture by chance."""
    return random_crop(random_flip(X), pad=2)


def train(
    seed, *, epochs, lr, weight_decay=0.0, l1=0.0, l2=0.0, augment=False, patience=None,
    schedule=False, test=False, **net,
):  # fmt: skip
    """Train once as lesson 07 does; give accuracies (0-1), epochs and seconds."""
    set_seed(seed)
    device = choose_device()
    data = {
        name: (X.to(device, memory_format=torch.channels_last), y.to(device))
        for name, (X, y) in parts().items()
    }
    model = RemedyNet(**net).to(device, memory_format=torch.channels_last)
    loader = Batches(*data["train"], 50, shuffle=True, augment=augmented if augment else None)
    watched = [(X[:1000], y[:1000]) for X, y in [data["choose"]]]
    optimizer = torch.optim.SGD(
        model.parameters(), lr, momentum=0.9, nesterov=True, weight_decay=weight_decay
    )
    steps = epochs * len(loader)
    start = time.perf_counter()
    history = fit(
        model,
        loader,
        watched,
        epochs=epochs,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(),
        scheduler=torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps)
        if schedule
        else None,
        patience=patience,
        penalty=lambda model: l1 * l1_penalty(model) + l2 * l2_penalty(model),
        keep_best=patience is not None,
        progress=False,
    )
    if history.interrupted:
        raise KeyboardInterrupt
    seconds = time.perf_counter() - start

    def accuracy(part):
        loss_function = nn.CrossEntropyLoss()
        return evaluate(model, Batches(*data[part], 500), loss_function).accuracy

    result = {"train": accuracy("train"), "validation": accuracy("judge")}
    if test:
        result["test"] = accuracy("test")
    return result | {"epochs": len(history.validation), "seconds": round(seconds, 2)}


def machine():
    """Say what the numbers were measured on."""
    device = choose_device()
    return {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else str(device),
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=5)
    seeds = list(range(100, 100 + parser.parse_args().seeds))
    CACHE.parent.mkdir(exist_ok=True)
    settings = {name: {**BUDGET, **setting} for name, setting in SETTINGS.items()}
    for name in TESTED:
        settings[name]["test"] = True
    runs = run_all(train, settings, seeds, CACHE)
    results = {"seeds": seeds, "machine": machine(), "settings": settings, "runs": runs}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
