"""Parts that make a net learn sooner: a whitening layer, a start as identity, a mirror."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["WithMirror", "start_as_identity", "whitening_layer"]


def whitening_layer(X: torch.Tensor, size=2, keep: int | None = None, smallest=5e-4) -> nn.Conv2d:
    """Make a fixed convolution whose outputs are uncorrelated on X. Built in lesson 08.

    Its filters are the directions in which patches of ``size`` × ``size`` pixels vary, each
    divided by its deviation, and the same with the other sign: of two opposite filters ReLU keeps
    what the other loses. Not trained, and without bias. The mean of X is taken for 0 and not
    subtracted; on normalised pictures that changes next to nothing.
    Source: Coates, Lee and Ng, 2011; as a fixed first layer Page, 2019, and Jordan, 2024.

    Parameters
    ----------
    X : float tensor (N, C, H, W)
        Training pictures, normalised; a few thousand are enough.
    size : int
        Height and width of a patch in pixels.
    keep : int, optional
        How many directions to keep, those that vary most; by default all C · size².
    smallest : float
        Added to each variance, so that directions with next to none are not blown up.

    Returns
    -------
    nn.Conv2d
        C channels in, 2 · keep out, no padding; on the device of X. The filters of the directions
        that vary least come first.

    Raises
    ------
    ValueError
        If X has another shape, no pictures, or pictures smaller than a patch, or if there are not
        so many directions to keep.
    """
    if X.ndim != 4 or not len(X) or min(X.shape[2:]) < size:
        raise ValueError(
            f"X has the shape {tuple(X.shape)}: give pictures (N, C, H, W) of at least "
            f"{size} × {size} pixels"
        )
    channels = X.shape[1]
    count = channels * size * size
    keep = count if keep is None else keep
    if not 1 <= keep <= count:
        raise ValueError(f"keep is {keep}: patches of {count} numbers have 1 to {count} directions")
    patches = X.unfold(2, size, 1).unfold(3, size, 1)  # (N, C, H', W', size, size)
    patches = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, count)
    products = (patches.T @ patches / len(patches)).cpu()  # eigh is not there on every device
    variances, directions = torch.linalg.eigh(products)
    filters = (directions / (variances + smallest).sqrt()).T.view(-1, channels, size, size)
    filters = filters[-keep:]  # eigh puts the largest variances last
    layer = nn.Conv2d(channels, 2 * keep, size, bias=False, device=X.device)
    with torch.no_grad():
        layer.weight.copy_(torch.cat([filters, -filters]))
    layer.weight.requires_grad_(False)
    return layer


def start_as_identity(model: nn.Module) -> None:
    """Let each trained 3 × 3 convolution begin by passing its input on. Built in lesson 08.

    The first of its filters copy one channel each (PyTorch's ``dirac_``); those without a channel
    to copy stay random. Layers with frozen weights are left alone. Meant for convolutions with
    ``padding=1`` and without bias, as in `BlockNet`; a bias would stay and be added.
    Source: Jordan, 94% on CIFAR-10 in 3.29 seconds, 2024, arXiv:2404.00498.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and layer.weight.requires_grad:
            nn.init.dirac_(layer.weight.data[: layer.in_channels])


class WithMirror(nn.Module):
    """A model that looks at each picture and at its mirror image, and adds both scores. Lesson 08.

    Takes and gives what the model does: float (N, C, H, W), and scores (N, classes). Twice the
    work. For evaluation only.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, X):
        return self.model(X) + self.model(X.flip(3))
