"""Figures in one style: pictures, grids of numbers, networks, each with its text alternative.

Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart.
"""

import io
import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from matplotlib.transforms import Affine2D
from PIL import Image
from torch import nn

from helpers.models import trace_shapes

__all__ = ["COLORS", "as_picture", "in_style", "show_figure", "show_images", "show_network"]
__all__ += ["show_numbers"]

COLORS = {
    "train": "#0072B2",
    "validation": "#D55E00",
    "test": "#009E73",
    "mark": "#E69F00",
    "other": "#CC79A7",
    "quiet": "#999999",
}

PALE = "#A9CBE3"  # of boxes, with black letters; it stands for no part of the data
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
        The text alternative, see `show_figure`.

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
