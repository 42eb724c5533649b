"""What the parts of a network do, drawn: batch norm, dropout, softmax and loss, feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["show_batch_norm", "show_dropout", "show_softmax_and_loss", "show_what_it_sees"]


@in_style
def show_batch_norm(before: torch.Tensor, after: torch.Tensor, *, alt: str, maps: int = 3) -> None:
    """Draw how the numbers of some feature maps are spread, before and after batch norm.

    Drawn are the maps with the lowest and the highest mean before, and others between. The axis is
    the same for all, the heights are not; a line stands at the mean.

    Parameters
    ----------
    before, after : float tensors (N, channels, height, width)
        What goes into the layer and what comes out.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    maps : int
        How many maps, at least 2.

    Raises
    ------
    ValueError
        If the shapes are others, or there are not so many maps.
    """
    if before.ndim != 4 or before.shape != after.shape or not 2 <= maps <= before.shape[1]:
        raise ValueError(
            f"maps is {maps}, before {tuple(before.shape)} and after {tuple(after.shape)}: give "
            "two tensors of one shape (N, channels, height, width), and 2 to `channels` maps"
        )
    order = before.mean(dim=(0, 2, 3)).argsort()
    chosen = [int(order[k * (len(order) - 1) // (maps - 1)]) for k in range(maps)]
    both = [values.detach().float().cpu()[:, chosen] for values in (before, after)]
    everything = np.concatenate([values.flatten() for values in both])
    bins = np.linspace(*np.percentile(everything, [0.1, 99.9]), 81)
    _, axes = plt.subplots(
        maps, 2, figsize=(9, 0.9 * maps + 0.9), sharex=True, squeeze=False, layout="constrained"
    )
    for column, when in enumerate(("before", "after")):
        for row, k in enumerate(chosen):
            ax, values = axes[row, column], both[column][:, row].flatten()
            mean, deviation = values.mean().item(), values.std().item()
            ax.hist(values, bins=bins, color="#56B4E9")
            ax.axvline(mean, color="black", lw=1.5)
            ax.set_title(f"mean {mean:.1f}, deviation {deviation:.1f}", loc="left", size=10)
            ax.set_yticks([])
            ax.set_ylabel("" if column else f"map {k}", rotation=0, ha="right", va="center")
            ax.spines["left"].set_visible(False)
        axes[-1, column].set_xlabel(f"value {when} batch norm")
    show_figure(alt)


@in_style
def show_dropout(dropout: nn.Dropout, X: torch.Tensor, *, alt: str) -> None:
    """Draw what a dropout layer makes of a row of numbers: twice in train mode, once in eval mode.

    A number is the brighter the larger it is; 0 is black. The layer keeps the mode it had.

    Parameters
    ----------
    dropout : nn.Dropout
    X : float tensor (numbers,)
        Not negative; 64 to 128 of them fit, such as `torch.ones(64)`.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.

    Raises
    ------
    ValueError
        If X has another shape or a negative number.
    """
    if X.ndim != 1 or X.min() < 0:
        raise ValueError(f"X is {tuple(X.shape)} with the minimum {X.min():g}: give a row of ")
    mode = dropout.training
    rows = {"train": dropout.train()(X), "train, again": dropout(X), "eval": dropout.eval()(X)}
    dropout.train(mode)
    _, axes = plt.subplots(3, 1, figsize=(9, 2.6), layout="constrained")
    top = max(row.max().item() for row in rows.values())
    for ax, (name, row) in zip(axes, rows.items(), strict=True):
        ax.pcolormesh(row.detach()[None], vmin=0, vmax=top, cmap="gray", ec=COLORS["quiet"], lw=0.5)
        ax.set_title(f"{name}: {(row == 0).sum()} of {len(row)} are 0, mean {row.mean():.2f}", loc="left", size=11)
        ax.axis("off")
    show_figure(alt)


@in_style
def show_softmax_and_loss(
    scores: torch.Tensor, classes: Sequence[str], label: int, *, alt: str
) -> None:
    """Draw the way from the scores of one sample to its loss: softmax, then −log p.

    Parameters
    ----------
    scores : float tensor (classes,)
        The raw scores, not log-probabilities.
    classes : sequence of str
        One name a class.
    label : int
        The right class; its bars are coloured.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.

    Raises
    ------
    ValueError
        If there are more or fewer names than scores, or no class `label`.
    """
    if scores.shape != (len(classes),) or not 0 <= label < len(classes):
        raise ValueError(
            f"scores has the shape {tuple(scores.shape)}, there are {len(classes)} classes, and "
            f"the label is {label}: give one score a class, and a label from 0"
        )
    scores = scores.detach().float().cpu()
    shares = scores.softmax(dim=0)
    p, loss = shares[label].item(), -scores.log_softmax(dim=0)[label].item()
    colors = [COLORS["mark"] if k == label else COLORS["quiet"] for k in range(len(classes))]
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.1), layout="constrained")
    for ax, values, form in ((left, scores, "{:g}"), (middle, 100 * shares, "{:.0f} %")):
        bars = ax.bar(classes, values, color=colors)
        ax.bar_label(bars, [form.format(round(float(value), 2)) for value in values], size=10)
        ax.axhline(0, color="black", lw=0.8)
        ax.set(yticks=[], xlabel="class")
        ax.spines["left"].set_visible(False)
    left.set_title("1  scores")
    middle.set_title("2  softmax: probabilities")
    right.set_title("3  loss: −log of the right one")
    curve = np.linspace(0.003, 1, 400)
    right.plot(curve, -np.log(curve), color="black")
    guess = 1 / len(classes)
    for x, what in ((1, "sure: 0"), (0.5, "one half: 0.69"), (guess, f"guessing: {-np.log(guess):.2f}")):
        right.plot(x, -np.log(x), "o", color=COLORS["quiet"])
        right.annotate(what, (x, -np.log(x)), (6, 5), textcoords="offset points", size=10)
    right.plot(p, loss, "o", ms=10, color=COLORS["mark"], mec="black")
    right.set(xlabel="probability of the right class", ylim=(0, max(5, 1.1 * loss)), xlim=(0, None))
    show_figure(alt)


@in_style
def show_what_it_sees(
    model: nn.Module,
    picture: torch.Tensor,
    classes: Sequence[str],
    *,
    alt: str,
    layers: Sequence[str] = ("block1", "block2", "block3"),
) -> None:
    """Draw the way of a picture through a network: some feature maps, then the probabilities.

    Of each layer the four maps are drawn that vary most over the picture, each from its darkest to
    its brightest. The model works in eval mode and keeps the mode it had.

    Parameters
    ----------
    model : nn.Module
        Gives scores or log-probabilities.
    picture : float tensor (channels, height, width)
        As the model takes it; drawn from its lowest value to its highest.
    classes : sequence of str
        One name a class.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    layers : sequence of str
        The names of layers that make maps, as `helpers.models.trace_shapes` gives them.

    Raises
    ------
    ValueError
        For a layer that makes no maps, or more or fewer names than classes.
    AttributeError
        For a layer that the model does not have.
    """
    seen, mode = [], model.training
    hooks = [
        model.get_submodule(name).register_forward_hook(
            lambda layer, inputs, output: seen.append(output[0].cpu())
        )
        for name in layers
    ]
    with torch.no_grad():
        device = next(model.parameters()).device
        output = model.eval()(picture[None].to(device))[0].cpu()
    for hook in hooks:
        hook.remove()
    model.train(mode)
    shares = output.float().softmax(dim=0)
    _, axes = plt.subplots(1, len(layers) + 2, figsize=(9, 2.5), layout="constrained")
    axes[0].imshow(picture.permute(1, 2, 0))
    axes[0].set_title("picture\n" + " × ".join(map(str, picture.shape)), size=11)
    for ax, name, maps in zip(axes[1:], layers, seen, strict=False):
        chosen = maps.flatten(1).std(dim=1).argsort(descending=True)[:4]
        ax.imshow(_tiles(maps[chosen].float().numpy()), vmin=0, vmax=1)
        ax.set_title(f"{name}\n{len(maps)} maps, {maps.shape[1]} × {maps.shape[2]}", size=11)
    for ax in axes[:-1]:
        ax.axis("off")
    for ax in axes[1:]:
        ax.text(-0.1, 0.5, "→", transform=ax.transAxes, ha="center", va="center", size=16)
    best = int(shares.argmax())
    colors = [COLORS["mark"] if k == best else COLORS["quiet"] for k in range(len(classes))]
    bars = axes[-1].barh(classes, 100 * shares, color=colors)
    axes[-1].bar_label(bars, [f"{100 * share:.0f} %" for share in shares], padding=3, size=10)
    axes[-1].invert_yaxis()
    axes[-1].set(xticks=[], xlim=(0, 140), title="probability")
    axes[-1].spines["bottom"].set_visible(False)
    show_figure(alt)


def _tiles(maps: np.ndarray) -> np.ndarray:
    """Lay four maps out as two by two, each from 0 to 1, all large enough for a thin white gap."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    maps = (maps - low) / (high - low).clip(1e-9)
    large = np.kron(maps, np.ones((1, -(-128 // maps.shape[1]), -(-128 // maps.shape[2]))))
    large = np.pad(large, ((0, 0), (4, 4), (4, 4)), constant_values=1)
    return np.block([[large[0], large[1]], [large[2], large[3]]])
