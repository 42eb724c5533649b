"""The ladder of "CIFAR-10 at speed": recipes that differ by one step, and their training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.transforms import v2

from helpers.batches import Batches, random_crop, random_flip, split_validation
from helpers.data import as_tensors, cifar10
from helpers.machine import fast_bf16, set_seed
from helpers.models import BlockNet
from helpers.muon import Muon
from helpers.training import fit

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
ONE_BY_ONE = v2.Compose(  # what each picture goes through in a DataLoader
    [
        v2.RandomCrop(32, padding=2, padding_mode="reflect"),
        v2.RandomHorizontalFlip(),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


@dataclass(frozen=True)
class Recipe:
    """How a net is trained; the defaults are the plain start.

    `lr` is the highest rate; with `muon` that of the convolutions, and `bias_lr` that of biases and
    batch norm, by default as low as the last layer's. `peak` is where on the way (0-1) a triangle
    has its top; without one the rate stays.
    """

    from_memory: bool = False
    bf16: bool = False
    batch_size: int = 64
    lr: float = 0.02
    peak: float | None = None
    pool_first: bool = False
    whitening: bool = False
    label_smoothing: float = 0.0
    identity: bool = False
    muon: bool = False
    bias_lr: float | None = None
    widths: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (1, 2, 2)


# Each step keeps those before it. Textbook values, up to whitening.
LADDER = {"plain loop": Recipe()}
for _name, _changes in {
    "batches from memory": {"from_memory": True},
    "bfloat16": {"bf16": True},
    "triangle": {"batch_size": 512, "lr": 0.16, "peak": 0.2},
    "pool first": {"pool_first": True},
    "whitening": {"whitening": True},
    "Muon": {"muon": True, "lr": 0.12, "peak": 0.02, "batch_size": 384, "label_smoothing": 0.2},
    # the rate: the better of 2 and 8 on validation; that it may be high is from hlb-CIFAR10, 2023
    "fast biases": {"identity": True, "bias_lr": 8.0},
    "mirror": {},  # changes how the net is judged, not how it is trained
}.items():
    LADDER[_name] = replace(list(LADDER.values())[-1], **_changes)
SMOOTH = {name: replace(LADDER[name], label_smoothing=0.2) for name in ("pool first", "whitening")}
BESIDE = {  # the name of another row, and one change to it
    "batches of 512": ("bfloat16", replace(LADDER["bfloat16"], batch_size=512, lr=0.16)),
    "label smoothing": ("pool first", SMOOTH["pool first"]),
    "whitening, label smoothing": ("whitening", SMOOTH["whitening"]),
    "identity": ("whitening, label smoothing", replace(SMOOTH["whitening"], identity=True)),
    "Muon, identity": ("Muon", replace(LADDER["Muon"], identity=True)),
    "Muon, biases": ("Muon", replace(LADDER["Muon"], bias_lr=8.0)),
}
FAST = LADDER["mirror"]
LARGE = replace(LADDER["Muon"], widths=(64, 128, 256), depths=(2, 2, 2))
# wider, and larger batches, which keep a GPU busy: the setting of examples/cifar10.py there
ON_GPU = replace(FAST, widths=(128, 256, 256), depths=(2, 2, 2), batch_size=2000, lr=0.24)


class Pictures(NamedTuple):
    """Three parts (X, y) on one device; and `train` again, one by one with random changes."""

    train: tuple[torch.Tensor, torch.Tensor]
    val: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]
    dataset: Dataset | None = None

    def first(self, count: int) -> Pictures:
        """Give the first training pictures alone; validation is a single one: it is not timed."""
        part = tuple(tensor[:count] for tensor in self.train)
        one = tuple(tensor[:1] for tensor in part)
        return Pictures(part, one, one, self.dataset and Subset(self.dataset, range(count)))


def load_cifar(device) -> Pictures:
    """Put 45,000 + 5,000 + 10,000 pictures onto a device, normalised (0.74 GB)."""
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    dataset = cifar10(train=True, transform=ONE_BY_ONE)
    places = torch.arange(len(dataset))
    (chosen, _), _ = split_validation(places, places)
    train, val = split_validation(*as_tensors(cifar10(train=True)))
    parts = []
    for X, y in (train, val, as_tensors(cifar10(train=False))):
        X = X.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
        parts.append((X.to(device), y.to(device)))
    return Pictures(*parts, Subset(dataset, chosen.tolist()))


def for_device(recipe: Recipe, device) -> Recipe:
    """Give the recipe in 32 bits where the device has no bfloat16."""
    return replace(recipe, bf16=recipe.bf16 and fast_bf16(device))


def augment(X: torch.Tensor) -> torch.Tensor:
    """Mirror and shift each picture of X, float (N, C, H, W), by itself, by up to 2 pixels."""
    return random_crop(random_flip(X), 2)


def whitening_layer(X: torch.Tensor, keep: int) -> nn.Conv2d:
    """Make a fixed convolution whose outputs are uncorrelated on X, float (N, C, H, W).

    Its filters are the `keep` directions in which patches of 2 × 2 pixels vary most, each divided
    by its deviation, and the same with the other sign: of two opposites ReLU keeps what one loses.
    Source: Coates, Lee and Ng, 2011; as a fixed first layer Page, 2019, and Jordan, 2024.
    """
    channels = X.shape[1]
    patches = X.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 4 * channels)
    variances, directions = torch.linalg.eigh((patches.T @ patches / len(patches)).cpu())
    filters = (directions / (variances + 5e-4).sqrt()).T.reshape(-1, channels, 2, 2)[-keep:]
    layer = nn.Conv2d(channels, 2 * keep, 2, bias=False, device=X.device).requires_grad_(False)
    layer.weight.copy_(torch.cat([filters, -filters]))
    return layer


def build(recipe: Recipe, X: torch.Tensor) -> nn.Module:
    """Make the net of a recipe for normalised pictures such as X; it gives scores (N, 10)."""
    first, channels, size = [], *X.shape[1:3]
    if recipe.whitening:
        keep = min(8, 4 * channels)  # of 12 directions; grey pictures have 4
        first, channels, size = [whitening_layer(X[:5000], keep), nn.ReLU()], 2 * keep, size - 1
    shape = (recipe.widths, recipe.depths, channels, size)
    blocks = BlockNet(*shape, pool_first=recipe.pool_first, global_average=True)
    if recipe.identity:  # the first filters pass one channel each on; Jordan, 2024
        for layer in blocks.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight.data[: layer.in_channels])
    layout = torch.channels_last if recipe.bf16 else None
    return nn.Sequential(*first, blocks).to(X.device, memory_format=layout)


def triangle(step: int, steps: int, peak: float) -> float:
    """Give the share of the highest rate: from 0 up to 1 at `peak` of the way, then down to 0."""
    done = min(step / steps, 1)
    return done / peak if done < peak else (1 - done) / (1 - peak)


def train(recipe: Recipe, data: Pictures, epochs: int, seed: int = 0):
    """Train a net by a recipe on whole batches; give it as after the last epoch, and `History`."""
    set_seed(seed)
    model = build(recipe, data.train[0])
    batching = {"batch_size": recipe.batch_size, "shuffle": True, "drop_last": True}
    if recipe.from_memory:
        loader = Batches(*data.train, **batching, augment=augment)
    else:
        loader = DataLoader(data.dataset, **batching)
    if recipe.muon:
        optimizer = Muon(model, lr=recipe.lr, bias_lr=recipe.bias_lr)
    else:
        optimizer = torch.optim.SGD(
            model.parameters(), recipe.lr, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
    scheduler, steps = None, epochs * len(loader)
    if recipe.peak is not None:
        scheduler = LambdaLR(optimizer, lambda step: triangle(step, steps, recipe.peak))
    history = fit(
        model,
        loader,
        Batches(*data.val, 1000),
        epochs=epochs,
        optimizer=optimizer,
        loss_function=nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing),
        scheduler=scheduler,
        bf16=recipe.bf16,
        keep_best=False,
        progress=False,
    )
    return model, history


def time_epochs(recipes: dict[str, Recipe], data: Pictures, batches: int = 8, rounds: int = 5):
    """Give seconds an epoch by name, a value a round: those of a few batches, scaled up.

    The recipes take turns, so that a slow moment of the machine meets them all; a first round is
    not counted. The clock is that of `fit`.
    """
    seconds = {name: [] for name in recipes}
    for _ in range(1 + rounds):
        for name, recipe in recipes.items():
            steps = len(data.train[0]) // recipe.batch_size
            timed = min(batches, steps)
            _, history = train(recipe, data.first(timed * recipe.batch_size), epochs=1)
            seconds[name].append(history.seconds[0] * steps / timed)
    return {name: found[1:] for name, found in seconds.items()}
