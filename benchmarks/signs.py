"""How well does the network for SIGNS do on drawn hands and on photographs?

python benchmarks/signs.py drawn [FOLDER]                drawn hands; with FOLDER photographs, too
python benchmarks/signs.py photographs FOLDER            the real 64x64 set: train_signs, val_signs
python benchmarks/signs.py transfer FOLDER               drawn hands only, judged on photographs

Each experiment replaces its own entry in helpers/recorded/signs.json: every seed's accuracy,
seconds, machine and versions. `python benchmarks/tables.py` makes the table in benchmarks/README.md
of it.

The drawing and the augmentation were designed with the 864 training photographs as a yardstick.
The 216 validation photographs choose nothing. They judge the weights after the last epoch; those
of `drawn` are of the epoch that was best on 216 drawn validation hands.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from record import begin, record
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from helpers.machine import choose_device, set_seed
from helpers.models import SignsNet
from helpers.signs import SIGNSDataset, signs
from helpers.sources.hands import draw_hand
from helpers.training import evaluate, fit

EVAL = v2.Compose([v2.Resize((64, 64)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
TRAIN = v2.Compose([EVAL, v2.RandomHorizontalFlip()])


def reference_training(train_set, val_set, seed, epochs=10):
    """Train as the lesson: Adam 1e-3 falling to 0, batches of 32, 10 epochs; model and history."""
    set_seed(seed)
    model = SignsNet().to(choose_device(), memory_format=torch.channels_last)
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    steps = epochs * len(train_loader)
    history = fit(
        model,
        train_loader,
        DataLoader(val_set, batch_size=64),
        epochs=epochs,
        optimizer=optimizer,
        loss_function=nn.NLLLoss(),
        scheduler=torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, total_iters=steps),
    )
    return model, history


def drawn(seeds, folder):
    """The lesson's own run: the best epoch on the 216 validation hands, judged on 120 others."""
    for seed in seeds:
        start = time.perf_counter()
        model, _ = reference_training(signs("train", TRAIN), signs("val", EVAL), seed)
        seconds = time.perf_counter() - start
        test = evaluate(model, DataLoader(signs("test", EVAL), batch_size=64), nn.NLLLoss())
        result = {"accuracy": test.accuracy, "seconds": seconds}
        if folder:  # the same network, shown photographs
            photographs = DataLoader(SIGNSDataset(folder / "val_signs", EVAL), batch_size=64)
            result["photographs"] = evaluate(model, photographs, nn.NLLLoss()).accuracy
        yield result


def photographs(seeds, folder):
    """Learn from 864 photographs, judged on the 216 validation photographs."""
    train_set = SIGNSDataset(folder / "train_signs", TRAIN)
    val_set = SIGNSDataset(folder / "val_signs", EVAL)
    for seed in seeds:
        start = time.perf_counter()
        _, history = reference_training(train_set, val_set, seed)
        yield {
            "accuracy": history.validation[-1].accuracy,
            "seconds": time.perf_counter() - start,
        }


# ---------------------------------------------------------------- drawn hands for photographs


def standardized(X):
    """Each picture with mean 0 and standard deviation 1, so that exposure does not matter."""
    return (X - X.mean((1, 2, 3), keepdim=True)) / (X.std((1, 2, 3), keepdim=True) + 1e-3)


def draw_batch(count, seed):
    """As many hands, as varied as they can be drawn: X (count, 3, 64, 64) in 0-1, y (count,)."""
    y = np.arange(count) % 6
    rng = np.random.default_rng(seed)
    hands = np.stack([draw_hand(label, rng, variety=1.0) for label in y])
    X = torch.as_tensor(hands).permute(0, 3, 1, 2).float() / 255
    return X.contiguous(memory_format=torch.channels_last), torch.as_tensor(y)


def uniform(low, high, *shape):
    return torch.empty(*shape).uniform_(low, high)


