"""A network drawn, and what its parts do: batch norm, dropout, softmax and loss, feature maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Affine2D
from torch import nn

from helpers.models import trace_shapes
from helpers.plotting import COLORS, WIDEST, as_picture, in_style, show_figure

__all__ = ["show_batch_norm", "show_dropout", "show_network", "show_softmax_and_loss"]
__all__ += ["show_what_it_sees"]

PALE = "#A9CBE3"  # of boxes, with black letters; it stands for no part of the data


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
        maps, 2, figsize=(9, 0.8 * maps + 0.9), sharex=True, layout="constrained"
    )
    for (row, column), ax in np.ndenumerate(axes):
        values = both[column][:, row].flatten().numpy()
        ax.hist(values, bins=bins, color="#56B4E9")
        ax.axvline(values.mean(), color="black", lw=2)
        free, side = (0, "left") if values.mean() > bins.mean() else (1, "right")
        text = f"mean {values.mean():.1f}\ndeviation {values.std():.1f}".replace("-0.0", "0.0")
        ax.text(free, 1, text, transform=ax.transAxes, ha=side, va="top", size=11)
        ax.set_yticks([])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.spines["left"].set_visible(False)
    for row, k in enumerate(chosen):
        axes[row, 0].set_ylabel(f"map {k}", rotation=0, ha="right", va="center")
    for ax, title in zip(axes[0], ("before batch norm", "after"), strict=True):
        ax.set_title(title, weight="bold")
    show_figure(alt)


@in_style
def show_dropout(dropout: nn.Dropout, X: torch.Tensor, *, alt: str) -> None:
    """Draw what a dropout layer makes of a row of numbers: twice in train mode, once in eval mode.

    A bar is as high as its number, a cross is a 0, the broken line is the mean. The layer keeps
    the mode it had.

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
    if X.ndim != 1 or not len(X) or X.min() < 0:
        raise ValueError(f"X has the shape {tuple(X.shape)}: give one row of numbers from 0 up")
    mode = dropout.training
    rows = {"train": dropout.train()(X), "train, again": dropout(X), "eval": dropout.eval()(X)}
    dropout.train(mode)
    _, axes = plt.subplots(len(rows), 1, figsize=(9, 2.9), sharey=True, layout="constrained")
    for ax, (name, row) in zip(axes, rows.items(), strict=True):
        row, zeros = row.detach().cpu().numpy(), np.flatnonzero(row.detach().cpu() == 0)
        ax.bar(range(len(row)), row, color="#56B4E9")
        if len(zeros):
            ax.plot(zeros, 0 * zeros, "x", color="black", ms=5, clip_on=False)
        ax.axhline(row.mean(), color="black", lw=1, ls="--")
        text = f"{len(zeros)} of {len(row)} are 0, mean {row.mean():.2f}"
        ax.set_title(f"{name}: {text}", loc="left")
        ax.set(xticks=[], xlim=(-0.7, len(row) - 0.3))
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
            f"the label is {label}: give one score a class, and a label from 0 to "
            f"{len(classes) - 1}"
        )
    scores = scores.detach().float().cpu()
    shares, log_p = scores.softmax(dim=0), scores.log_softmax(dim=0)
    p, loss = shares[label].item(), -log_p[label].item()
    colors = [COLORS["mark"] if k == label else COLORS["quiet"] for k in range(len(classes))]
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    for ax, values, form in (
        (left, scores.numpy(), "{:g}"),
        (middle, 100 * shares.numpy(), "{:.0f} %"),
    ):
        bars = ax.bar(classes, values, color=colors)
        texts = [form.format(round(float(value), 2)).replace("-", "−") for value in values]
        ax.bar_label(bars, texts, padding=2, size=11)
        ax.axhline(0, color="black", lw=0.8)
        ax.set(yticks=[], xlabel="class")
        ax.spines[:].set_visible(False)
        ax.margins(y=0.12)
    middle.set_ylim(0, 110)
    curve = np.linspace(0.002, 1, 500)
    right.plot(curve, -np.log(curve), color="black")
    for x, what in ((1, "sure"), (0.5, "one half"), (1 / len(classes), "guessing")):
        height = -np.log(x) + 0.0
        right.plot(x, height, "o", color="black", ms=5, clip_on=False)
        place = {"xytext": (5, 6), "textcoords": "offset points", "size": 11}
        right.annotate(f"{what}: {round(height, 2):g}", (x, height), **place)
    right.plot([p, p, 0], [0, loss, loss], ":", color="black")
    dot = {"ms": 11, "color": COLORS["mark"], "mec": "black", "clip_on": False, "ls": ""}
    right.plot(p, loss, "o", label=f"here: −log {p:.2g} = {loss:.2f}", **dot)
    right.legend(loc="upper right", frameon=False, handletextpad=0)
    right.set(xlabel="p, probability of the right class", ylabel="loss", xticks=[0, 0.5, 1])
    right.set(xlim=(0, 1.3), ylim=(0, max(5, 1.3 * loss)))
    titles = ("scores", "softmax → probabilities", "−log p → loss")
    for ax, title in zip((left, middle, right), titles, strict=True):
        ax.set_title(title, weight="bold")
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
    chosen_layers = [model.get_submodule(name) for name in layers]
    hooks = [
        layer.register_forward_hook(lambda _, inputs, output: seen.append(output[0].cpu()))
        for layer in chosen_layers
    ]
    with torch.no_grad():
        device = next(model.parameters()).device
        output = model.eval()(picture[None].to(device))[0].cpu()
    for hook in hooks:
        hook.remove()
    model.train(mode)
    for name, maps in zip(layers, seen, strict=True):
        if maps.ndim != 3:
            raise ValueError(
                f"the layer {name!r} makes {tuple(maps.shape)} of a picture: choose one that "
                "makes maps (channels, height, width)"
            )
    if len(output) != len(classes):
        raise ValueError(f"there are {len(output)} probabilities, but {len(classes)} names")
    shares = output.float().softmax(dim=0).numpy()
    picture = (picture - picture.min()) / (picture.max() - picture.min()).clip(1e-9)
    _, axes = plt.subplots(1, len(layers) + 2, figsize=(9, 2.5), layout="constrained")
    axes[0].imshow(as_picture(picture))
    axes[0].set_title(f"picture\n{' × '.join(map(str, picture.shape))}", size=11)
    for ax, name, maps in zip(axes[1:], layers, seen, strict=False):
        chosen = maps.flatten(1).std(dim=1).argsort(descending=True)[:4]
        ax.imshow(_tiles(maps[chosen].float().numpy()), vmin=0, vmax=1)
        ax.set_title(f"{name}\n{len(maps)} maps, {maps.shape[1]} × {maps.shape[2]}", size=11)
    for ax in axes[:-1]:
        ax.axis("off")
        ax.text(1.1, 0.5, "→", transform=ax.transAxes, ha="center", va="center", size=16)
    best, last = int(shares.argmax()), axes[-1]
    colors = [COLORS["mark"] if k == best else COLORS["quiet"] for k in range(len(classes))]
    bars = last.barh(classes, 100 * shares, color=colors)
    last.bar_label(bars, [f"{100 * share:.0f} %" for share in shares], padding=3, size=11)
    last.invert_yaxis()
    last.set(xticks=[], xlim=(0, 150), box_aspect=1)
    last.set_title("probability\nof each class", size=11)
    last.spines["bottom"].set_visible(False)
    show_figure(alt)


