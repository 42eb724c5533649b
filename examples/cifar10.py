"""CIFAR-10 in a hurry: the whole training of the lesson "CIFAR-10 at speed", in one file.

    python examples/cifar10.py

On two CPU cores with bfloat16 it takes about a minute and a half, and names 88 % of the test
pictures. On a GPU it trains a wider net for longer; that setting is not measured yet.
"""

import time

import torch
from torch import nn
from torch.nn.functional import pad
from torch.optim.lr_scheduler import LambdaLR

from helpers.data import as_tensors, cifar10
from helpers.machine import choose_device, fast_bf16, keep_memory
from helpers.muon import Muon

ON_CPU = {"widths": (32, 64, 128), "depths": (1, 2, 2), "epochs": 6, "batch_size": 384, "lr": 0.12}
ON_GPU = {
    "widths": (64, 256, 256),
    "depths": (2, 2, 2),
    "epochs": 10,
    "batch_size": 2000,
    "lr": 0.24,
}
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def load(device):
    """Give training (45,000), validation (5,000) and test (10,000), each X and y, normalised."""
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    parts = []
    for train in (True, False):
        X, y = as_tensors(cifar10(train))
        X = X.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
        parts.append((X.to(device), y.to(device)))
    (X, y), test = parts
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(0)).to(device)
    val, train = order.split([len(X) // 10, len(X) - len(X) // 10])
    return (X[train], y[train]), (X[val], y[val]), test


def whitening(X):
    """Give a fixed convolution: the 8 directions in which 2 × 2 patches vary most, evened out."""
    patches = X.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
    variances, directions = torch.linalg.eigh((patches.T @ patches / len(patches)).cpu())
    filters = (directions / (variances + 5e-4).sqrt()).T.reshape(12, 3, 2, 2)[-8:]
    layer = nn.Conv2d(3, 16, kernel_size=2, bias=False).requires_grad_(False)
    layer.weight.copy_(torch.cat([filters, -filters]))  # ReLU keeps of two what one would lose
    return layer


def make_net(X, widths, depths):
    """Give the net for pictures like X: whitening, blocks that pool first, a linear layer."""
    layers, before = [whitening(X[:5000]), nn.ReLU()], 16
    for width, depth in zip(widths, depths, strict=True):
        for k in range(depth):
            layers.append(nn.Conv2d(before, width, kernel_size=3, padding=1, bias=False))
            layers += [nn.MaxPool2d(2)] if k == 0 else []
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            before = width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)]
    return nn.Sequential(*layers).to(X.device, memory_format=torch.channels_last)


def augment(X):
    """Mirror and shift each picture by itself, by up to 2 pixels."""
    X = torch.where(torch.rand(len(X), 1, 1, 1, device=X.device) < 0.5, X.flip(3), X)
    windows = pad(X, [2] * 4, mode="reflect").unfold(2, 32, 1).unfold(3, 32, 1)
    down, across = torch.randint(5, (2, len(X)), device=X.device)
    picture = torch.arange(len(X), device=X.device)
    return torch.empty_like(X).copy_(windows[picture, :, down, across])


def triangle(done, peak=0.02):
    """Give the share of the highest rate, from how much is done: up to 1 at the peak, then to 0."""
    return done / peak if done < peak else (1 - done) / (1 - peak)


def train(net, X, y, epochs, batch_size, lr, bf16):
    """Train with Muon on whole batches; nothing here waits for a GPU."""
    a_epoch = len(X) // batch_size
    optimizer = Muon(net, lr=lr)
    schedule = LambdaLR(optimizer, lambda step: triangle(step / (epochs * a_epoch)))
    loss_function = nn.CrossEntropyLoss(label_smoothing=0.2)
    net.train()
    for _ in range(epochs):
        order = torch.randperm(len(X)).to(X.device)
        for chosen in order.split(batch_size)[:a_epoch]:
            with torch.autocast(X.device.type, torch.bfloat16, enabled=bf16):
                output = net(augment(X[chosen]))
            loss = loss_function(output.float(), y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def right(net, X, y, mirror):
    """Count the pictures that the net names rightly; with mirror it looks at each twice."""
    net.eval()
    count = torch.zeros((), dtype=torch.int64, device=X.device)
    for X_part, y_part in zip(X.split(1000), y.split(1000), strict=True):
        output = net(X_part) + net(X_part.flip(3)) if mirror else net(X_part)
        count += (output.argmax(dim=1) == y_part).sum()
    return int(count)


def main():
    keep_memory()
    torch.manual_seed(0)
    device = choose_device()
    setting = dict(ON_GPU if device.type == "cuda" else ON_CPU)
    (X, y), _, test = load(device)
    net = make_net(X, setting.pop("widths"), setting.pop("depths"))
    start = time.perf_counter()
    train(net, X, y, **setting, bf16=fast_bf16(device))
    counts = right(net, *test, mirror=False), right(net, *test, mirror=True)
    print(f"{time.perf_counter() - start:.0f} s of training and testing on {device.type}")
    print("of 10,000 test pictures {:,} right, with mirror {:,}".format(*counts))


if __name__ == "__main__":
    main()
