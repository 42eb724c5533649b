"""Training and evaluation: one loop that all lessons share, with honest numbers."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import nn
from tqdm.auto import tqdm

from helpers.counting import per_class_accuracy
from helpers.weights import load_weights, save_weights

__all__ = ["History", "Score", "evaluate", "fit", "load_weights", "per_class_accuracy"]
__all__ += ["predict", "save_weights"]


@dataclass(frozen=True)
class Score:
    """What an evaluation gives: the mean loss over all samples, and how many were right."""

    loss: float
    right: int
    total: int

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0-1."""
        return self.right / self.total

    def __str__(self) -> str:
        return f"{self.right:,} of {self.total:,} = {100 * self.accuracy:.2f} %"


@dataclass
class History:
    """Scores of each finished epoch (training: while weights change), and its training seconds."""

    train: list[Score] = field(default_factory=list)
    validation: list[Score] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    interrupted: bool = False

    @property
    def best_epoch(self) -> int:
        """The epoch with most right on validation, from 1 on (the first of equals); 0 if none."""
        rights = [score.right for score in self.validation]
        return rights.index(max(rights)) + 1 if rights else 0


def fit(
    model: nn.Module,
    train_loader: Iterable,
    val_loader: Iterable,
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer,
    loss_function: Callable,
    scheduler=None,
    patience: int | None = None,
    penalty: Callable | None = None,
    keep_best: bool = True,
    bf16: bool = False,
    progress: bool = True,
) -> History:
    """Train a model, judge it on validation after each epoch, and keep its best weights.

    Built in lesson 04. Batches go to the device of the model. At the end the model has the
    weights of the epoch with the highest validation accuracy, and the mode (training or
    evaluation) in which it was given. An interrupt (the stop button) ends the training in the
    same way, with the epochs finished so far.

    Parameters
    ----------
    model : nn.Module
        Takes a batch X and gives scores or log-probabilities (N, classes).
    train_loader, val_loader : iterables of (X, y)
        X is a float tensor (N, ...), y an int64 tensor (N,) of classes from 0 on.
    epochs : int
        How often all of ``train_loader`` is seen.
    optimizer : torch.optim.Optimizer
        Made from the parameters of this model.
    loss_function : callable (output, y) -> tensor
        The mean loss of a batch, such as ``nn.NLLLoss()``.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Changes the learning rate; its ``step`` is called after each batch.
    patience : int, optional
        Stop early when validation has not improved for so many epochs.
    penalty : callable (model) -> tensor, optional
        Added to the loss of each batch, but not to the loss that is reported (lesson 07).
    keep_best : bool
        If not, the model ends with the weights of the last epoch.
    bf16 : bool
        Compute the layers with 16-bit numbers while training (lesson 05); all else keeps 32 bits.
        Faster where the device has them, see `helpers.machine.fast_bf16`.
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        One score an epoch for training and validation, each weighted by sample.

    Raises
    ------
    ValueError
        For a batch that cannot be trained on (its shape, type or labels do not fit, or a single
        sample meets batch norm), for a loader without batches, and for a loss that is not a number.
    MemoryError
        If a batch does not fit into the memory of the device.
    """
    history, best_weights, found_modes = History(), None, _modes(model)
    epochs_bar = tqdm(range(1, epochs + 1), desc="epoch", disable=not progress)
    try:
        if not model.training:  # else leave parts alone that were frozen with eval()
            model.train()
        for epoch in epochs_bar:
            total_loss, right, total = 0.0, 0, 0
            start = time.perf_counter()
            for X, y in train_loader:
                with _memory_for(X):
                    output, y = _forward(model, X, y, bf16)
                    loss = loss_function(output, y)
                    mean_loss = _checked(loss)
                    optimizer.zero_grad()
                    (loss if penalty is None else loss + penalty(model)).backward()
                    optimizer.step()
                if scheduler is not None:
                    scheduler.step()
                total_loss += mean_loss * len(y)
                right += (output.argmax(1) == y).sum()  # a tensor: no waiting for a GPU
                total += len(y)
            right = int(right)
            seconds = time.perf_counter() - start  # `right` is a number: the device has finished
            score = evaluate(model, val_loader, loss_function)
            history.train.append(_score(total_loss, right, total, "training"))
            history.validation.append(score)
            history.seconds.append(seconds)
            epochs_bar.set_postfix_str(f"validation {100 * score.accuracy:.1f} %")
            if keep_best and history.best_epoch == epoch:
                best_weights = copy.deepcopy(model.state_dict())
            if patience is not None and epoch - history.best_epoch >= patience:
                break
    except KeyboardInterrupt:
        history.interrupted = True
        print(f"Interrupted. Epochs finished and kept: {len(history.validation)}.")
    finally:
        epochs_bar.close()
        if best_weights is not None:
            model.load_state_dict(best_weights)
        _restore(found_modes)
    return history


