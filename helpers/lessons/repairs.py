"""Figures of the lesson When it does not learn."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["show_faults", "show_layers", "show_rates"]

PARTS = ("start", "end")
APART = 0.19  # between two names, as losses


@in_style
def show_faults(
    results: Mapping[str, dict], *, alt: str, names: Sequence[str] | None = None
) -> None:
    """Draw what trainings do to a batch: its loss before, and after learning it by heart.

    Parameters
    ----------
    results : {name: dict with the lists "start" and "end"}
        One value a seed; losses above 0.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    names : sequence of str, optional
        The trainings that are named; all if not given.
    """
    _, ax = plt.subplots(figsize=(9, 5.2), layout="constrained")
    middle = {name: [statistics.median(r[part]) for part in PARTS] for name, r in results.items()}
    named = [name for name in middle if names is None or name in names]
    height = -math.inf
    for name in sorted(middle, key=lambda name: middle[name][1]):
        color = "black" if name.startswith("sound") else COLORS["mark"]
        starts, ends = (results[name][part] for part in PARTS)
        ax.semilogx(starts, ends, "o", color=color, ms=7, alpha=0.6, mew=0)
        if name in named:  # one above the other, each beside its dots if there is room
            x, y = middle[name]
            height = max(y, height + APART) if x < 5 else y + APART
            place = (3.4, height) if x < 5 else (x, height)
            arrow = {"arrowstyle": "-", "color": COLORS["quiet"], "lw": 0.8}
            ax.annotate(name, (x, y), place, va="center", fontsize=11, arrowprops=arrow)
            height = height if x < 5 else y - APART
    ax.axvline(math.log(10), color=COLORS["quiet"], lw=1, zorder=0)
    ax.set_xticks([math.log(10), 5, 10, 20, 50], ["ln 10 = 2.3", "5", "10", "20", "50"])
    ax.minorticks_off()
    ax.set(xlabel="loss of the batch before the first step", xlim=(1.9, 60))
    ax.set(ylabel="its loss after 60 steps on it alone", ylim=(-0.1, 3.1))
    show_figure(alt)


@in_style
def show_layers(nets: Mapping[str, Mapping[str, tuple[float, float]]], *, alt: str) -> None:
    """Draw for each layer of some nets the share of its numbers that are 0, and its gradient.

    Parameters
    ----------
    nets : {net: {layer: (share of zeros, mean size of the gradient)}}
        All with the same layers. A gradient of 0 has no bar.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    """
    _, axes = plt.subplots(1, 2, figsize=(9, 2.8), sharey=True, layout="constrained")
    colors = ["black", COLORS["mark"], COLORS["other"]]
    height = 0.8 / len(nets)
    for k, ((net, layers), color) in enumerate(zip(nets.items(), colors, strict=False)):
        rows = [row + (k - (len(nets) - 1) / 2) * height for row in range(len(layers))]
        zeros, gradients = zip(*layers.values(), strict=True)
        axes[0].barh(rows, [100 * share for share in zeros], 0.9 * height, color=color, label=net)
        axes[1].barh(rows, gradients, 0.9 * height, color=color)
        for row, gradient in zip(rows, gradients, strict=True):
            if gradient == 0:
                axes[1].text(0.01, row, "0", transform=axes[1].get_yaxis_transform(), va="center")
    axes[0].set_yticks(range(len(layers)), list(layers))
    axes[0].invert_yaxis()
    axes[0].set(xlabel="numbers that are 0 (%)", xlim=(0, 100))
    axes[1].set(xlabel="mean size of the gradient")
    axes[1].locator_params(axis="x", nbins=4)
    axes[0].figure.legend(loc="outside upper center", ncols=len(nets), frameon=False)
    show_figure(alt)


@in_style
def show_rates(grid: Mapping, sweeps: Mapping[str, Sequence[float]], *, alt: str) -> None:
    """Draw the loss of short trainings at each learning rate, and where sweeps point to.

    Parameters
    ----------
    grid : dict with "losses", and in its "settings" the "rates"
        For each seed the losses at these rates.
    sweeps : {name: rates}
        What each kind of sweep recommends, one rate a seed.
    alt : str
        The text alternative, see `helpers.plotting.show_figure`.
    """
    _, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for losses in grid["losses"]:
        ax.semilogx(grid["settings"]["rates"], losses, "-o", color="black", ms=4, lw=1, alpha=0.5)
    for row, (name, rates) in enumerate(sweeps.items()):
        height = 0.3 - 0.17 * row
        ax.plot(rates, [height] * len(rates), "v", color=COLORS["mark"], ms=8, alpha=0.8)
        ax.text(0.15, height, name, va="center", fontsize=11)
    ax.set(xlabel="learning rate", ylabel="loss on other pictures", ylim=(-0.2, 2.8))
    show_figure(alt)
