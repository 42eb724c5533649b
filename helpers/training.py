"""Training and evaluation: one loop that all lessons share, with honest numbers."""

from __future__ import annotations

import copy
import io
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from tqdm.auto import tqdm

from helpers.sources.writing import expanded, write

__all__ = ["History", "Score", "evaluate", "fit", "load_weights", "predict", "save_weights"]
__all__ += ["start_and_end"]

READ_AT_EACH_STEP = ("cpu",)  # other devices compute ahead, and would have to be waited for
NO_MEMORY = ("out of memory", "can't allocate", "Invalid buffer size", "INT_MAX")  # GPU, CPU, Apple


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
    scheduler: LRScheduler | None = None,
    patience: int | None = None,
    penalty: Callable | None = None,
    keep_best: bool = True,
    bf16: bool = False,
    progress: bool = True,
) -> History:
    """Train a model, judge it on validation after each epoch, and keep its best weights.

    At the end the model has the weights of the epoch with the highest validation accuracy, and the
    mode (training or evaluation) in which it was given. An interrupt (the stop button) ends the
    training in the same way. Batches go to the device of the model; inside an epoch nothing waits
    for a GPU.

    Parameters
    ----------
    model : nn.Module
        Takes a batch X and gives scores or log-probabilities (N, classes).
    train_loader, val_loader : iterables of (X, y)
        X is a float tensor (N, ...), y an int64 tensor (N,) of classes from 0 on.
    epochs : int
    optimizer : torch.optim.Optimizer
    loss_function : callable (output, y) -> tensor
        The mean loss of a batch, such as `nn.NLLLoss()`.
    scheduler : torch.optim.lr_scheduler.LRScheduler, optional
        Changes the learning rate after each batch.
    patience : int, optional
        Stop early when validation has not improved for so many epochs.
    penalty : callable (model) -> tensor, optional
        Added to the loss of each batch, but not to the loss that is reported.
    keep_best : bool
        If not, the model ends with the weights of the last step.
    bf16 : bool
        Compute the layers with 16-bit numbers while training; all else keeps 32 bits. Faster
        where the device has them, see `helpers.machine.fast_bf16`.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ValueError
        For a batch that does not fit (shape, type, labels; a single sample with batch norm), a
        loader without batches, and a loss that is not a number (on a GPU: after the epoch).
        Before the training, for an optimizer or scheduler that cannot change this model, or a
        loader that can be read only once; after the first epoch, if the scheduler kept it at 0.
    MemoryError
        If a batch does not fit into the memory of the device.
    """
    moves = scheduler is None or _moves(optimizer)  # else a scheduler may be at its end

    def learn(loss):
        nonlocal moves
        optimizer.zero_grad()
        (loss if penalty is None else loss + penalty(model)).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
            moves = moves or _moves(optimizer)

    def leave():
        bar.close()
        if best_weights is not None:
            model.load_state_dict(best_weights)
        _restore(modes)

    _look_at_plan(model, optimizer, scheduler, train_loader, val_loader, epochs)
    history, best_weights, modes = History(), None, _modes(model)
    bar = tqdm(range(1, epochs + 1), desc="epoch", disable=not progress)
    try:
        try:
            if not model.training:  # else leave parts alone that were frozen with eval()
                model.train()
            for epoch in bar:
                start = time.perf_counter()
                train = _run(model, train_loader, loss_function, "training", learn, bf16)
                seconds = [*history.seconds, time.perf_counter() - start]
                if not moves:
                    raise ValueError(
                        "the learning rate was 0 in the whole first epoch, so nothing was learned: "
                        "is the scheduler at its end? Make optimizer and scheduler anew"
                    )
                validation = [*history.validation, evaluate(model, val_loader, loss_function)]
                longer = History([*history.train, train], validation, seconds)
                is_best = keep_best and longer.best_epoch == epoch
                weights = copy.deepcopy(model.state_dict()) if is_best else best_weights
                history, best_weights = longer, weights  # at once: no interrupt comes between
                bar.set_postfix_str(f"validation {100 * validation[-1].accuracy:.1f} %")
                if patience is not None and epoch - history.best_epoch >= patience:
                    break
        finally:
            leave()
    except KeyboardInterrupt:
        leave()  # again, in case the interrupt came in the middle of it
        history.interrupted = True
        print(f"Interrupted. Epochs finished and kept: {len(history.validation)}.")
    return history


@torch.no_grad()
def evaluate(model: nn.Module, loader: Iterable, loss_function: Callable) -> Score:
    """Judge a model on all samples of a loader, in evaluation mode.

    The loss is weighted by sample, so that a smaller last batch does not count more. The model is
    left in the mode in which it was given. Parameters and errors are those of `fit`.
    """
    with _evaluation(model):
        return _run(model, loader, loss_function, "evaluation")


