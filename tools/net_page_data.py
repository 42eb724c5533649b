"""Train the net that the website shows in a page, and write site/net.html (some minutes).

python tools/net_page_data.py             train, measure, write
python tools/net_page_data.py --again     only put the numbers that are there into the template

Measured with seed 100: PyTorch names 91.50 % of the 10,000 test
pictures rightly. With the weights in float16 the page gives the same class for all 10,000, its
probabilities within 0.0013; with int8 for 9,984 of them (91.51 % right), within 0.034, in 38 kB
less. So float16 is what a page is written in. Shifted by 1, 2, 4 pixels (mean of four directions)
89.4, 84.2, 73.1 % are right.
"""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers.batches import Batches, split_validation
from helpers.data import as_tensors, fashion_mnist
from helpers.lessons.net_page import render, write_page
from helpers.machine import set_seed
from helpers.models import BlockNet
from helpers.sources.terminal import command
from helpers.sources.writing import write
from helpers.training import fit, predict
from notebooks import ROOT, parser

PAGE = ROOT / "site" / "net.html"
SEED = 100
EPOCHS = 3
SHIFTS = (1, 2, 4)


def train() -> nn.Module:
    """Train the smaller BlockNet for three epochs, chosen on validation pictures."""
    set_seed(SEED)
    train_set, validation = split_validation(*as_tensors(fashion_mnist(train=True)))
    batches = Batches(*train_set, batch_size=256, shuffle=True, drop_last=True)
    model = BlockNet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=1e-3
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.2,
        total_steps=EPOCHS * len(batches),
        pct_start=0.2,
        anneal_strategy="linear",
        cycle_momentum=False,
    )
    loaders = batches, Batches(*validation, batch_size=1000)
    loss = nn.CrossEntropyLoss()
    fit(
        model, *loaders, epochs=EPOCHS, optimizer=optimizer, loss_function=loss, scheduler=scheduler
    )
    return model


def read(path) -> dict:
    """Give what a page holds."""
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', text)[1])


def answer(data: dict, X: torch.Tensor) -> torch.Tensor:
    """Compute the scores (N, classes) of a page for pictures as its net takes them, in Python."""
    made = [X]
    for step in data["steps"][1:]:
        before = made[step["from"][0]]
        kind = step["kind"]
        if kind in ("conv", "linear", "scale"):
            weight, bias = decoded(step, data["numbers"])
        if kind == "conv":
            made.append(F.conv2d(before, weight, bias, step["stride"], step["padding"]))
        elif kind == "linear":
            made.append(F.linear(before, weight, bias))
        elif kind == "scale":
            shape = [1, -1, *[1] * (before.ndim - 2)]
            made.append(before * weight.reshape(shape) + bias.reshape(shape))
        elif kind == "maxpool":
            made.append(F.max_pool2d(before, step["size"], step["stride"], step["padding"]))
        elif kind == "avgpool":
            made.append(F.avg_pool2d(before, step["size"], step["stride"]))
        elif kind == "add":
            made.append(before + made[step["from"][1]])
        else:
            made.append({"relu": torch.relu, "tanh": torch.tanh, "flatten": _flat}[kind](before))
    return made[-1]


def _flat(X):
    return X.flatten(1)


def decoded(step: dict, numbers: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the weight and bias of a step, as float tensors."""

    def array(name, kind):
        return np.frombuffer(base64.b64decode(step[name]), kind).astype(np.float32)

    bias = torch.from_numpy(array("bias", "<f4"))
    if step["kind"] == "scale":
        return torch.from_numpy(array("weight", "<f4")), bias
    weight = torch.from_numpy(array("weight", {"float16": "<f2", "int8": "i1"}[numbers]))
    weight = weight.reshape(len(bias), -1)
    if numbers == "int8":
        weight = weight * torch.from_numpy(array("scale", "<f4")).unsqueeze(1)
    return weight.reshape(len(bias), -1, *step.get("size", [])), bias


def shifted(X: torch.Tensor, by: int) -> list[torch.Tensor]:
    """Move pictures by some pixels to each of the four sides; what comes in is black."""
    height, width = X.shape[2:]
    wide = F.pad(X, (by, by, by, by))
    places = [(0, by), (2 * by, by), (by, 0), (by, 2 * by)]
    return [wide[:, :, r : r + height, c : c + width] for r, c in places]


def main() -> None:
    """Write the page, and print what was measured on all test pictures."""
    given = parser(__doc__)
    given.add_argument("--again", action="store_true", help="keep the numbers, do not train")
    if given.parse_args().again:
        write(PAGE, render(read(PAGE)))
        return
    model = train()
    test_set = fashion_mnist(train=False)
    X, y = as_tensors(test_set)

    def right(predicted):
        return (predicted.argmax(1) == y).float().mean().item()

    logits, _ = predict(model, Batches(X, y, batch_size=1000))
    share = right(logits)
    print(f"PyTorch: {share:.2%} of {len(y):,} test pictures")
    by_shift = []
    for by in SHIFTS:
        moved = [predict(model, Batches(Z, y, batch_size=1000))[0] for Z in shifted(X, by)]
        by_shift.append(float(np.mean([right(part) for part in moved])))
        print(f"shifted by {by}: {by_shift[-1]:.2%}")
    last = f"{', '.join(f'{s:.1%}' for s in by_shift[:-1])} and {by_shift[-1]:.1%}"
    shifts = f"{', '.join(map(str, SHIFTS[:-1]))} and {SHIFTS[-1]}"
    about = (
        "A small net, trained for three rounds on 54,000 pictures of garments. It names "
        f"{share:.1%} of 10,000 new ones rightly; shifted by {shifts} pixels, {last} of them. "
        "Draw a garment as a filled shape, and then only its outline, which it has never seen."
    ).replace("%", "\u00a0%")
    title = "A net that knows ten garments"
    for numbers in ("int8", "float16"):  # the page that stays is the second
        write_page(
            model,
            X[:200],
            y[:200],
            test_set.classes,
            PAGE,
            title=title,
            about=about,
            numbers=numbers,
        )
        with torch.no_grad():
            scores = torch.cat([answer(read(PAGE), part) for part in X.split(1000)])
        off = (scores.softmax(1) - logits.softmax(1)).abs().amax(1)
        same = int((scores.argmax(1) == logits.argmax(1)).sum())
        print(
            f"{numbers}: {right(scores):.2%}, the same class for {same:,}, probabilities within "
            f"{off.max():.1e} (within {off.quantile(0.99):.1e} for 99 %), "
            f"{PAGE.stat().st_size / 1000:.0f} kB"
        )


if __name__ == "__main__":
    command(main)
