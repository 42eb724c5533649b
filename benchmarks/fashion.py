"""The networks of the lesson "Fashion-MNIST": how good, and in how many seconds of training.

python benchmarks/fashion.py full        TinyNet, 25 steps on all 54,000 pictures at once
python benchmarks/fashion.py small       TinyNet in batches of 64
python benchmarks/fashion.py race        FourConvNet in the old loop against BlockNet, taking turns
python benchmarks/fashion.py stretch     a larger BlockNet

Each experiment replaces its own entries in helpers/recorded/fashion.json: every seed's accuracy and
seconds, machine and versions. `python benchmarks/tables.py` makes the table of it.

6,000 of the 60,000 training pictures are kept for validation. They chose every setting below
(with the seeds 0-2 and other trials), and choose each run's epoch. The 10,000 test pictures judge
each finished net once. Seconds are those of training: data in memory, validation not counted.
"""

from __future__ import annotations

import argparse
import copy

import torch
from record import begin, peak_memory_gb, record
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision.transforms import ToTensor

from helpers.batches import Batches, split_validation
from helpers.data import as_tensors, fashion_mnist
from helpers.machine import choose_device, fast_bf16, set_seed
from helpers.models import BlockNet, FourConvNet, TinyNet
from helpers.training import evaluate, fit

DEVICE = choose_device()
FIRST_SEED = 100  # seeds that chose nothing


def load():
    """Give train, validation and test as (X, y) on the device."""
    train, val = split_validation(*as_tensors(fashion_mnist(train=True)))
    parts = (train, val, as_tensors(fashion_mnist(train=False)))
    return [tuple(tensor.to(DEVICE) for tensor in part) for part in parts]


def in_batches(part):
    return Batches(*part, batch_size=1000)


def judged(model, test):
    return evaluate(model, in_batches(test), nn.CrossEntropyLoss()).accuracy


def full(parts):
    """The old article's way: every step takes the whole training set."""
    (X, y), _, test = parts
    for seed in range(FIRST_SEED, FIRST_SEED + 3):
        set_seed(seed)
        model = TinyNet().to(DEVICE).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.07)
        for _ in range(25):
            loss = nn.CrossEntropyLoss()(model(X), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield {"accuracy": judged(model, test), "peak_memory_gb": peak_memory_gb(DEVICE)}


def small(parts):
    """The same net in batches of 64, Adam 0.02 falling to 0, 3 epochs."""
    train, val, test = parts
    for seed in range(FIRST_SEED, FIRST_SEED + 5):
        set_seed(seed)
        model = TinyNet().to(DEVICE)
        batches = Batches(*train, batch_size=64, shuffle=True)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        history = fit(
            model,
            batches,
            in_batches(val),
            epochs=3,
            progress=False,
            optimizer=optimizer,
            loss_function=nn.CrossEntropyLoss(),
            scheduler=torch.optim.lr_scheduler.LinearLR(
                optimizer, 1, 0, total_iters=3 * len(batches)
            ),
        )
        yield {"accuracy": judged(model, test), "seconds": round(sum(history.seconds), 2)}


def fast_training(model, parts, epochs, weight_decay, label_smoothing=0.0):
    """Train as the end of the lesson, and give test accuracy and seconds of training."""
    train, val, test = parts
    batches = Batches(*train, batch_size=256, shuffle=True, drop_last=True)
    model.to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=weight_decay
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.2,
        total_steps=epochs * len(batches),
        pct_start=0.2,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    history = fit(
        model,
        batches,
        in_batches(val),
        epochs=epochs,
        progress=False,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(label_smoothing=label_smoothing),
        scheduler=scheduler,
        bf16=fast_bf16(DEVICE),
    )
    best = history.validation[history.best_epoch - 1].accuracy
    return {
        "accuracy": judged(model, test),
        "validation": best,
        "seconds": round(sum(history.seconds), 2),
    }


def old_loop(parts, seed, epochs=10):
    """The tutorial's loop; after each epoch gives validation accuracies and seconds so far."""
    _, val, _ = parts
    dataset = fashion_mnist(train=True, transform=ToTensor())
    (chosen, _), _ = split_validation(torch.arange(60_000), torch.arange(60_000))
    loader = DataLoader(Subset(dataset, chosen.tolist()), batch_size=32, shuffle=True)
    set_seed(seed)
    model = FourConvNet().to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies, seconds, best = [], [], None
    for _ in range(epochs):
        history = fit(
            model,
            loader,
            in_batches(val),
            epochs=1,
            progress=False,
            optimizer=optimizer,
            loss_function=nn.CrossEntropyLoss(),
        )
        accuracies.append(history.validation[0].accuracy)
        seconds.append(round(history.seconds[0], 2))
        if accuracies[-1] == max(accuracies):
            best = copy.deepcopy(model)
        yield accuracies, seconds, best


def race(parts):
    """Both trainings in one process, taking turns: after two old epochs a fast training."""
    old, fast, fast_seeds = [], [], iter(range(FIRST_SEED, FIRST_SEED + 5))
    for seed in range(FIRST_SEED, FIRST_SEED + 3):
        for accuracies, seconds, best in old_loop(parts, seed):  # noqa: B007
            if len(seconds) in (2, 4) and (fast_seed := next(fast_seeds, None)):
                set_seed(fast_seed)
                fast.append(
                    fast_training(BlockNet(depths=(1, 1, 2)), parts, epochs=2, weight_decay=1e-3)
                )
                print("fast", fast[-1], flush=True)
            print("old", accuracies[-1], seconds[-1], flush=True)
        passed = next(k for k, accuracy in enumerate(accuracies, 1) if accuracy > 0.91)
        old.append(
            {
                "accuracy": judged(best, parts[2]),
                "seconds": round(sum(seconds[:passed]), 2),
                "validation_by_epoch": accuracies,
                "seconds_by_epoch": seconds,
            }
        )
    return old, fast


def stretch(parts):
    """A larger BlockNet with label smoothing, 8 epochs."""
    for seed in range(FIRST_SEED, FIRST_SEED + 5):
        set_seed(seed)
        model = BlockNet(widths=(32, 64, 128), depths=(1, 1, 2))
        yield fast_training(model, parts, epochs=8, weight_decay=5e-4, label_smoothing=0.1)


WHAT = {
    "full": "TinyNet, 25 steps of Adam 0.07, all 54,000 pictures in each",
    "small": "TinyNet, batches of 64, 3 epochs",
    "old": "FourConvNet, the old loop, batches of 32, best of 10 epochs",
    "fast": "BlockNet, batches of 256, 2 epochs",
    "stretch": "BlockNet of twice the width, batches of 256, 8 epochs",
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=["full", "small", "race", "stretch"])
    experiment = parser.parse_args().experiment
    begin("fashion")
    parts = load()
    if experiment == "race":
        found = dict(zip(("old", "fast"), race(parts), strict=True))
    else:
        found = {experiment: list(globals()[experiment](parts))}
    for name, runs in found.items():
        for run in runs:
            print(name, run)
        seeds = [FIRST_SEED + k for k in range(len(runs))]
        record("fashion", name, WHAT[name], runs, seeds, DEVICE)


if __name__ == "__main__":
    main()
