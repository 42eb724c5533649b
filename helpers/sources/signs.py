"""How a set of SIGNS is made: drawn here, or built from the original photographs.

A set is a folder with train_signs, val_signs and test_signs; pictures are named
{label}_IMG_{id}.jpg. `python -m helpers.sources.signs -h` lists what can be done in a terminal.
"""

import argparse
import os
import random
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import ThreadPool
from pathlib import Path, PureWindowsPath

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from helpers.sources.fetching import SPARE, DataUnavailable, download
from helpers.sources.folder import ADVICE, data_folder, obstacle
from helpers.sources.pictures import left_out, read
from helpers.sources.terminal import command, say, shown
from helpers.sources.writing import (
    cannot_write,
    checksum,
    contents,
    expanded,
    locked,
    marked,
    new_folder,
    no_room,
)

__all__ = ["build", "check_set", "draw_signs", "fetch_original", "home", "pictures"]
__all__ += ["prepare_signs", "read_all", "state"]

LABELS = ("0", "1", "2", "3", "4", "5")
PARTS = {"train": 864, "val": 216, "test": 120}  # pictures, as many as in the real set
MARKER = "DRAWN.json"  # lies in every drawn set, and in no other
PICTURE = re.compile(r"(-?[0-9]+)_.*\.(jpg|jpeg|png)", re.IGNORECASE)
FILE_ID = "1ufiR6hUKhXoAyiBNsySPkUwlvE_wfEHC"
PAGE = f"https://drive.google.com/file/d/{FILE_ID}/view"
FILE = f"https://drive.usercontent.google.com/download?id={FILE_ID}&export=download&confirm=t"
LARGEST = 2 * 10**9  # bytes of the archive, which has 1.1


def pictures(folder: str | Path) -> list[Path]:
    """Return the sorted paths of a folder's pictures; raises as `helpers.signs.SIGNSDataset`."""
    folder = expanded(folder)
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
    wanted = "pictures are named like 0_IMG_1.jpg (.jpeg, .png), the label first"
    left_out(folder, {file.name for file in files}, wanted)
    return files


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
    if _is_own(folder) or _is_drawn(folder, seed=0):
        return folder
    if reason := obstacle(folder.parent):
        raise OSError(f"{folder} must be drawn, but cannot be written ({reason}): {ADVICE}")
    return draw_signs(folder)


def state() -> str:
    """Say whether the data folder's set is "whole" (drawn or your own), "missing" or "damaged".

    Raises OSError if it cannot be read.
    """
    folder = home()
    try:
        whole = _is_own(folder) or _is_drawn(folder, seed=0)
    except ValueError:  # pictures of your own among the drawn ones
        whole = False
    return "whole" if whole else "damaged" if contents(folder) else "missing"


def draw_signs(target: str | Path, seed: int = 0) -> Path:
    """Draw 864 training, 216 validation and 120 test pictures into the folder `target`.

    JPEGs of 64x64 pixels, the six labels equally often; picture `id` depends on the seed and `id`
    alone. A set drawn with another seed or other code, or with missing files, is replaced, if
    nothing else lies in it: the checksums of what was drawn lie in its `DRAWN.json`. Raises
    ValueError for pictures of your own, FileExistsError that names what else is in the way, and
    OSError if `target` cannot be written.
    """

    def draw(new):
        from helpers.sources.hands import draw_hand  # here: a set can be read without OpenCV

        for id, name in enumerate(tqdm(_plan(), "drawing hands", leave=False)):
            picture = draw_hand(id % 6, np.random.default_rng([seed, id]))
            Image.fromarray(picture).save(new / name, quality=95)

    target, there = expanded(target), partial(_is_drawn, seed=seed)
    return target if there(target) else _put(target, draw, there, MARKER, **_recipe(seed))


def _plan():
    parts = [part for part, count in PARTS.items() for _ in range(count)]
    return [f"{part}_signs/{id % 6}_IMG_{id:04d}.jpg" for id, part in enumerate(parts)]


def _recipe(seed):
    code = zlib.crc32(Path(__file__).with_name("hands.py").read_text("utf-8").encode())
    return {"seed": int(seed), "counts": PARTS, "code": code}


def _is_drawn(target, seed):
    """Say whether the drawn set is whole; raise ValueError if there are pictures of your own."""
    if _is_own(target):
        raise ValueError(f"{target} holds files not drawn here: choose another folder")
    said, plan, files = marked(target, MARKER) or {}, {*_plan()}, contents(target)
    known = said.pop("files", None)  # a marker of before has none: then the names must do
    drawn = plan.union(known or ())
    if own := [n for n in files if PICTURE.fullmatch(Path(n).name) and n not in drawn]:
        advice = f"move yours away, or delete {MARKER} to use the folder as it is"
        raise ValueError(f"{target} holds drawn pictures and yours ({own[0]}): {advice}")
    if plan - files.keys() or said != _recipe(seed):
        return False
    return known is None or all(checksum(files[name]) == known.get(name) for name in plan)


def _is_own(folder):
    if marked(folder, MARKER) is not None:
        return False
    return any(p.is_symlink() or PICTURE.fullmatch(p.name) for p in contents(folder).values())


def _refuse_existing(target):
    if target.exists():
        raise ValueError(f"{target} exists: delete it if its hands are drawn, or choose another")


def _put(target, fill, there=_refuse_existing, marker="", **about):
    """Let fill(folder) fill a set under a lock and move it to `target`, unless there(target)."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target, f"making {target}"):
            if not there(target):
                with new_folder(target, marker, **about) as new:
                    for part in PARTS:
                        (new / f"{part}_signs").mkdir()
                    fill(new)
    except OSError as error:
        raise cannot_write(error, target, "choose another place (CNN_DATA)") from error
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
    source, target = expanded(source), expanded(target)
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
            download(FILE, archive, LARGEST)
            with open(archive, "rb") as file:
                if file.read(64).lstrip().startswith(b"<"):
                    raise RuntimeError("a web page came instead of the archive (over quota?)")
            with zipfile.ZipFile(archive) as content:
                members = {}
                for member in content.infolist():
                    path = PureWindowsPath(member.filename)  # knows / and \
                    if path.parent.name in parts and PICTURE.fullmatch(path.name):
                        members[new / path.parent.name / path.name] = member
                size = sum(member.file_size for member in members.values())
                if size > 2 * archive.stat().st_size + SPARE:  # photographs hardly shrink
                    raise RuntimeError(f"the archive would become {size / 1e6:.0f} MB")
                for path, member in tqdm(members.items(), "unpacking", leave=False):
                    path.write_bytes(content.read(member))
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

    return _put(expanded(target), fetch)


def check_set(folder: str | Path | None = None) -> Path:
    """Print the counts of a set (None: of `signs`); raise ValueError with all that is wrong."""
    folder, problems = expanded(folder or home()), []
    for part, count in PARTS.items():
        try:
            files = pictures(folder / f"{part}_signs")
            counts = Counter(file.name[0] for file in files)
            each = ", ".join(f"{counts[label]} of {label}" for label in LABELS)
            print(shown(f"{part}: {len(files):,} pictures ({each})"))
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
        print(shown(str(run(*options.folders))))
    except BrokenPipeError:
        raise
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        say(error)
        return 1
    return 0


if __name__ == "__main__":
    command(main)
