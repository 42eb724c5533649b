"""Figures of what a training gave: curves, confusion matrix, mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch

from helpers.counting import confusion_matrix
from helpers.plotting import COLORS, show_figure, show_images

__all__ = ["confusion_matrix", "show_confusion", "show_curves", "show_mistakes"]


def show_curves(history, *, alt: str) -> None:
    """Draw loss and accuracy of each epoch, training and validation. First used in lesson 04.

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
        Log-probabilities.
    y : int64 tensor (N,)
    names : sequence of str
        One a class.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    count : int
        How many at most. If nothing is wrong, a line says so.
    """
    sure, predicted = output.exp().max(dim=1)
    wrong = torch.nonzero(predicted != y).flatten()
    wrong = wrong[sure[wrong].argsort(descending=True)][:count]
    if len(wrong) == 0:
        print(f"All {len(y)} are right.")
        return
    titles = [f"{names[y[i]]} taken for {names[predicted[i]]}\n{sure[i]:.0%} sure" for i in wrong]
    show_images([X[i] for i in wrong], titles, columns=min(4, len(wrong)), alt=alt)