@torch.no_grad()
def predict(model: nn.Module, loader: Iterable) -> tuple[torch.Tensor, torch.Tensor]:
    """Collect the model's output for all samples of a loader, in evaluation mode.

    Returns the output, float (N, classes), and the labels in the same order, int64 (N,), both on
    the CPU. Errors are those of `fit`.
    """
    outputs, labels = [], []

    def keep(output, y):  # in the place of a loss
        outputs.append(output.cpu())
        labels.append(y.cpu())
        return torch.zeros(())

    with _evaluation(model):
        _run(model, loader, keep, "prediction")
    output = torch.cat(outputs)
    if lost := int(output.isnan().any(dim=1).sum()):
        raise ValueError(
            f"the output of {lost:,} of {len(output):,} samples is not a number (nan): check that "
            "the weights and the pictures hold none"
        )
    return output, torch.cat(labels)


def start_and_end(
    model: nn.Module,
    X: torch.Tensor,
    y: torch.Tensor,
    optimizer: torch.optim.Optimizer,
    loss_function: Callable,
    steps: int = 60,
) -> tuple[float, float]:
    """Give the loss of one batch before the first step, and after so many steps on it alone.

    A sound training begins near ln(classes), and learns a batch by heart: it ends near 0. The
    model stays in its mode, and keeps what it learned.

    Parameters
    ----------
    model : nn.Module
    X, y : tensors
        A batch as the model and `loss_function` take it, on the device of the model.
    optimizer : torch.optim.Optimizer
        The one to be tried, of this model's weights.
    loss_function : callable (output, y) -> tensor
        The mean loss of a batch.
    steps : int
    """
    with torch.no_grad():
        start = loss_function(model(X), y).item()
    for _ in range(steps):
        loss = loss_function(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return start, loss_function(model(X), y).item()


def _run(model, loader, loss_function, what, learn=None, bf16=False):
    """Go through a loader once; learn from each loss, if asked to; add up on the device."""
    device, total = _device(model), 0
    precise = torch.float32 if device.type == "mps" else torch.float64
    # loss and right answers; below them how far the labels reach, downwards and upwards
    seen = torch.zeros(2, 2, dtype=precise, device=device)
    for X, y in loader:
        if total == 0:
            _look_at(model, X, y)
        with _explained(model, X, y):
            output, y = _forward(model, X, y, bf16)
            classes, right = output.shape[1], (output.argmax(1) == y).sum()
            loss = loss_function(output, y.clamp(0, classes - 1))  # others stop a GPU for good
            seen[0] += torch.stack([loss.detach().to(seen) * len(y), right.to(seen)])
            seen[1] = torch.maximum(seen[1], torch.stack([-y.min(), y.max()]))
            if device.type in READ_AT_EACH_STEP:
                _read(seen, classes)
            if learn is not None:
                learn(loss)
        total += len(y)
    if total == 0:
        once = ", or was this read before, which can be read only once" * isinstance(
            loader, Iterator
        )
        raise ValueError(f"the loader for {what} gave no batch: is the dataset empty{once}?")
    loss, right = _read(seen, classes)
    return Score(loss / total, right, total)


def _read(seen, classes):
    """Wait for the device, and refuse labels outside the classes, and a loss that is no number."""
    (loss, right), (down, up) = seen.tolist()
    if down > 0 or up >= classes:
        y = int(-down if down > 0 else up)
        raise ValueError(f"there is a label {y}, but the model has the classes 0 to {classes - 1}")
    if not math.isfinite(loss):
        cure = "lower the learning rate, and check that the pictures hold no nan"
        raise ValueError(f"the loss became {loss}: {cure}")
    return loss, int(right)


@contextmanager
def _evaluation(model):
    modes = _modes(model)
    model.eval()
    try:
        yield
    finally:
        _restore(modes)


def _modes(model):
    return [(layer, layer.training) for layer in model.modules()]


def _restore(modes):
    for layer, training in modes:  # each by itself: parts may have been frozen with eval()
        layer.training = training


def _device(model):
    """Give the device of a model; one without weights, such as a baseline, computes on the CPU."""
    return next(itertools.chain(model.parameters(), model.buffers()), torch.empty(0)).device


def _moves(optimizer):
    """Whether a step may change something. A rate that is a tensor is not waited for."""
    groups = getattr(optimizer, "param_groups", [{}])
    return any(torch.is_tensor(rate := group.get("lr", 1)) or rate != 0 for group in groups)


def _look_at_plan(model, optimizer, scheduler, train_loader, val_loader, epochs):
    """Refuse what cannot change this model, and what cannot last for so many epochs."""
    weights = {id(weight) for weight in model.parameters() if weight.requires_grad}
    if not weights:
        frozen = any(True for _ in model.parameters())
        what = "all weights of the model are frozen" if frozen else "the model has no weights"
        raise ValueError(f"{what}, so it cannot learn; evaluate() can judge it as it is")
    groups = getattr(optimizer, "param_groups", None)
    if groups is not None and not weights & {id(w) for group in groups for w in group["params"]}:
        raise ValueError(
            "the optimizer holds no weight of this model that can learn, so nothing would change: "
            "make it from model.parameters(), after the model"
        )
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        raise ValueError("the scheduler changes another optimizer: make it from the one given here")
    if isinstance(scheduler, ReduceLROnPlateau):
        raise ValueError("ReduceLROnPlateau waits for a score, and is given none: take another one")
    steps = getattr(scheduler, "total_steps", None)
    needed = epochs * len(train_loader) if steps and hasattr(train_loader, "__len__") else 0
    if needed and scheduler.last_epoch + needed > steps:
        raise ValueError(
            f"the scheduler ends after {steps} steps, of which {scheduler.last_epoch} are taken; "
            f"this training takes {needed}: make it anew, as long as that"
        )
    for kind in map(type, (train_loader, val_loader)):
        builtin = kind.__module__ in ("builtins", "itertools")  # others may begin anew
        if epochs > 1 and builtin and issubclass(kind, Iterator):
            raise ValueError(
                f"a {kind.__name__} can be read only once, and each of the {epochs} epochs reads "
                "the loaders: give a DataLoader, Batches or a list"
            )


def _forward(model, X, y, bf16):
    device = _device(model)
    ahead = device.type == "cuda"  # so that a copy is not waited for
    X, y = X.to(device, non_blocking=ahead), torch.as_tensor(y).to(device, non_blocking=ahead)
    try:
        with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
            output = model(X)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"the model cannot take a batch of the shape {tuple(X.shape)}: {error}"
        ) from error
    if output.ndim != 2 or len(output) != len(y):
        raise ValueError(
            f"for {len(y)} samples the model gives {tuple(output.shape)} instead of "
            f"({len(y)}, classes): flatten with flatten(1), which keeps the first axis"
        )
    return (output.float() if bf16 else output), y


