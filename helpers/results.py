"""What a training gave: right answers by class, curves, mistakes, and recorded results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files

import matplotlib.pyplot as plt
import numpy as np
import torch

from helpers.plotting import COLORS, as_picture, in_style, show_figure, show_images
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
def show_confusion(
    matrix: torch.Tensor,
    names: Sequence[str],
    *,
    alt: str,
    pictures: Sequence | None = None,
) -> None:
    """Draw a confusion matrix with its counts: what is right in grey, mistakes in colour.

    A mistake is the darker the larger its share of the row is. The darkest is the largest of all,
    or a tenth if none is so large.

    Parameters
    ----------
    matrix : int tensor (classes, classes)
        Labels in rows, answers in columns, as `confusion_matrix` gives it.
    names : sequence of str
        One a class.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    pictures : sequence, optional
        One a class, as `helpers.plotting.show_images` takes them; drawn beside the names.

    Raises
    ------
    ValueError
        If there are more or fewer names or pictures than classes.
    """
    matrix = np.asarray(matrix)
    for what, given in (("names", names), ("pictures", pictures or names)):
        if matrix.shape != (len(given), len(given)):
            raise ValueError(f"the matrix is {matrix.shape}, but there are {len(given)} {what}")
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(1)
    np.fill_diagonal(shares, 0)
    top, n = max(0.1, shares.max(initial=0)), len(names)
    side = 0.55 * n + 1.2 + 0.4 * bool(pictures)
    _, ax = plt.subplots(figsize=(side, side))
    ax.imshow(np.where(np.eye(n), 0.15, np.nan), cmap="Greys", vmin=0, vmax=1)
    ax.imshow(np.where(shares, shares, np.nan), cmap="RdPu", vmin=0, vmax=top)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = "white" if shares[row, column] > 0.65 * top else "black"
            ax.text(column, row, count, ha="center", va="center", color=color)
    for k, picture in enumerate(pictures or []):
        for x, y in ((-1.1, k), (k, n + 0.1)):  # left of the rows, below the columns
            ax.imshow(as_picture(picture), extent=(x - 0.45, x + 0.45, y + 0.45, y - 0.45))
    room = 1.1 if pictures else 0
    ax.set(xlim=(-0.5 - room, n - 0.5), ylim=(n - 0.5 + room, -0.5))
    slanted = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 3 else {}
    ax.set_xticks(range(n), names, **slanted)
    ax.set_yticks(range(n), names)
    ax.tick_params(length=0)
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
