"""Figures in one style: pictures, grids of numbers, a figure with its text alternative.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart.
"""

import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from PIL import Image

__all__ = ["COLORS", "as_picture", "in_style", "show_figure", "show_images", "show_numbers"]

COLORS = {
    "train": "#0072B2",
    "validation": "#D55E00",
    "test": "#009E73",
    "mark": "#E69F00",
    "other": "#CC79A7",
    "quiet": "#999999",
}

WIDEST = 9.0  # inches: wider figures are shrunk by the page, and their text with them
# what draws asks for the lessons' style, and leaves the reader's own settings alone
in_style = plt.style.context("helpers.convnets")


@in_style
def show_figure(alt: str) -> None:
    """Show the current figure together with a text for those who cannot see it.

    The text becomes the picture's alternative text on a web page, and its plain-text form in a
    terminal. It says what there is to see, not only what is drawn; a text that says next to
    nothing (fewer than 20 characters) is a ValueError.
    """
    if len(alt) < 20:
        raise ValueError(f"the text alternative {alt!r} is too short: say what there is to see")
    png = _as_png(plt.gcf())
    plt.close()
    data = {"image/png": png, "text/plain": f"Figure: {alt}"}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)


def _as_png(figure) -> bytes:
    """Draw a figure as a PNG file in memory, with one channel if it is grey: a third the size."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    picture = Image.open(buffer).convert("RGB")
    red, green, blue = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        picture = red
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


@in_style
def show_images(
    images: Sequence,
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    columns: int | None = None,
    height: float = 2.4,
    signed: bool = False,
) -> None:
    """Draw pictures side by side, each with its title.

    Parameters
    ----------
    images : sequence of arrays or tensors
        Each (H, W), (H, W, 3), (1, H, W) or (3, H, W); uint8 in 0-255, or float in 0-1.
    titles : sequence of str, optional
        One for each picture.
    alt : str
        The text alternative, see `show_figure`.
    columns : int, optional
        Pictures in a row; all of them if not given.
    height : float
        Height of a picture in inches; less where the row would become too wide.
    signed : bool
        For the outputs of a filter, of any range: 0 is drawn mid-grey, positive lighter and
        negative darker. Each picture has its own scale; its strongest hundredth is cut off.

    Raises
    ------
    ValueError
        For another shape, for float values outside 0-1 without `signed`, or for more or fewer
        titles than images.
    """
    pictures = [as_picture(image) for image in images]
    if titles and len(titles) != len(pictures):
        raise ValueError(f"there are {len(pictures)} pictures, but {len(titles)} titles")
    columns = columns or len(pictures)
    rows = -(-len(pictures) // columns)
    aspect = max(p.shape[1] / p.shape[0] for p in pictures)
    height = min(height, WIDEST / columns / aspect)
    size = (columns * height * max(aspect, 0.6), rows * (height + (0.4 if titles else 0.05)))
    _, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.axis("off")
    for i, (ax, picture) in enumerate(zip(axes.flat, pictures, strict=False)):
        ax.imshow(picture, **_black_and_white(picture, signed))
        ax.set_title(titles[i] if titles else "")
    show_figure(alt)


def as_picture(image: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return a picture as Matplotlib draws it: (H, W), or (H, W, 3) for one in colour.

    It is an array or a tensor, as `show_images` takes it; another shape is a ValueError.
    """
    array = image.detach().cpu().numpy() if hasattr(image, "detach") else np.asarray(image)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[2] not in (1, 3):
        array = array.transpose(1, 2, 0)  # the channels come last for drawing
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3):
        return array
    raise ValueError(
        f"a picture of the shape {array.shape} cannot be drawn: "
        "it takes (H, W), (H, W, 3), (1, H, W) or (3, H, W)"
    )


def _black_and_white(picture: np.ndarray, signed: bool) -> dict[str, float]:
    if signed:
        limit = np.percentile(np.abs(picture), 99) or 1
        return {"vmin": -limit, "vmax": limit}
    if picture.dtype == np.uint8:
        return {"vmin": 0, "vmax": 255}
    low, high = picture.min(), picture.max()
    if low < -1e-6 or high > 1 + 1e-6:
        raise ValueError(
            f"float pictures go from 0 to 1, this one from {low:.3g} to {high:.3g}: "
            "divide by 255, undo the normalisation, or say signed=True for filter outputs"
        )
    return {"vmin": 0, "vmax": 1}


@in_style
def show_numbers(
    grids: Sequence,
    titles: Sequence[str] | None = None,
    *,
    alt: str,
    between: Sequence[str] | None = None,
    marked: Sequence | None = None,
    same_scale: bool = False,
    cell: float = 0.55,
) -> None:
    """Draw small arrays as grids with the number in each cell: kernels, patches, results.

    Parameters
    ----------
    grids : sequence of arrays (H, W)
        Drawn left to right; the grey of a cell shows its value.
    titles : sequence of str, optional
        One for each grid.
    alt : str
        The text alternative, see `show_figure`.
    between : sequence of str, optional
        Signs between the grids, such as `["×", "="]`.
    marked : sequence of (row, column, height, width) or None, optional
        For each grid the rectangle of cells to frame.
    same_scale : bool
        One scale of greys for all grids, where their numbers mean the same.
    cell : float
        Side of a cell in inches.
    """
    grids = [np.atleast_2d(np.asarray(grid)) for grid in grids]
    everything = np.concatenate([grid.ravel() for grid in grids])
    widths = [max(grid.shape[1], 1.2) for grid in grids]
    gap = 1.2 if between else 0.8
    size = (cell * (sum(widths) + gap * len(grids)), cell * (max(len(g) for g in grids) + 1.2))
    figure, axes = plt.subplots(
        1, len(grids), figsize=size, squeeze=False, width_ratios=widths, layout="constrained"
    )
    figure.get_layout_engine().set(wspace=gap / max(widths))
    for i, (ax, grid) in enumerate(zip(axes.flat, grids, strict=True)):
        _draw_numbers(ax, grid, scale=everything if same_scale else grid)
        if titles:
            ax.set_title(titles[i])
        if marked and marked[i]:
            row, column, height, width = marked[i]
            frame = plt.Rectangle((column - 0.5, row - 0.5), width, height, fill=False)
            frame.set(linewidth=4, edgecolor=COLORS["mark"], clip_on=False)
            ax.add_patch(frame)
        if between and i < len(between):
            x = grid.shape[1] - 0.5 + gap / 2
            ax.text(x, (len(grid) - 1) / 2, between[i], ha="center", va="center", size=20)
    show_figure(alt)


def _draw_numbers(ax, grid: np.ndarray, scale: np.ndarray) -> None:
    low, high = float(scale.min()), float(scale.max())
    ax.imshow(grid, vmin=low - 0.3 * (high - low) - 1e-9, vmax=high + 1e-9)
    for (row, column), value in np.ndenumerate(grid):
        dark = value < low + 0.45 * (high - low)
        text = f"{round(float(value), 2) + 0.0:g}"  # + 0.0 turns -0 into 0
        ax.text(column, row, text, ha="center", va="center", color="white" if dark else "black")
    ax.set_xticks(np.arange(-0.5, grid.shape[1]), [])
    ax.set_yticks(np.arange(-0.5, len(grid)), [])
    ax.grid(color=COLORS["quiet"], lw=0.8)
    ax.tick_params(length=0)
    ax.spines[:].set(visible=True, color=COLORS["quiet"])
