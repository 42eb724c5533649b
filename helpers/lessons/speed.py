"""The figure of the lesson "CIFAR-10 at speed": its steps as a walk."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["show_walk"]


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
