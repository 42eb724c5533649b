"""A 3×3 kernel to play with: nine numbers, and the filtered picture beside them."""

from __future__ import annotations

import cv2
import ipywidgets as widgets
import numpy as np
from IPython.display import display

__all__ = ["KERNELS", "explore_kernel", "filtered"]

KERNELS = {
    "unchanged": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "blur": [[1 / 9] * 3] * 3,
    "vertical edges": [[-1, 0, 1]] * 3,
    "vertical edges (Sobel)": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges (Sobel)": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "all edges": [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}


def filtered(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter a grey picture and make the result fit to be drawn.

    Parameters
    ----------
    picture : float array (H, W), 0-1
    kernel : array (3, 3)

    Returns
    -------
    uint8 array (H, W)
        If the nine numbers add up to 0, a response of 0 is mid-grey (128), and the strongest
        hundredth white or black. Otherwise brightness, cut off below 0 and above 1.
    """
    response = cv2.filter2D(np.float32(picture), -1, np.float32(kernel))
    if abs(np.sum(kernel)) < 1e-6:
        response = 0.5 + response / (2 * max(np.percentile(np.abs(response), 99), 1e-6))
    return np.uint8(np.round(255 * response.clip(0, 1)))


def explore_kernel(picture: np.ndarray, start: str = "vertical edges") -> None:
    """Show nine editable numbers and the picture filtered with them, redrawn at every change.

    Where widgets cannot run (a printed page, a web view of the notebook), the picture filtered
    with the first kernel is shown instead.

    Parameters
    ----------
    picture : float array (H, W), 0-1
    start : str
        A name out of `KERNELS`.

    Raises
    ------
    ValueError
        For a name that is not in `KERNELS`.
    """
    if start not in KERNELS:
        raise ValueError(f"no kernel is called {start!r}: choose from {', '.join(KERNELS)}")
    box = widgets.Layout(width="70px")
    cells = [widgets.FloatText(step=0.5, layout=box) for _ in range(9)]
    choice = widgets.Dropdown(options=list(KERNELS), value=start, layout={"width": "220px"})
    total = widgets.Label()
    image = widgets.Image(format="png", layout={"width": "380px"})

    def redraw(_=None):
        kernel = np.reshape([cell.value for cell in cells], (3, 3))
        total.value = f"The nine numbers add up to {kernel.sum():.3g}."
        both = np.hstack([np.uint8(np.round(255 * picture)), filtered(picture, kernel)])
        image.value = cv2.imencode(".png", both)[1].tobytes()

    def choose(_=None):
        for cell, value in zip(cells, np.ravel(KERNELS[choice.value]), strict=True):
            cell.value = round(float(value), 4)
        redraw()

    choose()
    choice.observe(choose, "value")
    for cell in cells:
        cell.observe(redraw, "value")
    grid = widgets.GridBox(cells, layout={"grid_template_columns": "repeat(3, 76px)"})
    panel = widgets.HBox([widgets.VBox([choice, grid, total]), image])

    alt = f"The picture and, beside it, the picture filtered with the kernel {start!r}."
    live = panel._repr_mimebundle_()  # the live panel and a still picture, in one output:
    live = live[0] if isinstance(live, tuple) else live  # the page takes what it can show
    display(
        {**live, "image/png": bytes(image.value), "text/plain": f"Figure: {alt}"},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )
