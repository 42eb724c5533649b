"""Where the datasets lie."""

import os
from pathlib import Path

import pooch

__all__ = ["data_folder"]


def data_folder() -> Path:
    """Return the folder of all datasets; it may not be there yet.

    $CNN_DATA, else `data` of the checkout that this package lies in, else (installed without one)
    the folder of this system for a user's caches.
    """
    if chosen := os.environ.get("CNN_DATA", "").strip():
        return Path(chosen).expanduser().absolute()
    beside = Path(__file__).absolute().parents[2] / "data"
    return beside if (beside / "README.md").is_file() else Path(pooch.os_cache("convnets"))
