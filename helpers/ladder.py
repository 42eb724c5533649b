"""The ladder of lesson 08: recipes that differ by one step, trained, timed and drawn."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision.transforms import v2

from helpers.batches import Batches, random_crop, random_flip, split_validation
from helpers.data import as_tensors, cifar10
from helpers.layers import start_as_identity, whitening_layer
from helpers.machine import fast_bf16, set_seed
from helpers.models import BlockNet
from helpers.muon import Muon
from helpers.plotting import COLORS, show_figure
from helpers.recipes import Recipe
from helpers.training import fit

__all__ = ["Pictures", "augment", "build", "for_device", "load_cifar", "show_ladder"]
__all__ += ["time_epochs", "train", "triangle"]

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # computed in lesson 06
# what each picture goes through in a DataLoader
ONE_BY_ONE = v2.Compose(
    [
        v2.RandomCrop(32, padding=2, padding_mode="reflect"),
        v2.RandomHorizontalFlip(),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
)


@dataclass
class Pictures:
    """Pictures in three parts, normalised, on one device.

    ``train``, ``val`` and ``test`` are (X, y): float (N, C, H, W), and int64 (N,). ``dataset``
    gives the training pictures again, one by one with random changes, as a `Dataset`.
    """

    train: tuple[torch.Tensor, torch.Tensor]
    val: tuple[torch.Tensor, torch.Tensor]
    test: tuple[torch.Tensor, torch.Tensor]
    dataset: Dataset

    def first(self, count: int) -> Pictures:
        """Give the first training pictures alone, for timing; they are their own validation.

        Raises ValueError if there are not so many, or for less than one.
        """
        if not 1 <= count <= len(self.train[0]):
            raise ValueError(f"count is {count}: there are {len(self.train[0])} training pictures")
        part = tuple(tensor[:count] for tensor in self.train)
        return Pictures(part, part, part, Subset(self.dataset, range(count)))


def load_cifar(device, seed: int = 0) -> Pictures:
    """Read CIFAR-10 and put 45,000 + 5,000 + 10,000 pictures onto a device (0.74 GB).

    ``seed`` settles the split. Raises what `helpers.data.cifar10` raises.
    """
    mean, std = (torch.tensor(c).view(3, 1, 1) for c in (MEAN, STD))

    def ready(X, y):
        X = X.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
        return X.to(device), y.to(device)

    dataset = cifar10(train=True, transform=ONE_BY_ONE)
    places = torch.arange(len(dataset))
    (chosen, _), _ = split_validation(places, places, share=0.1, seed=seed)
    train, val = split_validation(*as_tensors(cifar10(train=True)), share=0.1, seed=seed)
    test = as_tensors(cifar10(train=False))
    return Pictures(ready(*train), ready(*val), ready(*test), Subset(dataset, chosen.tolist()))


def for_device(recipe: Recipe, device) -> Recipe:
    """Give the recipe without 16-bit numbers where the device does not have them, and say so."""
    if recipe.bf16 and not fast_bf16(device):
        print(f"This {torch.device(device)} has no bfloat16 of its own: going on with 32 bits.")
        return replace(recipe, bf16=False)
    return recipe


def build(recipe: Recipe, X: torch.Tensor) -> nn.Module:
    """Make the net of a recipe for pictures such as X, on their device.

    X is float (N, C, H, W), square and normalised; the net gives scores (N, 10). Raises ValueError
    for pictures too small for the blocks.
    """
    channels, size = X.shape[1:3]
    first = []
    if recipe.whitening:
        keep = min(8, 4 * channels)  # of 12 directions; grey pictures have 4
        first = [whitening_layer(X[:5000], keep=keep), nn.ReLU()]
        channels, size = first[0].out_channels, size - 1
    shape = (recipe.widths, recipe.depths, channels, size)
    blocks = BlockNet(*shape, pool_first=recipe.pool_first, global_average=True)
    model = nn.Sequential(*first, blocks)
    if recipe.identity:
        start_as_identity(model)
    return model.to(X.device, memory_format=torch.channels_last if recipe.bf16 else None)


def augment(X: torch.Tensor) -> torch.Tensor:
    """Mirror and shift each picture of X, float (N, C, H, W), by itself, by up to 2 pixels."""
    return random_crop(random_flip(X), 2)


def train(recipe: Recipe, data: Pictures, epochs: int, seed: int = 0, **options):
    """Train a net by a recipe.

    Parameters
    ----------
    recipe : Recipe
    data : Pictures
    epochs : int
        At least 1. Each takes whole batches only; what is left of the pictures is dropped.
    seed : int
        For the first weights, the order and the changes of the pictures.
    **options
        For `fit`, such as ``progress=False``.

    Returns
    -------
    model, History
        The weights are those of the last epoch: the settings chose nothing on the way.

    Raises
    ------
    ValueError, MemoryError
        As `fit` does; ValueError also for a batch size that gives no batch, or no epoch.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}: give at least 1")
    steps = epochs * _steps(recipe, data)
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
    scheduler = None
    if recipe.triangle:
        share = partial(triangle, steps=steps, peak=recipe.peak)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
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
        **options,
    )
    return model, history


