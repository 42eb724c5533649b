"""Batches straight from tensors in memory, and the split for validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

__all__ = ["Batches", "random_crop", "random_flip", "split_validation"]


class Batches:
    """Batches cut from two tensors: what a `DataLoader` gives, many times faster.

    A `DataLoader` makes each sample by itself and stacks them; here one indexing gives a batch.

    Parameters
    ----------
    X : tensor (N, ...)
        Ready for the model, on any device.
    y : tensor (N,)
        Or a list, such as torchvision's `targets`.
    batch_size : int
        The last batch may be smaller.
    shuffle, drop_last : bool
        A new random order at each pass; leave out a last batch that is smaller.
    augment : callable (X) -> X, optional
        Changes each batch, such as `random_flip`.

    Raises
    ------
    ValueError
        If X and y differ in length or are empty, or the batch size gives no batch.
    """

    def __init__(
        self,
        X: torch.Tensor,
        y: torch.Tensor,
        batch_size: int,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        augment: Callable | None = None,
    ):
        X, y = _pairs(X, y)
        if len(X) == 0:
            raise ValueError("there are no pictures: is a part of a split empty?")
        if batch_size < 1 or (drop_last and batch_size > len(X)):
            least = f"give at least 1, and with drop_last at most the {len(X)} samples"
            raise ValueError(f"batch_size is {batch_size}: {least}")
        self.X, self.y, self.batch_size = X, y, batch_size
        self.shuffle, self.drop_last, self.augment = shuffle, drop_last, augment

    def __len__(self) -> int:
        full, rest = divmod(len(self.X), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        count = len(self.X)
        order = torch.randperm(count) if self.shuffle else torch.arange(count)
        for chosen in order.to(self.X.device).split(self.batch_size)[: len(self)]:
            X = self.X[chosen]
            yield (X if self.augment is None else self.augment(X)), self.y[chosen]


def split_validation(X: torch.Tensor, y: torch.Tensor, share: float = 0.1, seed: int = 0) -> tuple:
    """Split samples at random into a part for training and a part for validation.

    Parameters
    ----------
    X, y : tensors (N, ...) and (N,)
    share : float
        The share for validation, between 0 and 1; rounded to whole samples.
    seed : int
        The same seed gives the same split on every machine of one PyTorch version.

    Returns
    -------
    (X_train, y_train), (X_val, y_val) : copies, in random order

    Raises
    ------
    ValueError
        If X and y differ in length, or a part would be empty.
    """
    X, y = _pairs(X, y)
    if not 0 < share < 1 or not 0 < round(share * len(X)) < len(X):
        raise ValueError(
            f"share is {share}: of {len(X)} samples that leaves none for validation, or none for "
            "training; give a number between 0 and 1, such as 0.1"
        )
    order = torch.randperm(len(X), generator=torch.Generator().manual_seed(seed)).to(X.device)
    val, train = order[: round(share * len(X))], order[round(share * len(X)) :]
    return (X[train], y[train]), (X[val], y[val])


def random_flip(X: torch.Tensor) -> torch.Tensor:
    """Mirror each picture left to right, with a chance of one half.

    X is (N, C, H, W) of any type, else there is a ValueError; the result has its memory layout.
    """
    _check_pictures(X)
    flipped = torch.rand(len(X), 1, 1, 1, device=X.device) < 0.5
    return torch.where(flipped, X.flip(3), X)


def random_crop(X: torch.Tensor, pad: int) -> torch.Tensor:
    """Shift each picture by chance, -pad to pad pixels down and across.

    What comes into the picture at a border is its mirror image there. X is float (N, C, H, W), on
    any device; the result is new, with the same layout in memory. Raises ValueError for another
    shape, and for a pad below 0 or not smaller than the picture.
    """
    _check_pictures(X)
    count, _, height, width = X.shape
    if not 0 <= pad < min(height, width):
        raise ValueError(
            f"pad is {pad}: for pictures of {height} × {width} pixels give 0 to "
            f"{min(height, width) - 1}"
        )
    windows = F.pad(X, [pad] * 4, mode="reflect").unfold(2, height, 1).unfold(3, width, 1)
    picture = torch.arange(count, device=X.device)
    down, across = torch.randint(2 * pad + 1, (2, count), device=X.device)
    return torch.empty_like(X).copy_(windows[picture, :, down, across])


def _pairs(X, y):
    """Make tensors of lists and arrays, on one device."""
    if len(X) != len(y):
        raise ValueError(f"there are {len(X)} pictures, but {len(y)} labels")
    X = torch.as_tensor(X)
    return X, torch.as_tensor(y, device=X.device)


def _check_pictures(X):
    if X.ndim != 4:
        raise ValueError(f"X has the shape {tuple(X.shape)}: give pictures (N, C, H, W)")
