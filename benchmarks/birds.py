"""The networks of "Birds and airplanes" on these two classes of CIFAR-10.

python benchmarks/birds.py SEED [SEED ...] [--only NAME ...]     by default all experiments

Each experiment replaces its own entry in helpers/recorded/birds.json: the results of these seeds.
`python benchmarks/tables.py` makes the table in benchmarks/README.md of it.

The seed gives the split (9,000 for training, 1,000 for validation), the first weights and all
chance. The settings were chosen on validation with the seeds 0 and 1. `fit` keeps the weights of
the epoch that was best on validation; these are shown the 2,000 held-out pictures, once. Only "conv
by heart" keeps the last ones. "Confidence" is the mean of the largest probability. "directions"
compares, before training and after some epochs of the MLP's thirty, the gradient of a minibatch
with that of all pictures (the cosine of the angle, mean of 40 draws).
Seconds are those of the training loop, without reading the data and without validation.
"""

from __future__ import annotations

import argparse
from functools import partial

import torch
from ladder import MEAN, STD, augment
from record import begin, record
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.batches import Batches, split_validation
from helpers.data import cifar10, of_classes
from helpers.machine import choose_device, fast_bf16, set_seed
from helpers.models import BlockNet, TanhConvNet, TanhMLP
from helpers.muon import Muon
from helpers.training import evaluate, fit, predict

NAMES = ["airplane", "bird"]


def normal_pictures(train):
    """The pictures of the two classes, normalised, and their labels."""
    X, y = of_classes(cifar10(train), NAMES)
    mean, deviation = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    return (X - mean) / deviation, y


def scramble(X):
    """Move the pixels of all pictures to other places, the same for each picture."""
    order = torch.randperm(32 * 32, generator=torch.Generator().manual_seed(0))
    return X.flatten(2)[:, :, order].view_as(X)


def old_loop(model, data, validation):
    """The published training: DataLoader, batches of 64, SGD 0.01, 100 epochs."""
    loader = DataLoader(TensorDataset(*data), batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_function = nn.CrossEntropyLoss()
    return fit(
        model, loader, validation, epochs=100, optimizer=optimizer, loss_function=loss_function
    )


def one_pass(model, data, validation, *, batch_size, lr):
    """Look at each picture once, with plain SGD."""
    optimizer = torch.optim.SGD(model.parameters(), lr)
    loader = Batches(*data, batch_size, shuffle=True)
    return fit(
        model,
        loader,
        validation,
        epochs=1,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(),
    )


def one_cycle(model, data, validation, *, epochs, lr, weight_decay=0.0, bf16=False, best=True):
    """The lesson's training of the tanh networks: SGD with momentum, one cycle."""
    loader = Batches(*data, 64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=0.9, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=epochs * len(loader), pct_start=0.2
    )
    return fit(
        model,
        loader,
        validation,
        epochs=epochs,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(),
        scheduler=schedule,
        keep_best=best,
        bf16=bf16 and fast_bf16(data[0].device),
    )


def fast(model, data, validation, *, muon, epochs=11):
    """The fast network: augmented, 16-bit; with Muon, or with SGD instead."""
    loader = Batches(*data, 125 if muon else 64, shuffle=True, augment=augment)
    steps = epochs * len(loader)
    if muon:
        optimizer = Muon(model, lr=0.1)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps)
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, steps, pct_start=0.2)
    return fit(
        model,
        loader,
        validation,
        epochs=epochs,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(label_smoothing=0.1),
        scheduler=schedule,
        bf16=fast_bf16(data[0].device),
    )