def _tiles(maps: np.ndarray) -> np.ndarray:
    """Lay four maps out two by two, with white between; each from 0 to 1, a few of it above."""
    low = maps.min(axis=(1, 2), keepdims=True)
    high = np.percentile(maps, 99, axis=(1, 2), keepdims=True)
    maps = (maps - low) / (high - low).clip(1e-9)
    large = np.kron(maps, np.ones((1, -(-128 // maps.shape[1]), -(-128 // maps.shape[2]))))
    large = np.pad(large, ((0, 0), (4, 4), (4, 4)), constant_values=1)
    return np.block([[large[0], large[1]], [large[2], large[3]]])


@in_style
def show_network(model: nn.Module, X: torch.Tensor, *, alt: str) -> None:
    """Draw a network from left to right: what each layer makes, and below it its parameters.

    A box is a layer that learns, with what follows it, or one that makes another shape. Maps are
    as large as they are in comparison to the others; their number shows as thickness (it goes with
    its square root), the length of a row of numbers as a column (it goes with its logarithm). The
    bars below are true to scale; the largest is coloured, and its box.

    Parameters
    ----------
    model : nn.Module
        What `forward` does by functions, without a layer, cannot be seen.
    X : float tensor (N, channels, height, width) or (N, numbers)
        A batch that the model takes. Its first picture is drawn.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.

    Raises
    ------
    ValueError
        If the model does not take X, as `helpers.models.trace_shapes`.
    """
    boxes = _boxes(trace_shapes(model, X), tuple(X.shape[1:]))
    maps = [shape for _, _, shape, _ in boxes if len(shape) == 3] or [(1, 1, 1)]
    most, side = max(64, *(n for n, _, _ in maps)), max(max(shape[1:]) for shape in maps)
    longest = max([1, *(math.prod(shape) for _, _, shape, _ in boxes if len(shape) != 3)])
    total, largest = sum(box[3] for box in boxes), max(1, *(box[3] for box in boxes))
    width = WIDEST / len(boxes)
    size = 11 if width > 1.1 else 9  # of letters, in points
    top = 0.95 + size / 58 * max(kinds.count("\n") + 1 for _, kinds, _, _ in boxes)  # inches
    figure, ax = plt.subplots(figsize=(WIDEST, top + 3.2))
    figure.subplots_adjust(0, 0, 1, 1)
    for i, (name, kinds, shape, parameters) in enumerate(boxes):
        x, color = (i + 0.5) * width, COLORS["mark"] if parameters == largest else PALE
        count = math.prod(shape)
        if len(shape) == 3:
            scale = min(1.25, 1.2 * width) / side
            thick = max(0.05, 0.4 * width * (shape[0] / most) ** 0.5)
            sides = (shape[1] * scale, shape[2] * scale, thick)
            what = "map" if i else "channel"
            made = f"{shape[0]} {what}{'s' * (shape[0] > 1)}\n{shape[1]} × {shape[2]}"
        else:
            sides = (1.5 * math.log(1 + count, 1 + longest), 0, 0.14)
            made = f"{count:,}\nnumber{'s' * (count > 1)}"
        _draw_box(ax, x, sides, color, None if i else X[0])
        learned = f"{parameters:,}" if i else ""
        if parameters == largest:
            learned += f"\n{100 * parameters / total:.3g} %"
        for y, text in ((top, kinds), (-0.9, made), (-2.42, learned)):
            ax.text(x, y, text, ha="center", va="top", size=size)
        ax.text(x, top + 0.25, name, ha="center", va="top", size=size, weight="bold")
        ax.bar(x, 0.85 * parameters / largest, min(0.8, 0.6 * width), bottom=-2.35, color=color)
        if i:
            arrow = {"arrowstyle": "-|>", "color": "black"}
            ax.annotate("", ((i + 0.18) * width, 0), ((i - 0.12) * width, 0), arrowprops=arrow)
    in_all = f"parameters\n{total:,}\nin all"
    ax.text(width / 2, -1.95, in_all, ha="center", va="center", size=size)
    ax.hlines(-2.35, width, WIDEST, color=COLORS["quiet"], lw=0.8)
    ax.set(xlim=(0, WIDEST), ylim=(-2.9, top + 0.3))  # inches
    ax.axis("off")
    show_figure(alt)


def _boxes(rows, shape) -> list[tuple[str, str, tuple[int, ...], int]]:
    """Gather the rows of `trace_shapes`: name, layers, shape for one sample, parameters."""
    boxes = [("input", "", shape, 0)]
    for layer, shape, parameters in rows:
        path, kind = layer.removesuffix(")").split(" (")
        name, kind = path.split(".")[0], kind.replace("Adaptive", "Adaptive\n")  # else too long
        old_name, kinds, old_shape, before = boxes[-1]
        learns = parameters and "Norm" not in kind
        reshapes = shape[1:] != old_shape and before and kind != "MaxPool2d"
        if learns or reshapes or len(boxes) == 1:
            boxes.append(("" if name.isdigit() else name, kind, shape[1:], parameters))
        else:
            boxes[-1] = (old_name, f"{kinds}\n{kind}", shape[1:], before + parameters)
    return boxes


def _draw_box(ax, x, sides, color, picture) -> None:
    """Draw a box seen from the side; `sides` are height, width and thickness, x is its middle."""
    height, width, thick = sides
    right, up = 0.5 * width, 0.28 * width  # where the width leads to
    edge, low = x + (thick - right) / 2, -(height + up) / 2
    near = np.array([edge, low])  # the corner in front
    front = near + np.array([(0, 0), (-thick, 0), (-thick, height), (0, height)])
    face = near + np.array([(0, 0), (right, up), (right, up + height), (0, height)])
    top = np.array([front[2], front[3], face[2], face[2] - np.array([thick, 0])])
    for corners, fill in ((front, color), (top, "white"), (face, color)):
        ax.add_patch(plt.Polygon(corners, fc=fill, ec="black", lw=0.8))
    if picture is not None and len(picture) in (1, 3):
        picture = as_picture(picture).astype(float)
        picture = (picture - picture.min()) / max(1e-9, np.ptp(picture))
        onto = Affine2D.from_values(right, up, 0, height, edge, low) + ax.transData
        ax.imshow(picture, extent=(0, 1, 0, 1), transform=onto, zorder=3, aspect="auto")
        ax.add_patch(plt.Polygon(face, fill=False, ec="black", lw=0.8, zorder=4))
