"""How a set of SIGNS is made: drawn here, or built from the original photographs.

A set is a folder with train_signs, val_signs and test_signs; pictures are named
{label}_IMG_{id}.jpg. `python -m helpers.sources.signs -h` lists what can be done in a terminal.
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path, PureWindowsPath
from urllib.request import urlopen

import numpy as np
from filelock import FileLock
from PIL import Image, ImageOps
from torchvision.datasets.utils import download_file_from_google_drive
from tqdm.auto import tqdm

from helpers.sources.fetching import ANSWER_SECONDS, DataUnavailable, no_room, say
from helpers.sources.folder import data_folder

__all__ = ["build", "check_set", "draw_signs", "fetch_original", "home", "pictures"]
__all__ += ["prepare_signs", "read", "read_all", "state"]

LABELS = ("0", "1", "2", "3", "4", "5")
PARTS = {"train": 864, "val": 216, "test": 120}  # pictures, as many as in the real set
MARKER = "DRAWN.json"  # lies in every drawn set, and in no other
PICTURE = re.compile(r"(-?[0-9]+)_.*\.(jpg|jpeg|png)", re.IGNORECASE)
FILE_ID = "1ufiR6hUKhXoAyiBNsySPkUwlvE_wfEHC"
PAGE = f"https://drive.google.com/file/d/{FILE_ID}/view"


def pictures(folder: str | Path) -> list[Path]:
    """Return the sorted paths of a folder's pictures; raises as `helpers.signs.SIGNSDataset`."""
    folder = Path(folder).expanduser().absolute()
    if not folder.is_dir():
        advice = "check the path (where there is no set at all, signs('train') draws one)"
        raise FileNotFoundError(f"there is no folder {folder}: {advice}")
    files = [file for file in folder.iterdir() if PICTURE.fullmatch(file.name) and file.is_file()]
    files.sort(key=lambda file: file.name)
    if wrong := [file.name for file in files if file.name.split("_")[0] not in LABELS]:
        advice = "labels go from 0 to 5 (if yours go from 1 to 6, rename all files)"
        raise ValueError(f"{folder}: {wrong[0]}: {advice}")
    if not files:
        raise ValueError(
            f"{folder} holds no pictures named like 0_IMG_1.jpg (.jpeg, .png): give one part of a "
            "set, or make the drawn set: `python -m helpers.data signs`, then signs('train')"
        )
    return files


def read(file: Path) -> Image.Image:
    """Return a picture upright, as RGB; ValueError names a file that cannot be read."""
    try:
        with Image.open(file) as picture:
            return ImageOps.exif_transpose(picture).convert("RGB")
    except Exception as error:  # Pillow has many kinds for damaged files
        raise ValueError(f"{file} cannot be read as a picture: {error}") from error


def read_all(files: list[Path], doing: str, use: Callable = lambda file, picture: None) -> None:
    """Read each picture, call use(file, picture), and raise ValueError that names the damaged."""

    def work(file):
        try:
            picture = read(file)
        except ValueError:
            return f"{file.parent.name}/{file.name}"
        use(file, picture)

    with ThreadPool(min(4, os.cpu_count() or 1)) as pool:
        results = tqdm(pool.imap(work, files), doing, len(files), delay=1, leave=False)
        damaged = [name for name in results if name]
    pool.join()  # no thread may be left when a DataLoader starts its workers
    if damaged:
        where = f"{len(damaged):,} damaged in {files[0].parent.parent}"
        raise ValueError(f"{where}: {', '.join(damaged)}: get new copies, or delete them")


def home() -> Path:
    """Return the place of the set that the lessons use: 64x64_SIGNS in the data folder."""
    return data_folder() / "64x64_SIGNS"


def prepare_signs() -> Path:
    """Return `home()`, after drawing the set if there is none.

    Nothing is printed or written if it is whole; a set of your own is never touched.
    """
    folder = home()
    return folder if _is_own(folder) else draw_signs(folder)