def evaluate(model: nn.Module, loader: Iterable, loss_function: Callable) -> Score:
    """Judge a model on all samples of a loader, in evaluation mode. Built in lesson 04.

    The loss is weighted by sample, so that a smaller last batch does not count more. The model is
    left in the mode in which it was given. Parameters and errors are those of `fit`.
    """
    total_loss, right, total = 0.0, 0, 0
    with _evaluation(model):
        for X, y in loader:
            with _memory_for(X):
                output, y = _forward(model, X, y)
            total_loss += _checked(loss_function(output, y)) * len(y)
            right += (output.argmax(1) == y).sum()
            total += len(y)
    return _score(total_loss, int(right), total, "evaluation")


def predict(model: nn.Module, loader: Iterable) -> tuple[torch.Tensor, torch.Tensor]:
    """Collect the model's output for all samples of a loader, in evaluation mode.

    Errors are those of `fit`.

    Returns
    -------
    output : float tensor (N, classes) on the CPU
    y : int64 tensor (N,), the labels in the same order
    """
    outputs, labels = [], []
    with _evaluation(model):
        for X, y in loader:
            with _memory_for(X):
                output, y = _forward(model, X, y)
            outputs.append(output.cpu())
            labels.append(y.cpu())
    if not labels:
        raise ValueError("the loader gave no batch: is the dataset empty?")
    return torch.cat(outputs), torch.cat(labels)


@contextmanager
def _evaluation(model):
    found_modes = _modes(model)
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        _restore(found_modes)


def _modes(model):
    return [(layer, layer.training) for layer in model.modules()]


def _restore(modes):
    for layer, training in modes:  # each by itself: parts may have been frozen with eval()
        layer.training = training


def _checked(loss):
    value = loss.item()
    if not math.isfinite(value):
        raise ValueError(
            f"the loss became {value}: lower the learning rate, and check that the pictures hold "
            "no nan"
        )
    return value


@contextmanager
def _memory_for(X):
    """Say what to lower when a batch does not fit; PyTorch's message names bytes only."""
    try:
        yield
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        raise MemoryError(
            f"no memory for a batch of the shape {tuple(X.shape)}: lower batch_size, or take a "
            f"narrower net ({str(error).splitlines()[0]})"
        ) from error


def _is_out_of_memory(error):
    said = ("can't allocate", "Invalid buffer size", "INT_MAX")  # the last two: Apple's GPU
    return isinstance(error, torch.OutOfMemoryError) or any(part in str(error) for part in said)


def _score(total_loss, right, total, what):
    if total == 0:
        raise ValueError(f"the loader for {what} gave no batch: is the dataset empty?")
    return Score(total_loss / total, right, total)


def _forward(model, X, y, bf16=False):
    """Run one batch on the model's device; say in a sentence what does not fit."""
    if not torch.is_tensor(X) or not X.is_floating_point():
        kind = X.dtype if torch.is_tensor(X) else type(X).__name__
        raise ValueError(f"a batch is {kind}: make it a float tensor, with values 0-1 for pictures")
    y = torch.as_tensor(y)
    if y.ndim != 1 or len(y) != len(X) or y.dtype != torch.int64:
        raise ValueError(
            f"labels are {y.dtype} of the shape {tuple(y.shape)} for {len(X)} samples: "
            f"give one whole number for each, int64 of the shape ({len(X)},)"
        )
    if (
        len(y) == 1
        and model.training
        and any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in model.modules())
    ):
        raise ValueError(
            "a batch of a single sample cannot be trained on with batch norm: "
            "choose another batch_size, or drop_last=True in the DataLoader"
        )
    device = next(model.parameters()).device
    X, y = X.to(device), y.to(device)
    try:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            output = model(X)
    except (RuntimeError, ValueError) as error:
        if _is_out_of_memory(error):
            raise
        raise ValueError(
            f"the model cannot take a batch of the shape {tuple(X.shape)}: {error}"
        ) from error
    if output.ndim != 2 or len(output) != len(y):
        raise ValueError(
            f"for {len(y)} samples the model gives {tuple(output.shape)} instead of "
            f"({len(y)}, classes): flatten with flatten(1), which keeps the first axis"
        )
    outside = (y < 0) | (y >= output.shape[1])
    if outside.any():
        wrong = y[outside][0].item()
        raise ValueError(
            f"there is a label {wrong}, but the model has the classes 0 to {output.shape[1] - 1}"
        )
    return (output.float() if bf16 else output), y
