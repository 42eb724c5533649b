"""Where the datasets lie: the one place that knows the data folder."""

import os
import tempfile
from pathlib import Path

import pooch

PROJECT = Path(__file__).absolute().parent.parent.parent


def data_folder() -> Path:
    """Return the folder of all datasets, which need not exist yet.

    It is `CNN_DATA` where this environment variable is set, else the folder `data` of the
    checkout, else (the package was installed without a clone) one in the user's cache.
    """
    if chosen := os.environ.get("CNN_DATA", "").strip():
        return Path(chosen).expanduser().absolute()
    checkout = PROJECT / "data"
    return checkout if (checkout / "README.md").is_file() else Path(pooch.os_cache("convnets"))


def where() -> tuple[str, str]:
    """Return the data folder in words, and what to do if it cannot be written ("" if it can)."""
    folder = data_folder()
    words = str(folder.relative_to(PROJECT) if folder.is_relative_to(PROJECT) else folder)
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        tempfile.TemporaryFile(dir=there).close()
    except OSError:
        advice = "Set the environment variable CNN_DATA to a folder of your own."
        return f"{words} (cannot be written)", advice
    return words, ""
