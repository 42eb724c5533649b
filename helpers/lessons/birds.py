"""Pictures with their pixels in other places, for the lesson Birds and airplanes."""

import torch

__all__ = ["scramble"]


def scramble(X: torch.Tensor, seed: int) -> torch.Tensor:
    """Move the pixels of all pictures (N, C, H, W) to other places, the same for each picture.

    The seed decides the places; the colours of a pixel stay together. The result is new.
    """
    pixels = X.flatten(2)
    order = torch.randperm(pixels.shape[2], generator=torch.Generator().manual_seed(seed))
    return pixels[:, :, order.to(X.device)].reshape(X.shape)
