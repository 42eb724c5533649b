"""What a training gave: right answers by class, curves, mistakes, and recorded results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import torch

from helpers.plotting import COLORS, in_style, show_figure, show_images
from helpers.training import History

__all__ = ["confusion_matrix", "per_class_accuracy", "recorded"]
__all__ += ["show_confusion", "show_curves", "show_mistakes"]


def confusion_matrix(predicted: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """Count how often each class was taken for each.

    Parameters
    ----------
    predicted, y : tensors (N,) of whole numbers, of any type
        The model's answers and the labels, 0 to `classes` - 1.
    classes : int

    Returns
    -------
    int64 tensor (classes, classes)
        Rows are the labels, columns the answers; the diagonal is what was right.

    Raises
    ------
    ValueError
        If the two differ in length, are not whole, or hold a class outside 0 to `classes` - 1.
    """
    if predicted.is_floating_point() or y.is_floating_point():
        raise ValueError(
            f"answers are {predicted.dtype}, labels {y.dtype}: give classes, which are whole "
            "numbers, such as output.argmax(dim=1)"
        )
    predicted, y = predicted.long(), y.long()  # a product of small types would overflow
    if predicted.shape != y.shape or y.ndim != 1:
        raise ValueError(
            f"answers have the shape {tuple(predicted.shape)}, labels {tuple(y.shape)}: give one "
            "answer for each label, such as output.argmax(dim=1)"
        )
    both = torch.cat([predicted, y])
    if len(both) and (both.min() < 0 or both.max() >= classes):
        raise ValueError(
            f"answers and labels go from {both.min()} to {both.max()}, but the classes from 0 to "
            f"{classes - 1}"
        )
    return torch.bincount(classes * y + predicted, minlength=classes**2).view(classes, classes)


def per_class_accuracy(predicted: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """Return the share of right answers among the samples of each class.

    Parameters and errors are those of `confusion_matrix`; give the answers for ALL samples.

    Returns
    -------
    float tensor (classes,)
        Values 0-1; nan for a class without a sample.
    """
    matrix = confusion_matrix(predicted, y, classes)
    return matrix.diagonal() / matrix.sum(dim=1)


@in_style
def show_curves(history: History, *, alt: str) -> None:
    """Draw loss and accuracy of each epoch, training and validation.

    Parameters
    ----------
    history : helpers.training.History
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    """
    epochs = range(1, len(history.validation) + 1)
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    for part in ("train", "validation"):
        scores = getattr(history, part)
        left.plot(epochs, [s.loss for s in scores], "o-", color=COLORS[part], label=part)
        right.plot(epochs, [100 * s.accuracy for s in scores], "o-", color=COLORS[part])
    left.set(xlabel="epoch", ylabel="loss", ylim=(0, None))
    right.set(xlabel="epoch", ylabel="accuracy (%)")
    right.axvline(history.best_epoch, color=COLORS["quiet"], ls="--", label="best epoch")
    left.legend()
    right.legend()
    show_figure(alt)


@in_style
def show_confusion(matrix: torch.Tensor, names: Sequence[str], *, alt: str) -> None:
    """Draw a confusion matrix (labels in rows, answers in columns) with its counts."""
    matrix = np.asarray(matrix)
    side = 0.55 * len(names) + 1.2
    _, ax = plt.subplots(figsize=(side, side))
    ax.imshow(matrix / matrix.sum(axis=1, keepdims=True).clip(1), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            light = count > 0.5 * matrix[row].sum()
            ax.text(
                column, row, count, ha="center", va="center", color="white" if light else "black"
            )
    slanted = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 3 else {}
    ax.set_xticks(range(len(names)), names, **slanted)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="the model's answer", ylabel="label")
    ax.spines[:].set_visible(False)
    show_figure(alt)


@in_style
def show_mistakes(
    X: Sequence,
    output: torch.Tensor,
    y: torch.Tensor,
    names: Sequence[str],
    *,
    alt: str,
    count: int = 8,
) -> None:
    """Draw the pictures of which the model was surest and wrong, the surest first.

    Parameters
    ----------
    X : sequence of N pictures
        As `helpers.plotting.show_images` takes them.
    output : float tensor (N, classes)
        Log-probabilities: of scores, take `output.log_softmax(dim=1)`.
    y : int64 tensor (N,)
    names : sequence of str
        One a class.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    count : int
        How many at most. If nothing is wrong, a line says so.

    Raises
    ------
    ValueError
        If `output` does not hold log-probabilities: how sure could not be said.
    """
    probabilities = output.float().exp()
    if not ((probabilities.sum(dim=1) - 1).abs() < 0.05).all():  # nan is not below either
        raise ValueError(
            "output should hold log-probabilities, but the probabilities of a sample do not add "
            "up to 1: give output.log_softmax(dim=1)"
        )
    sure, predicted = probabilities.max(dim=1)
    wrong = torch.nonzero(predicted != y).flatten()
    wrong = wrong[sure[wrong].argsort(descending=True)][:count]
    if len(wrong) == 0:
        print(f"All {len(y)} are right.")
        return
    titles = [f"{names[y[i]]} taken for {names[predicted[i]]}\n{sure[i]:.0%} sure" for i in wrong]
    show_images([X[i] for i in wrong], titles, columns=min(4, len(wrong)), alt=alt)


def recorded(name: str) -> dict:
    """Read results that a benchmark recorded, such as `recorded("birds")`.

    Raises ValueError if there is no record of that name, and FileNotFoundError if there is none
    at all.
    """
    folder = files("helpers") / "recorded"
    found = {file.name: file for file in folder.iterdir()} if folder.is_dir() else {}
    names = sorted(file.removesuffix(".json") for file in found if file.endswith(".json"))
    if not names:
        raise FileNotFoundError(
            f"there are no recorded results in {folder}: helpers is not completely installed, "
            "install it again"
        )
    if name not in names:
        raise ValueError(f"there are no results {name!r}: choose from {', '.join(names)}")
    return json.loads(found[f"{name}.json"].read_text(encoding="utf-8"))
