"""The networks of the lessons, and a tracer that shows what shape each layer makes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["BlockNet", "FourConvNet", "RemedyNet", "Residual", "SignsNet", "TanhConvNet"]
__all__ += ["TanhMLP", "TinyNet", "trace_shapes"]


class SignsNet(nn.Module):
    """Three convolutional blocks and two fully connected layers. Built in lesson 04.

    Input: float (N, 3, 64, 64). Output: log-probabilities (N, 6). 1,143,430 parameters.
    Source: the vision example of Stanford's course CS230, 2018.

    Parameters
    ----------
    size : int
        Height and width of the pictures in pixels, a multiple of 8.
    channels : int
        Feature maps of the first block; the second makes twice, the third four times as many.
    classes : int
        Number of classes.
    dropout : float
        Share of the hidden numbers that are set to 0 while training.

    Raises
    ------
    ValueError
        If ``size`` is not a multiple of 8, because three poolings halve it three times.
    """

    def __init__(self, size=64, channels=32, classes=6, dropout=0.5):
        super().__init__()
        if size < 8 or size % 8:
            raise ValueError(f"size is {size}: it is halved three times, so give a multiple of 8")
        self.block1 = self._block(3, channels)
        self.block2 = self._block(channels, 2 * channels)
        self.block3 = self._block(2 * channels, 4 * channels)
        self.hidden = nn.Linear(4 * channels * (size // 8) ** 2, 4 * channels)
        self.hidden_norm = nn.BatchNorm1d(4 * channels)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(4 * channels, classes)

    @staticmethod
    def _block(before, after):
        return nn.Sequential(
            nn.Conv2d(before, after, kernel_size=3, padding=1),
            nn.BatchNorm2d(after),
            nn.MaxPool2d(2),
            nn.ReLU(),
        )

    def forward(self, X):
        X = self.block1(X)
        X = self.block2(X)
        X = self.block3(X)
        X = X.flatten(1)
        X = self.dropout(F.relu(self.hidden_norm(self.hidden(X))))
        return F.log_softmax(self.output(X), dim=1)


class TinyNet(nn.Sequential):
    """Two blocks of four feature maps and one linear layer. Built in lesson 05.

    Input: float (N, 1, 28, 28). Output: scores (N, 10). 2,174 parameters.
    Source: an early tutorial on Fashion-MNIST (Analytics Vidhya, 2019).
    """

    def __init__(self):
        super().__init__(
            *(nn.Conv2d(1, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
            nn.MaxPool2d(2),
            *(nn.Conv2d(4, 4, kernel_size=3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
            nn.MaxPool2d(2),
            *(nn.Flatten(), nn.Linear(4 * 7 * 7, 10)),
        )


class FourConvNet(nn.Sequential):
    """Four convolutions and three linear layers, without batch norm. Built in lesson 05.

    Input: float (N, 1, 28, 28). Output: scores (N, 10). 280,186 parameters.
    Source: a widely read tutorial on Fashion-MNIST; see lesson 05.
    """

    def __init__(self):
        super().__init__(
            *(nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 16, kernel_size=3, padding=1), nn.ReLU()),
            nn.MaxPool2d(2),
            *(nn.Conv2d(16, 32, kernel_size=5, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 32, kernel_size=5, padding=1), nn.ReLU()),
            nn.MaxPool2d(2),
            *(nn.Flatten(), nn.Linear(32 * 5 * 5, 256), nn.ReLU()),
            *(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)),
        )


class BlockNet(nn.Sequential):
    """Blocks of convolution, pooling, batch norm and ReLU, then one linear layer. Lesson 05.

    Input: float (N, channels, size, size). Output: scores (N, classes). 29,178 parameters as
    given by default. Pooling comes early, so that what follows has a quarter of the numbers.

    Parameters
    ----------
    widths : sequence of int
        Feature maps of each block; each block halves the size, rounding down.
    depths : sequence of int, optional
        Convolutions in each block, by default 1. Those after the first keep the size.
    channels, size : int
        Channels of a picture, and its height and width in pixels.
    classes : int
    pool_first : bool
        Pool after the first convolution of a block. If not, at its end (lesson 08).
    global_average : bool
        Average each of the last feature maps to one number, instead of flattening (lesson 08).

    Raises
    ------
    ValueError
        If the blocks halve the size to nothing, or widths and depths differ in length.
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
        depths = depths or [1] * len(widths)
        if len(depths) != len(widths):
            raise ValueError(f"there are {len(widths)} widths, but {len(depths)} depths")
        if size >> len(widths) == 0:
            raise ValueError(
                f"{len(widths)} blocks halve {size} pixels to nothing: give fewer blocks"
            )
        layers, before = [], channels
        for width, depth in zip(widths, depths, strict=True):
            for k in range(depth):
                # batch norm shifts by itself, so the convolution needs no bias
                layers.append(nn.Conv2d(before, width, kernel_size=3, padding=1, bias=False))
                layers += [nn.MaxPool2d(2)] if k == 0 and pool_first else []
                layers += [nn.BatchNorm2d(width), nn.ReLU()]
                before = width
            layers += [] if pool_first else [nn.MaxPool2d(2)]
        if global_average:
            layers.append(nn.AdaptiveAvgPool2d(1))
        side = 1 if global_average else size >> len(widths)
        super().__init__(*layers, nn.Flatten(), nn.Linear(before * side * side, classes))


