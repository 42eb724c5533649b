"""Save and load the weights of a model, never half a file and never a program."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

__all__ = ["load_weights", "save_weights"]


def save_weights(model: nn.Module, path) -> None:
    """Save a model's weights to a file: written beside, then renamed, so never half a file."""
    path = Path(path)
    beside = path.with_name(path.name + ".part")
    torch.save(model.state_dict(), beside)
    beside.replace(path)


def load_weights(model: nn.Module, path) -> None:
    """Load weights that `save_weights` wrote, whatever device they were saved on.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds anything but weights (it might run code), or another model's weights.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights at {path}: train and save the model first")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle's, zip's and torch's own errors, by version
        raise ValueError(
            f"{path} is not a file of weights: damaged, or it holds Python objects that might run "
            "code. Load only what save_weights wrote"
        ) from error
    own = {name: tuple(w.shape) for name, w in model.state_dict().items()}
    found = {}
    if isinstance(weights, dict):
        found = {name: tuple(getattr(w, "shape", ())) for name, w in weights.items()}
    if found != own:  # looked at first, because load_state_dict copies what fits before it raises
        name = next((n for n in [*own, *found] if own.get(n) != found.get(n)), "everything")
        first = next(iter(found), None)
        other = f"none; it begins with {first} {found[first]}" if found else "none"
        raise ValueError(
            f"{path} does not hold the weights of a {type(model).__name__} like this one: {name} "
            f"should have the shape {own.get(name, 'none')}, the file has {found.get(name, other)}"
        )
    model.load_state_dict(weights)