def _steps(recipe, data):
    """Count the steps of an epoch: it takes whole batches only."""
    count, size = len(data.train[0]), recipe.batch_size
    if not 1 <= size <= count:
        raise ValueError(f"batch_size is {size}: give 1 to {count}, the number of pictures")
    return count // size


def triangle(step: int, steps: int, peak: float = 0.2) -> float:
    """Give the share of the highest learning rate, 0-1, before step number ``step``, from 0 on.

    It rises in a straight line from 0 to 1 at ``peak`` of the way, and falls to 0 at ``steps``.
    Built in lesson 08. Raises ValueError for less than one step, or a peak outside of 0-1.
    """
    if steps < 1 or not 0 < peak < 1:
        raise ValueError(f"steps is {steps}, peak {peak}: give at least 1, and between 0 and 1")
    done = min(step / steps, 1)
    return done / peak if done < peak else (1 - done) / (1 - peak)


def time_epochs(recipes: Mapping[str, Recipe], data: Pictures, batches: int = 8, rounds: int = 3):
    """Measure how long an epoch takes with each recipe. Built in lesson 08.

    Each trains on a few batches, in turns, so that a slow moment of the machine meets them all;
    a first round is not counted. The clock is that of `fit`. Raises what `train` raises, also for
    less than one batch or round.

    Returns
    -------
    dict {name: seconds}
        The median of the rounds, scaled up to the whole batches of an epoch.
    """
    if batches < 1 or rounds < 1:
        raise ValueError(f"batches is {batches} and rounds {rounds}: give at least 1 of each")
    seconds = {name: [] for name in recipes}
    for _ in range(1 + rounds):
        for name, recipe in recipes.items():
            steps = min(batches, _steps(recipe, data))
            part = data.first(steps * recipe.batch_size)
            part.val = tuple(tensor[:1] for tensor in part.val)  # it is not timed: one will do
            _, history = train(recipe, part, epochs=1, progress=False)
            seconds[name].append(history.seconds[0] * _steps(recipe, data) / steps)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


def show_ladder(
    seconds: Mapping[str, float], validation: Mapping[str, Sequence[float]], *, alt: str
) -> None:
    """Draw one row a step: its seconds an epoch, and how good its nets are after two epochs.

    Parameters
    ----------
    seconds : {name of the step: seconds an epoch}
        In order; behind each bar stands how many times shorter it is than the one before.
    validation : {name: accuracies 0-1, one a seed}
        A dot for each, with the mean in writing. May hold more names than ``seconds``.
    alt : str
        The figure's text alternative.
    """
    names, values = list(seconds), list(seconds.values())
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 1.0 + 0.34 * len(names)), sharey=True, width_ratios=(3, 2)
    )
    left.barh(names, values, color=COLORS["train"])
    for k, value in enumerate(values):
        factor = f"  (÷ {values[k - 1] / value:.1f})" if k else ""
        said = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"  # a GPU's are short
        left.text(value * 1.05, k, f"{said} s{factor}", va="center")
    left.set(xscale="log", xlim=(min(values) / 3, max(values) * 5))
    left.set_xlabel("seconds an epoch, on a scale of factors")
    left.xaxis.set_major_formatter("{x:g}")
    left.xaxis.set_minor_formatter("")  # the ticks between have no room for numbers
    for k, name in enumerate(names):
        shares = [100 * share for share in validation[name]]
        right.plot(shares, [k] * len(shares), "o", color=COLORS["validation"], alpha=0.5)
        right.text(97, k, f"{statistics.mean(shares):.1f}", va="center", ha="right")
    right.set(xlim=(50, 98), xlabel="% right after two epochs")
    left.invert_yaxis()
    figure.tight_layout()
    show_figure(alt)
