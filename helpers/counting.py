"""Counting what was right, class by class."""

from __future__ import annotations

import torch

__all__ = ["confusion_matrix", "per_class_accuracy"]


def confusion_matrix(predicted: torch.Tensor, y: torch.Tensor, classes: int) -> torch.Tensor:
    """Count how often each class was taken for each. Built in lesson 04.

    Parameters
    ----------
    predicted, y : int64 tensors (N,)
        The model's answers and the labels, 0 to ``classes`` - 1.
    classes : int

    Returns
    -------
    int64 tensor (classes, classes)
        Rows are the labels, columns the answers; the diagonal is what was right.

    Raises
    ------
    ValueError
        If the two differ in length, or hold a class outside 0 to ``classes`` - 1.
    """
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
    """Return the share of right answers among the samples of each class. Built in lesson 05.

    Parameters
    ----------
    predicted, y : int64 tensors (N,)
        The model's answers and the labels of ALL samples, 0 to ``classes`` - 1.
    classes : int

    Returns
    -------
    float tensor (classes,)
        Values 0-1; nan for a class without a sample.

    Raises
    ------
    ValueError
        As `confusion_matrix`.
    """
    matrix = confusion_matrix(predicted, y, classes)
    return matrix.diagonal() / matrix.sum(dim=1)
