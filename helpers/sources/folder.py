"""Where the datasets lie: the one place that knows the data folder."""

import os
import re
import tempfile
from pathlib import Path

__all__ = ["data_folder", "obstacle", "where"]

PROJECT = Path(__file__).absolute().parent.parent.parent
ADVICE = "set the environment variable CNN_DATA to a folder of your own"


def data_folder() -> Path:
    """Return the folder of all datasets, which need not exist yet.

    It is `CNN_DATA` where this environment variable is set, else the folder `data` of the
    checkout, else (the package was installed without a clone) one in the user's cache. In
    `CNN_DATA` ~ and $VARIABLES are replaced, quotes around it dropped. A relative one counts from
    the checkout (else from the user's home), wherever a program or notebook runs.
    """
    checkout = (PROJECT / "data" / "README.md").is_file()
    if chosen := _chosen():
        return Path(os.path.expanduser("~") if not checkout else PROJECT, chosen).absolute()
    if checkout:
        return PROJECT / "data"
    import pooch  # here: whoever only writes a file needs it not

    return Path(pooch.os_cache("convnets"))


def _chosen():
    value = os.environ.get("CNN_DATA", "").strip()
    if value[:1] in ("'", '"') and value[-1:] == value[:1]:
        value = value[1:-1].strip()
    return os.path.expandvars(os.path.expanduser(value))


def obstacle(folder: Path) -> str:
    """Say why nothing can be written to a folder, which need not exist yet; "" if it can."""
    try:
        if not folder.exists() and re.match(r"~|.*[$%]\w|.*\$\{", _chosen()):
            return f"CNN_DATA is {os.environ['CNN_DATA']!r}: no such user or variable"
        there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def where() -> tuple[str, str]:
    """Return the data folder in words, and what to do if it cannot be written ("" if it can)."""
    folder = data_folder()
    words = str(folder.relative_to(PROJECT) if folder.is_relative_to(PROJECT) else folder)
    if reason := obstacle(folder):
        return f"{words} (cannot be written: {reason})", ADVICE[0].upper() + ADVICE[1:] + "."
    return words, ""
