"""What the lesson "CIFAR-10 at speed" uses: its steps as a walk, and a batch changed at once."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["mirror_and_shift", "show_walk"]


def mirror_and_shift(
    X: torch.Tensor, flips: torch.Tensor, down: torch.Tensor, across: torch.Tensor
) -> torch.Tensor:
    """Mirror and shift each picture of a batch as it is told, without a loop.

    Parameters
    ----------
    X : float tensor (N, C, H, W)
        On any device. What comes in at a border is the mirror image there, as in `random_crop`.
    flips : bool tensor (N,)
        True for pictures to be mirrored left to right, before they are shifted.
    down, across : int64 tensors (N,)
        Where the window begins, 0 to 4, in the picture with 2 more pixels at each side.

    Returns
    -------
    tensor (N, C, H, W)
        New.
    """
    flipped = torch.where(flips[:, None, None, None], X.flip(3), X)
    wide = F.pad(flipped, [2] * 4, mode="reflect")
    windows = wide.unfold(2, X.shape[2], 1).unfold(3, X.shape[3], 1)
    picture = torch.arange(len(X), device=X.device)
    return windows[picture, :, down, across]


@in_style
def show_walk(
    seconds: Mapping[str, float], accuracy: Mapping[str, Sequence[float]], *, alt: str
) -> None:
    """Draw the steps of a training as dots joined by arrows: faster to the right, better up.

    Parameters
    ----------
    seconds : {name of the step: seconds an epoch}
        In order. A step of `accuracy` that has no seconds of its own, such as the mirror, takes
        those of the step before.
    accuracy : {name: shares 0-1, one a seed}
        In order; the mean is drawn.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    """
    x, y = [], []
    for name, shares in accuracy.items():
        x.append(seconds.get(name, x[-1] if x else None))
        y.append(100 * statistics.mean(shares))
    _, ax = plt.subplots(figsize=(8, 4.2), layout="constrained")
    ax.plot(x, y, "o", color="black")
    arrow = {"arrowstyle": "-|>", "lw": 2, "shrinkA": 4, "shrinkB": 4}
    for k, name in enumerate(accuracy):
        if k:
            worse = y[k] < y[k - 1] - 0.5
            arrow["color"] = COLORS["validation" if worse else "test"]
            ax.annotate("", (x[k], y[k]), (x[k - 1], y[k - 1]), arrowprops=dict(arrow))
        moved = k > 0 and x[k] != x[k - 1]
        level = k == 0 or (moved and abs(y[k] - y[k - 1]) < 0.5)
        if level and k and max(x[k], x[k - 1]) < 1.15 * min(x[k], x[k - 1]):
            place = {"xytext": (-9, 0), "ha": "right"}  # the dot before is near, its name beside it
        elif level:  # above and below
            place = {"xytext": (0, -18 if k % 2 else 8), "ha": "center"}
        else:
            place = {"xytext": (9, -4 if moved else 4)}
        ax.annotate(f"{k} {name}" if k else name, (x[k], y[k]), textcoords="offset points", **place)
    ax.set(xscale="log", xlim=(1.35 * max(x), min(x) / 2), ylim=(min(y) - 4, max(y) + 4))
    ax.xaxis.set_major_formatter("{x:g}")
    ticks = [value * 10**power for power in range(-2, 4) for value in (1, 2, 5)]
    ax.set_xticks([tick for tick in ticks if min(x) / 2 < tick < 1.35 * max(x)])
    ax.minorticks_off()
    ax.set(xlabel="seconds an epoch (faster →)", ylabel="right after two epochs (%)")
    show_figure(alt)