def augment(X, strength=0.7):
    """Change each picture by chance: turn, scale, shift, mirror, colours, blur, noise, a hole."""
    n = len(X)
    angle, size = uniform(-0.35, 0.35, n) * strength, torch.exp(uniform(-0.22, 0.22, n) * strength)
    tall = size * torch.exp(uniform(-0.12, 0.12, n) * strength)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    shift = uniform(-0.15, 0.15, n, 2) * strength
    first = torch.stack([mirror * size * angle.cos(), -size * angle.sin(), shift[:, 0]], dim=1)
    second = torch.stack([mirror * tall * angle.sin(), tall * angle.cos(), shift[:, 1]], dim=1)
    grid = F.affine_grid(torch.stack([first, second], dim=1), list(X.shape), align_corners=False)
    X = F.grid_sample(X, grid, padding_mode="reflection", align_corners=False)

    X = X.clamp(0.01, 1) ** torch.exp(uniform(-0.4, 0.4, n, 1, 1, 1))
    X = X * uniform(0.85, 1.15, n, 3, 1, 1)
    light = uniform(0.75, 1.25, n, 1, 2, 2)
    X = X * F.interpolate(light, size=X.shape[2:], mode="bilinear", align_corners=True)

    smooth = F.avg_pool2d(X, 3, stride=1, padding=1, count_include_pad=False)
    X = X + uniform(-0.8, 0.8, n, 1, 1, 1) * (smooth - X)
    X = X + torch.randn_like(X) * uniform(0, 0.06, n, 1, 1, 1)
    rows, columns = torch.arange(64.0).view(1, 1, 64, 1), torch.arange(64.0).view(1, 1, 1, 64)
    hole = (rows - uniform(0, 64, n, 1, 1, 1)).abs() < uniform(2, 8, n, 1, 1, 1)
    hole = hole & ((columns - uniform(0, 64, n, 1, 1, 1)).abs() < uniform(2, 8, n, 1, 1, 1))
    hole = hole & (torch.rand(n, 1, 1, 1) < 0.5)
    return torch.where(hole, uniform(0, 1, n, 3, 1, 1), X)


def transfer(seeds, folder, count=8000, epochs=10, batch_size=64, lr=2e-3):
    """Learn from 8,000 very different drawn hands, augmented; judged on 216 photographs."""
    loader = DataLoader(SIGNSDataset(folder / "val_signs", EVAL), batch_size=216)
    real = TensorDataset(*next(iter(loader)))
    real = [(standardized(X), y) for X, y in DataLoader(real, batch_size=72)]
    X, y = draw_batch(count, seed=1000)
    device = choose_device()
    for seed in seeds:
        start = time.perf_counter()
        set_seed(seed)
        model = SignsNet().to(device, memory_format=torch.channels_last)
        optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=1e-3)
        batches = count // batch_size
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, lr, total_steps=epochs * batches, pct_start=0.2
        )
        model.train()
        for _ in range(epochs):
            for chosen in torch.randperm(count)[: batches * batch_size].split(batch_size):
                batch = standardized(augment(X[chosen])).to(device)
                with torch.autocast(device.type, torch.bfloat16):
                    log_p = model(batch)
                loss = F.cross_entropy(log_p.float(), y[chosen].to(device), label_smoothing=0.1)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
        seconds = time.perf_counter() - start
        yield {"accuracy": evaluate(model, real, nn.NLLLoss()).accuracy, "seconds": seconds}


EXPERIMENTS = {
    "drawn": (drawn, "864 drawn hands → 120 drawn test hands"),
    "photographs": (photographs, "864 photographs → 216 photographs"),
    "transfer": (transfer, "8,000 varied drawn hands, augmented → 216 photographs"),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("folder", nargs="?", type=Path, help="the real 64x64_SIGNS")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.folder is None and options.experiment != "drawn":
        parser.error(f"{options.experiment} needs the folder of the real 64x64_SIGNS")
    run, what = EXPERIMENTS[options.experiment]
    begin("signs")
    seeds, runs, others = list(range(options.seeds)), [], []
    for result in run(seeds, options.folder):
        result = {key: round(value, 4) for key, value in result.items()}
        print(result, flush=True)
        if "photographs" in result:  # another row: the same trainings, judged otherwise
            others.append(result | {"accuracy": result.pop("photographs")})
        runs.append(result)
    record("signs", options.experiment, what, runs, seeds)
    if others:
        record("signs", "plain transfer", "864 drawn hands → 216 photographs", others, seeds)


if __name__ == "__main__":
    main()