mlp_cycle = partial(one_cycle, epochs=30, lr=0.02)
deep_cycle = partial(one_cycle, epochs=15, lr=0.03, bf16=True)
conv_cycle = partial(one_cycle, epochs=12, lr=0.05, weight_decay=5e-3)
# name: (what, network, training, whether the pixels are scrambled)
blocks = partial(BlockNet, widths=(32, 64, 128), depths=(1, 2, 2), channels=3, size=32, classes=2)
EXPERIMENTS = {
    "mlp": ("MLP, 30 epochs", TanhMLP, mlp_cycle, False),
    "deep": ("deep MLP, 15 epochs", lambda: TanhMLP((1024, 512, 128)), deep_cycle, False),
    "conv": ("convolutional, 12 epochs", TanhConvNet, conv_cycle, False),
    "conv by heart": (
        "convolutional without weight decay, 40 epochs",
        TanhConvNet,
        partial(one_cycle, epochs=40, lr=0.05, best=False),
        False,
    ),
    "mlp scrambled": ("MLP, scrambled pixels", TanhMLP, mlp_cycle, True),
    "conv scrambled": ("convolutional, scrambled pixels", TanhConvNet, conv_cycle, True),
    "old mlp": ("MLP, published loop, 100 epochs", TanhMLP, old_loop, False),
    "old conv": ("convolutional, published loop, 100 epochs", TanhConvNet, old_loop, False),
    "fast sgd": ("BlockNet with SGD", blocks, partial(fast, muon=False), False),
    "fast": ("BlockNet with Muon", blocks, partial(fast, muon=True), False),
}
for _size, _lr in ((9000, 0.01), (64, 0.01), (1, 0.01), (1, 0.001)):
    EXPERIMENTS[f"pass {_size} {_lr}"] = (
        f"MLP, one look at each picture, batches of {_size:,}, rate {_lr}",
        TanhMLP,
        partial(one_pass, batch_size=_size, lr=_lr),
        False,
    )
MOMENTS = (0, 1, 3, 6, 12, 30)  # epochs after which directions are compared


def run(name, seed):
    """Train one network with one seed: accuracies and seconds; and the number of parameters."""
    _, make, training, scrambled = EXPERIMENTS[name]
    device = choose_device()
    data, validation = split_validation(*normal_pictures(True), share=0.1, seed=seed)
    parts = [data, validation, normal_pictures(False)]
    if scrambled:
        parts = [(scramble(X), y) for X, y in parts]
    layout = torch.contiguous_format if training is old_loop else torch.channels_last
    parts = [(X.to(device, memory_format=layout), y.to(device)) for X, y in parts]
    set_seed(seed)
    model = make().to(device, memory_format=layout)
    history = training(model, parts[0], Batches(*parts[1], 500))
    test = evaluate(model, Batches(*parts[2], 500), nn.CrossEntropyLoss())
    sure = predict(model, Batches(*parts[2], 500))[0].softmax(dim=1).amax(dim=1)
    results = {
        "train": history.train[-1].accuracy,
        "validation": max(score.accuracy for score in history.validation),
        "test": test.accuracy,
        "confidence": sure.mean().item(),
        "seconds": sum(history.seconds),
    }
    results = {key: round(value, 4) for key, value in results.items()}
    return results, sum(p.numel() for p in model.parameters())


def directions(seed):
    """Train the MLP; give the cosines by batch size, a list with one for each of the moments."""
    device, loss_function = choose_device(), nn.CrossEntropyLoss()
    data, validation = split_validation(*normal_pictures(True), share=0.1, seed=seed)
    X, y = (part.to(device) for part in data)
    val_loader = Batches(*(part.to(device) for part in validation), 500)
    set_seed(seed)
    model, loader = TanhMLP().to(device), Batches(X, y, 64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.02, total_steps=MOMENTS[-1] * len(loader), pct_start=0.2
    )

    def direction(chosen):
        loss = loss_function(model(X[chosen]), y[chosen])
        gradients = torch.autograd.grad(loss, model.parameters())
        return torch.cat([gradient.flatten() for gradient in gradients])

    found = {f"cosine of {n}": [] for n in (1, 64, 1024)}
    for epoch in range(MOMENTS[-1] + 1):
        if epoch in MOMENTS:
            whole = direction(torch.arange(len(X)))
            for n in (1, 64, 1024):
                draws = [direction(torch.randint(len(X), (n,))) for _ in range(40)]
                cosines = [torch.cosine_similarity(draw, whole, dim=0).item() for draw in draws]
                found[f"cosine of {n}"].append(round(sum(cosines) / 40, 3))
        if epoch < MOMENTS[-1]:
            options = {"loss_function": loss_function, "scheduler": schedule, "keep_best": False}
            fit(model, loader, val_loader, epochs=1, optimizer=optimizer, progress=False, **options)
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ["directions", *EXPERIMENTS]
    parser.add_argument("seeds", nargs="+", type=int)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    begin("birds")
    for name in options.only:
        if name == "directions":
            runs = [directions(seed) for seed in options.seeds]
            what = "gradients of a minibatch beside that of all pictures"
            record("birds", name, what, runs, options.seeds, settings={"epochs": MOMENTS})
            continue
        runs = []
        for seed in options.seeds:
            results, count = run(name, seed)
            runs.append(results)
            print(seed, name, results, flush=True)
        record("birds", name, EXPERIMENTS[name][0], runs, options.seeds, parameters=count)


if __name__ == "__main__":
    main()
