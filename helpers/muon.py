"""Muon: an optimizer whose steps are equally long in all directions."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["Muon", "orthogonalize"]


def orthogonalize(G: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Bring all singular values of each matrix near 1, and leave its directions.

    A Newton-Schulz iteration: each step applies 3.4445 s - 4.775 s³ + 2.0315 s⁵ to every singular
    value s. After three steps those that were above a tenth of the matrix's norm lie between 0.6
    and 1.3; much smaller ones stay small. Source: Jordan et al., Muon, 2024.

    Parameters
    ----------
    G : float tensor (..., rows, columns)
        One matrix, or several. A matrix of zeros stays zero.
    steps : int

    Returns
    -------
    float tensor (..., rows, columns)
    """
    tall = G.shape[-2] > G.shape[-1]
    X = (G.mT if tall else G) / (G.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        A = X @ X.mT
        X = 3.4445 * X + (-4.775 * A + 2.0315 * A @ A) @ X
    return X.mT if tall else X


class Muon(torch.optim.Optimizer):
    """Orthogonal steps for the convolutions, Nesterov SGD for everything else.

    For convolutions followed by batch norm: before each step a layer's weights are scaled so that
    a filter has length 1 on average, which batch norm makes up for.
    Source: Jordan et al., Muon, 2024, and its setting for CIFAR-10 (airbench). `torch.optim.Muon`,
    in PyTorch since 2.9, takes weights with two axes only, so no convolutions.

    Parameters
    ----------
    model : nn.Module
        Its weights with four axes are taken for convolutions.
    lr, momentum : float
        For the convolutions.
    other_lr, other_momentum, weight_decay : float
        For the linear layers, the biases and batch norm.
    bias_lr : float, optional
        For the biases and batch norm alone, which then do not decay; by default `other_lr`.

    Raises
    ------
    ValueError
        If the model has no convolution, or a learning rate is not above 0.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float = 0.1,
        momentum: float = 0.6,
        other_lr: float = 0.05,
        other_momentum: float = 0.85,
        weight_decay: float = 5e-4,
        bias_lr: float | None = None,
    ):
        filters = [p for p in model.parameters() if p.ndim == 4]
        biases = [p for p in model.parameters() if p.ndim == 1 and bias_lr is not None]
        taken = {id(p) for p in filters + biases}
        others = [p for p in model.parameters() if id(p) not in taken]
        if not filters:
            raise ValueError(
                f"{type(model).__name__} has no convolution for Muon to train: take "
                "torch.optim.SGD(model.parameters(), lr)"
            )
        rates = {"lr": lr, "other_lr": other_lr, "bias_lr": bias_lr}
        for name, rate in rates.items():
            if rate is not None and rate <= 0:
                raise ValueError(f"{name} is {rate}: give a number above 0")
        groups = [{"params": filters, "lr": lr, "momentum": momentum, "weight_decay": 0.0}]
        if others:
            groups.append({"params": others, "lr": other_lr, "momentum": other_momentum})
        if biases:
            group = {"params": biases, "lr": bias_lr, "momentum": other_momentum}
            groups.append({**group, "weight_decay": 0.0})
        super().__init__(groups, {"weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        """Make one step from the gradients; weights without a gradient stay as they are."""
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if moving:
                self._move(moving, group)

    def _move(self, weights, group):
        # `_foreach` does the same to each tensor of a list: on a GPU in one piece of work
        gradients = torch._foreach_add(
            [p.grad for p in weights], weights, alpha=group["weight_decay"]
        )
        averages = [self._average(p) for p in weights]
        torch._foreach_mul_(averages, group["momentum"])
        torch._foreach_add_(averages, gradients)
        directions = torch._foreach_add(gradients, averages, alpha=group["momentum"])
        if weights[0].ndim == 4:
            lengths = torch._foreach_norm(weights)
            torch._foreach_div_(lengths, [len(p) ** 0.5 for p in weights])
            torch._foreach_div_(weights, lengths)
            alike = {}
            for direction in directions:
                alike.setdefault(direction.shape, []).append(direction)
            for same in alike.values():
                turned = orthogonalize(torch.stack(same).flatten(2))
                torch._foreach_copy_(same, list(turned.view(-1, *same[0].shape)))
        torch._foreach_mul_(directions, group["lr"])
        torch._foreach_sub_(weights, directions)

    def _average(self, p):
        state = self.state[p]
        if "average" not in state:
            state["average"] = torch.zeros_like(p)
        return state["average"]