def state() -> str:
    """Say whether the data folder's set is "whole" (drawn or your own), "missing" or "damaged"."""
    folder = home()
    if not folder.exists():
        return "missing"
    try:
        return "whole" if _is_own(folder) or _is_drawn(folder, seed=0) else "damaged"
    except ValueError:  # pictures of your own among the drawn ones
        return "damaged"


def draw_signs(target: str | Path, seed: int = 0) -> Path:
    """Draw 864 training, 216 validation and 120 test pictures into the folder `target`.

    JPEGs of 64x64 pixels, the six labels equally often; picture `id` depends on the seed and `id`
    alone. A set drawn with another seed or other code, or with missing files, is replaced. Raises
    ValueError if `target` holds anything else, and OSError if it cannot be written.
    """

    def draw(new):
        from helpers.sources.hands import draw_hand  # here: a set can be read without OpenCV

        for id, name in enumerate(tqdm(_plan(), "drawing hands", leave=False)):
            picture = draw_hand(id % 6, np.random.default_rng([seed, id]))
            Image.fromarray(picture).save(new / name, quality=95)
        (new / MARKER).write_bytes(_recipe(seed))

    target, there = Path(target).expanduser().absolute(), partial(_is_drawn, seed=seed)
    return target if there(target) else _put(target, draw, there)


def _plan():
    parts = [part for part, count in PARTS.items() for _ in range(count)]
    return [f"{part}_signs/{id % 6}_IMG_{id:04d}.jpg" for id, part in enumerate(parts)]


def _recipe(seed):
    code = zlib.crc32(Path(__file__).with_name("hands.py").read_text("utf-8").encode())
    return json.dumps({"seed": int(seed), "counts": PARTS, "code": code}).encode()


def _is_drawn(target, seed):
    """Say whether the drawn set is whole; raise ValueError if `target` holds other files."""
    there = (file for file in target.rglob("*") if PICTURE.fullmatch(file.name))
    there = {file.relative_to(target).as_posix() for file in there}
    if _is_own(target):
        raise ValueError(f"{target} holds files not drawn here: choose another folder")
    if own := sorted(there.difference(plan := _plan())):
        advice = f"move yours away, or delete {MARKER} to use the folder as it is"
        raise ValueError(f"{target} holds drawn pictures and yours ({own[0]}): {advice}")
    return there == {*plan} and (target / MARKER).read_bytes() == _recipe(seed)


def _is_own(folder):
    files = (file for file in folder.rglob("*") if file.is_symlink() or not file.is_dir())
    return not (folder / MARKER).exists() and any(file.name[0] != "." for file in files)


def _refuse_existing(target):
    if target.exists():
        raise ValueError(f"{target} exists: delete it if its hands are drawn, or choose another")