@contextmanager
def _explained(model, X, y):
    """Say in a sentence what does not fit, where PyTorch raises an error in its own words."""
    try:
        yield
    except Exception as error:
        cause = error.__cause__ or error  # in the words of PyTorch
        if any(words in str(cause) for words in NO_MEMORY):
            raise MemoryError(
                f"no memory for a batch of the shape {tuple(X.shape)}: lower batch_size, or take a "
                f"narrower net ({str(cause).splitlines()[0]})"
            ) from cause
        _look_at(model, X, y)
        raise


def _look_at(model, X, y):
    """Refuse a batch that does not fit."""
    if not torch.is_tensor(X) or not X.is_floating_point():
        kind = X.dtype if torch.is_tensor(X) else type(X).__name__
        raise ValueError(f"a batch is {kind}: make it a float tensor, with values 0-1 for pictures")
    y = torch.as_tensor(y)
    if y.ndim != 1 or len(y) != len(X) or y.dtype != torch.int64:
        raise ValueError(
            f"labels are {y.dtype} of the shape {tuple(y.shape)} for {len(X)} samples: "
            f"give one whole number for each, int64 of the shape ({len(X)},)"
        )
    batch_norm = nn.modules.batchnorm._BatchNorm
    if len(y) == 1 and model.training and any(isinstance(m, batch_norm) for m in model.modules()):
        raise ValueError(
            "a batch of a single sample cannot be trained on with batch norm: "
            "choose another batch_size, or drop_last=True in the DataLoader"
        )


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Save a model's weights to a file: written beside, then renamed, so never half a file."""
    content = io.BytesIO()
    torch.save(model.state_dict(), content)
    write(path, content.getvalue())


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Load weights that `save_weights` wrote, whatever device they were saved on.

    Raises FileNotFoundError if there is no such file, and ValueError if it holds anything but
    weights (it might run code), or another model's weights.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights at {path}: train and save the model first")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and torch's own errors, by version
        raise ValueError(
            f"{path} is not a file of weights: damaged, or it holds Python objects that might run "
            "code. Load only what save_weights wrote"
        ) from error
    weights = weights if isinstance(weights, dict) else {}
    own, found = (
        {name: tuple(getattr(w, "shape", ())) for name, w in part.items()}
        for part in (model.state_dict(), weights)
    )
    if found != own:  # looked at first, because load_state_dict copies what fits before it raises
        name = next(n for n in [*own, *found] if own.get(n) != found.get(n))
        first = next(iter(found), None)
        other = f"none; it begins with {first} {found[first]}" if found else "none"
        raise ValueError(
            f"{path} does not hold the weights of a {type(model).__name__} like this one: {name} "
            f"should have the shape {own.get(name, 'none')}, the file has {found.get(name, other)}"
        )
    model.load_state_dict(weights)
