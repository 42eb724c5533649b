"""How every picture file is read: upright, as 8-bit numbers, in formats that are safe to open."""

import stat
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps

from helpers.sources.terminal import say
from helpers.sources.writing import LITTER

__all__ = ["left_out", "read"]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")  # others may start a program (PostScript)


def read(file: Path, mode: str = "RGB") -> Image.Image:
    """Return a picture upright, in RGB or grey ("L"); transparency is dropped.

    Raises ValueError with the file's name if it is damaged, of another format, or has numbers
    above 255, which would be cut off.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise ValueError("it is no file")
        with Image.open(file, formats=FORMATS) as picture:
            if deep := picture.mode.startswith(("I", "F")):
                kind = picture.mode
            else:
                return ImageOps.exif_transpose(picture).convert(mode)
    except Exception as error:  # Pillow has many kinds for damaged files
        raise ValueError(
            f"{file} cannot be read as a picture ({error}): get a new copy of it, or save it "
            "anew as JPEG or PNG"
        ) from error
    if deep:
        raise ValueError(f"{file} has more than 8 bits a pixel ({kind}): save it with 8")


@lru_cache  # each sentence once
def _say_once(sentence):
    say(sentence)


def left_out(folder: Path, used: set[str], wanted: str) -> None:
    """Say once how many files of a folder are not used, with an example, and what was wanted."""
    others = sorted(f.name for f in folder.iterdir() if f.is_symlink() or not f.is_dir())
    others = [n for n in others if n not in used and n not in LITTER and n[:2] != "._"]
    if others:
        count = f"{len(others):,} of {len(others) + len(used):,} files are"
        _say_once(f"{folder}: {count} left out, such as {others[0]}: {wanted}.")