def _put(target, fill, there=_refuse_existing):
    """Let fill(folder) fill a set under a lock and move it to `target`, unless there(target)."""
    work = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            try:
                shutil.rmtree(work, ignore_errors=True)  # from a program that was killed
                if not there(target):
                    for part in PARTS:
                        (work / "new" / f"{part}_signs").mkdir(parents=True)
                    fill(work / "new")
                    if target.exists():
                        os.replace(target, work / "old")
                    os.replace(work / "new", target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        advice = f"({error.strerror or error}): make room, or choose another place (CNN_DATA)"
        raise type(error)(f"{target} cannot be written {advice}") from error
    return target


def build(source: str | Path, target: str | Path) -> Path:
    """Build the 64x64 set `target` from the original photographs in `source`, in minutes.

    The names in `source`/train_signs are sorted and shuffled with seed 230; 80 % become the
    training, the others the validation part. Pictures are turned upright, resized to 64x64
    (bilinear, aspect not kept) and saved under their names with Pillow's settings, and decoding
    takes no short cut, so the set is the known one of Stanford's CS230. Raises, and puts nothing
    in place: FileNotFoundError, ValueError (`target` exists; all damaged names), OSError.
    Source: cs230-stanford/cs230-code-examples, pytorch/vision/build_dataset.py.
    """
    source, target = (Path(path).expanduser().absolute() for path in (source, target))
    _refuse_existing(target)
    files, test = pictures(source / "train_signs"), pictures(source / "test_signs")
    random.Random(230).shuffle(files)
    part_of = dict.fromkeys(test, "test_signs") | dict.fromkeys(files, "val_signs")
    part_of |= dict.fromkeys(files[: int(0.8 * len(files))], "train_signs")

    def shrink(file, picture, new):
        picture = picture.resize((64, 64), Image.Resampling.BILINEAR)
        picture.save(new / part_of[file] / file.name)

    return _put(target, lambda new: read_all([*part_of], "building", partial(shrink, new=new)))


def fetch_original(target: str | Path) -> Path:
    """Download the original photographs (1.1 GB) into `target`/train_signs and /test_signs.

    Nothing else is unpacked. Raises ValueError if `target` exists, OSError if it cannot be written,
    DataUnavailable if the download fails. Source: cs230-code-examples, pytorch/vision/README.md.
    """

    def fetch(new):
        archive, parts = new.parent / "SIGNS.zip", ("train_signs", "test_signs")
        (new / "val_signs").rmdir()  # is made of train_signs, when the set is built
        try:
            urlopen(PAGE, timeout=ANSWER_SECONDS).close()  # the downloader has no time limit
            download_file_from_google_drive(FILE_ID, str(new.parent), archive.name)
            with open(archive, "rb") as file:
                if file.read(64).lstrip().startswith(b"<"):
                    raise RuntimeError("a web page came instead of the archive (over quota?)")
            with zipfile.ZipFile(archive) as content:
                for member in tqdm(content.infolist(), "unpacking", leave=False):
                    path = PureWindowsPath(member.filename)  # knows / and \
                    if path.parent.name in parts and PICTURE.fullmatch(path.name):
                        (new / path.parent.name / path.name).write_bytes(content.read(member))
            for part in parts:
                pictures(new / part)
        except Exception as error:  # whatever the network, the drive and the archive come up with
            if no_room(error):
                raise
            raise DataUnavailable(
                f"The SIGNS photographs could not be fetched: {' '.join(str(error).split())}\n"
                f"By hand: save SIGNS.zip from {PAGE} with a browser, and unpack it.\n"
                "Or try again tomorrow: the lessons also work without, on the drawn hands."
            ) from error

    return _put(Path(target).expanduser().absolute(), fetch)


def check_set(folder: str | Path | None = None) -> Path:
    """Print the counts of a set (None: of `signs`); raise ValueError with all that is wrong."""
    folder, problems = Path(folder or home()).expanduser().absolute(), []
    for part, count in PARTS.items():
        try:
            files = pictures(folder / f"{part}_signs")
            counts = Counter(file.name[0] for file in files)
            each = ", ".join(f"{counts[label]} of {label}" for label in LABELS)
            print(f"{part}: {len(files):,} pictures ({each})")
            read_all(files, "checking")
            if (folder / MARKER).exists() and len(files) != count:
                raise ValueError(f"{count} were drawn: run `python -m helpers.data signs`")
        except (OSError, ValueError) as error:
            problems.append(f"{part}: {error}")
    if problems:
        raise ValueError("\n".join(problems))
    return folder


def main(arguments=None) -> int:
    """Run a command of `python -m helpers.sources.signs`, and return the exit code."""
    usage = "%(prog)s draw | build SOURCE TARGET | fetch TARGET | check [FOLDER]"
    parser = argparse.ArgumentParser("python -m helpers.sources.signs", usage, __doc__)
    commands = {"draw": (prepare_signs, [0]), "build": (build, [2])}
    commands |= {"fetch": (fetch_original, [1]), "check": (check_set, [0, 1])}
    parser.add_argument("command", choices=commands)
    parser.add_argument("folders", nargs="*")
    options = parser.parse_args(arguments)
    run, counts = commands[options.command]
    if len(options.folders) not in counts:
        parser.error(f"{len(options.folders)} folders given for {options.command}")
    try:
        print(run(*options.folders))
    except (OSError, ValueError, ImportError, DataUnavailable, KeyboardInterrupt) as error:
        say(str(error) or "interrupted: nothing was put in place")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
