"""The figure of the first lesson: training as a loop."""

from __future__ import annotations

import matplotlib.pyplot as plt

from helpers.plotting import COLORS, in_style, show_figure

__all__ = ["show_training_flow"]

FLOW = [
    ("data", "a batch of\npictures"),
    ("model", "makes a\nprediction"),
    ("loss", "how wrong\nis it?"),
    ("backward", "which way\nis better?"),
    ("step", "go a little\nthat way"),
    ("evaluate", "on pictures\nnever seen"),
]
FLOW_ALT = (
    "Six boxes in a row: data, model, loss, backward, step, evaluate. An arrow leads from step "
    "back to data, again with the next batch; evaluate comes after the loop."
)


@in_style
def show_training_flow(alt: str = FLOW_ALT) -> None:
    """Draw the six steps of training as boxes, with the loop from the step back to the data."""
    _, ax = plt.subplots(figsize=(10, 2.2))
    arrow = {"arrowstyle": "-|>", "lw": 2, "color": "black", "shrinkA": 0, "shrinkB": 0}
    for i, (name, what) in enumerate(FLOW):
        color = COLORS["test"] if name == "evaluate" else COLORS["train"]
        ax.add_patch(plt.Rectangle((i - 0.41, -0.3), 0.82, 0.6, fc=color, ec="black", alpha=0.25))
        ax.text(i, 0.1, name, ha="center", va="center", weight="bold", size=13)
        ax.text(i, -0.13, what, ha="center", va="center", size=10)
        if i:
            ax.annotate("", (i - 0.42, 0), (i - 0.58, 0), arrowprops=arrow)
    turn = arrow | {"connectionstyle": "bar,angle=180,fraction=-0.12"}
    ax.annotate("", (0, -0.31), (4, -0.31), arrowprops=turn)
    ax.text(2, -0.56, "again, with the next batch", ha="center", va="center", size=11)
    ax.set(xlim=(-0.5, len(FLOW) - 0.5), ylim=(-0.95, 0.35))
    ax.axis("off")
    show_figure(alt)
