"""The networks of the lessons, and a tracer that shows what shape each layer makes."""

from __future__ import annotations

import copy
from collections import OrderedDict

import torch
from torch import nn

__all__ = ["BlockNet", "FourConvNet", "RemedyNet", "Residual", "SignsNet", "TanhConvNet"]
__all__ += ["TanhMLP", "TinyNet", "trace_shapes"]


class _Layers(nn.Sequential):
    """Layers that run in the order in which they are added; a slice of them is a plain net."""

    def __getitem__(self, index):
        if isinstance(index, slice):  # PyTorch would call the subclass with a dict of layers
            return nn.Sequential(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


class SignsNet(_Layers):
    """Three convolutional blocks and two fully connected layers.

    Input: float (N, 3, 64, 64). Output: log-probabilities (N, 6). 1,143,430 parameters.
    Source: the vision example of Stanford's course CS230, 2018.

    Parameters
    ----------
    size : int
        Height and width of the pictures in pixels, a multiple of 8: else there is a ValueError.
    channels : int
        Feature maps of the first block; the second makes twice, the third four times as many.
    classes : int
    dropout : float
        Share of the hidden numbers that are set to 0 while training.
    """

    def __init__(self, size=64, channels=32, classes=6, dropout=0.5):
        if size < 8 or size % 8:
            raise ValueError(f"size is {size}: it is halved three times, so give a multiple of 8")
        super().__init__()
        last = 4 * channels
        self.block1 = self._block(3, channels)
        self.block2 = self._block(channels, 2 * channels)
        self.block3 = self._block(2 * channels, last)
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(last * (size // 8) ** 2, last)
        self.hidden_norm = nn.BatchNorm1d(last)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(last, classes)
        self.log_softmax = nn.LogSoftmax(dim=1)

    @staticmethod
    def _block(before, after):
        conv = nn.Conv2d(before, after, kernel_size=3, padding=1)
        return nn.Sequential(conv, nn.BatchNorm2d(after), nn.MaxPool2d(2), nn.ReLU())


class TinyNet(_Layers):
    """Two blocks of four feature maps and one linear layer.

    Input: float (N, 1, 28, 28). Output: scores (N, 10). 2,174 parameters.
    Source: an early tutorial on Fashion-MNIST (Analytics Vidhya, 2019).
    """

    def __init__(self):
        super().__init__()
        for before in (1, 4):
            conv = nn.Conv2d(before, 4, kernel_size=3, padding=1)
            self.extend([conv, nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)])
        self.extend([nn.Flatten(), nn.Linear(4 * 7 * 7, 10)])


class FourConvNet(_Layers):
    """Four convolutions and three linear layers, without batch norm.

    Input: float (N, 1, 28, 28). Output: scores (N, 10). 280,186 parameters.
    Source: a widely read tutorial on Fashion-MNIST.
    """

    def __init__(self):
        super().__init__()
        self.extend([nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU()])
        self.extend([nn.Conv2d(16, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)])
        self.extend([nn.Conv2d(16, 32, kernel_size=5, padding=1), nn.ReLU()])
        self.extend([nn.Conv2d(32, 32, kernel_size=5, padding=1), nn.ReLU(), nn.MaxPool2d(2)])
        self.extend([nn.Flatten(), nn.Linear(32 * 5 * 5, 256), nn.ReLU()])
        self.extend([nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)])


class BlockNet(_Layers):
    """Blocks of convolution, pooling, batch norm and ReLU, then one linear layer.

    Input: float (N, channels, size, size). Output: scores (N, classes). 29,178 parameters as
    given by default. Pooling comes early, so that what follows has a quarter of the numbers.

    Raises ValueError if the blocks halve the size to nothing, or widths and depths do not pair.

    Parameters
    ----------
    widths : sequence of int
        Feature maps of each block; each block halves the size, rounding down.
    depths : sequence of int, optional
        Convolutions in each block, by default 1. Those after the first keep the size.
    channels, size, classes : int
        Channels of a picture, its height and width in pixels; number of classes.
    pool_first : bool
        Pool after the first convolution of a block. If not, at its end.
    global_average : bool
        Average each of the last feature maps to one number, instead of flattening.
    """

    def __init__(
        self,
        widths=(16, 32, 64),
        depths=None,
        channels=1,
        size=28,
        classes=10,
        pool_first=True,
        global_average=False,
    ):
        super().__init__()
        depths = depths or [1] * len(widths)
        if len(depths) != len(widths):
            raise ValueError(f"there are {len(widths)} widths, but {len(depths)} depths")
        side = size >> len(widths)
        if side == 0:
            raise ValueError(f"{len(widths)} blocks halve {size} pixels to nothing: give fewer")
        before = channels
        for width, depth in zip(widths, depths, strict=True):
            for k in range(depth):
                # batch norm shifts by itself, so the convolution needs no bias
                self.append(nn.Conv2d(before, width, kernel_size=3, padding=1, bias=False))
                if k == 0 and pool_first:
                    self.append(nn.MaxPool2d(2))
                self.extend([nn.BatchNorm2d(width), nn.ReLU()])
                before = width
            if not pool_first:
                self.append(nn.MaxPool2d(2))
        if global_average:
            self.append(nn.AdaptiveAvgPool2d(1))
            side = 1
        self.extend([nn.Flatten(), nn.Linear(before * side * side, classes)])


class TanhMLP(_Layers):
    """Fully connected layers with tanh between them.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 393,602 parameters as given by default;
    with the widths (1024, 512, 128) there are 3,737,474.
    Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020, chapter 7.
    """

    def __init__(self, widths=(128,)):
        super().__init__(nn.Flatten())
        before = 3 * 32 * 32
        for width in widths:
            self.extend([nn.Linear(before, width), nn.Tanh()])
            before = width
        self.append(nn.Linear(before, 2))


class TanhConvNet(_Layers):
    """Two convolutions and two linear layers, with tanh.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 18,090 parameters.
    Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020, chapter 8.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.tanh1, self.pool1 = nn.Tanh(), nn.MaxPool2d(2)  # (N, 16, 16, 16)
        self.conv2 = nn.Conv2d(16, 8, kernel_size=3, padding=1)
        self.tanh2, self.pool2 = nn.Tanh(), nn.MaxPool2d(2)  # (N, 8, 8, 8)
        self.flatten = nn.Flatten()
        self.hidden = nn.Linear(8 * 8 * 8, 32)
        self.tanh3 = nn.Tanh()
        self.output = nn.Linear(32, 2)


class Residual(nn.Module):
    """A part of a net with a way around it: X + part(X).

    `part` must keep the shape of X. Source: He et al., 2015, arXiv:1512.03385.
    """

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, X):
        return X + self.part(X)


class RemedyNet(_Layers):
    """The convolutional net for birds and airplanes, with ReLU, and with remedies to choose.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 18,090 parameters as given by default,
    38,386 with width 32. Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020.

    `width` is the number of feature maps of the first convolution; the others have half as many.
    `blocks` adds convolutions at 8 × 8 pixels, each with 584 parameters at width 16, and `skip` a
    way around each of these. `batch_norm` comes after each convolution, which then needs no bias.
    `dropout` is the share of numbers set to 0 before each linear layer while training.
    """

    def __init__(self, width=16, blocks=0, batch_norm=False, dropout=0.0, skip=False):
        super().__init__()
        half = width // 2

        def conv(before, after):
            layer = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm)
            norm = [nn.BatchNorm2d(after)] if batch_norm else []
            return nn.Sequential(layer, *norm, nn.ReLU())

        deep = [conv(half, half) for _ in range(blocks)]
        self.extend([*conv(3, width), nn.MaxPool2d(2)])
        self.extend([*conv(width, half), nn.MaxPool2d(2)])
        self.extend([Residual(part) for part in deep] if skip else deep)
        self.extend([nn.Flatten(), nn.Dropout(dropout), nn.Linear(half * 8 * 8, 32), nn.ReLU()])
        self.extend([nn.Dropout(dropout), nn.Linear(32, 2)])


def trace_shapes(model: nn.Module, X: torch.Tensor) -> list[tuple[str, tuple[int, ...], int]]:
    """Run one batch through a copy of a model and list what each layer makes.

    Parameters
    ----------
    model : nn.Module
    X : tensor
        A batch that the model takes, such as `torch.zeros(1, 3, 64, 64)`.

    Returns
    -------
    list of (layer, output shape, parameters)
        In the order in which the layers run; layers that hold others are left out. If the model
        stops half-way, there is a ValueError that shows the list up to there.
    """
    model = copy.deepcopy(model).eval()  # in eval mode a batch of one is fine for batch norm
    names = {layer: name or "model" for name, layer in model.named_modules()}
    rows = []

    def note(layer, inputs, output):
        parameters = sum(p.numel() for p in layer.parameters())
        rows.append((f"{names[layer]} ({type(layer).__name__})", tuple(output.shape), parameters))

    for layer in names:
        if not list(layer.children()):
            layer.register_forward_hook(note)
    try:
        with torch.no_grad():
            model(X)
    except (RuntimeError, ValueError) as error:
        trace = "\n".join(f"  {name}: {shape}" for name, shape, _ in rows)
        raise ValueError(
            f"a batch of the shape {tuple(X.shape)} stops half-way: {error}\nIt came to:\n{trace}"
        ) from None  # the message says it all
    return rows