class TanhMLP(nn.Sequential):
    """Fully connected layers with tanh between them. Built in lesson 06.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 393,602 parameters as given by default;
    with the widths (1024, 512, 128) there are 3,737,474.
    Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020, chapter 7.
    """

    def __init__(self, widths=(128,)):
        layers, before = [nn.Flatten()], 3 * 32 * 32
        for width in widths:
            layers += [nn.Linear(before, width), nn.Tanh()]
            before = width
        super().__init__(*layers, nn.Linear(before, 2))


class TanhConvNet(nn.Module):
    """Two convolutions and two linear layers, with tanh. Built in lesson 06.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 18,090 parameters.
    Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020, chapter 8.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 8, kernel_size=3, padding=1)
        self.hidden = nn.Linear(8 * 8 * 8, 32)
        self.output = nn.Linear(32, 2)

    def forward(self, X):
        X = F.max_pool2d(torch.tanh(self.conv1(X)), 2)  # (N, 16, 16, 16)
        X = F.max_pool2d(torch.tanh(self.conv2(X)), 2)  # (N, 8, 8, 8)
        X = torch.tanh(self.hidden(X.flatten(1)))  # (N, 32)
        return self.output(X)  # (N, 2)


class Residual(nn.Module):
    """A part of a net with a way around it: X + part(X). Built in lesson 07.

    ``part`` must keep the shape of X. Source: He et al., 2015, arXiv:1512.03385.
    """

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, X):
        return X + self.part(X)


class RemedyNet(nn.Sequential):
    """The convolutional net of lesson 06, with ReLU, and with remedies to choose. Lesson 07.

    Input: float (N, 3, 32, 32). Output: scores (N, 2). 18,090 parameters as given by default,
    38,386 with width 32. Source: Stevens, Antiga and Viehmann, Deep Learning with PyTorch, 2020.

    `width` is the number of feature maps of the first convolution; the others have half as many.
    `blocks` adds convolutions at 8 × 8 pixels, each with 584 parameters at width 16, and `skip` a
    way around each of these. `batch_norm` comes after each convolution, which then needs no bias.
    `dropout` is the share of numbers set to 0 before each linear layer while training.
    """

    def __init__(self, width=16, blocks=0, batch_norm=False, dropout=0.0, skip=False):
        half = width // 2

        def conv(before, after):
            layer = nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm)
            return [layer, *([nn.BatchNorm2d(after)] if batch_norm else []), nn.ReLU()]

        deep = [nn.Sequential(*conv(half, half)) for _ in range(blocks)]
        super().__init__(
            *(*conv(3, width), nn.MaxPool2d(2)),
            *(*conv(width, half), nn.MaxPool2d(2)),
            *([Residual(part) for part in deep] if skip else deep),
            *(nn.Flatten(), nn.Dropout(dropout), nn.Linear(half * 8 * 8, 32), nn.ReLU()),
            *(nn.Dropout(dropout), nn.Linear(32, 2)),
        )


def trace_shapes(model: nn.Module, X: torch.Tensor) -> list[tuple[str, tuple[int, ...], int]]:
    """Run one batch through a model and list what each layer makes. Built in lesson 04.

    Parameters
    ----------
    model : nn.Module
        Any model; it is left in the mode it was in.
    X : tensor
        A batch that the model takes, such as ``torch.zeros(1, 3, 64, 64)``.

    Returns
    -------
    list of (layer, output shape, parameters)
        In the order in which the layers run; layers that hold other layers are left out.

    Raises
    ------
    ValueError
        If the model stops half-way: the message shows the trace up to there.
    """
    rows, hooks = [], []
    modes = [(layer, layer.training) for layer in model.modules()]

    def note(name):
        def hook(layer, inputs, output):
            parameters = sum(p.numel() for p in layer.parameters())
            rows.append((f"{name} ({type(layer).__name__})", tuple(output.shape), parameters))

        return hook

    for name, layer in model.named_modules():
        if not list(layer.children()):
            hooks.append(layer.register_forward_hook(note(name or "model")))
    try:
        model.eval()  # a batch of one is fine, and batch norm learns nothing from it
        with torch.no_grad():
            model(X)
    except (RuntimeError, ValueError) as error:
        trace = "\n".join(f"  {name}: {shape}" for name, shape, _ in rows)
        raise ValueError(
            f"a batch of the shape {tuple(X.shape)} stops half-way: {error}\nIt came to:\n{trace}"
        ) from None  # the message says it all
    finally:
        for hook in hooks:
            hook.remove()
        for layer, training in modes:
            layer.training = training
    return rows
