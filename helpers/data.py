"""Fashion-MNIST and CIFAR-10, fetched on first use and checked by checksum before every use.

`python -m helpers.data` fetches both in advance and draws the hands of SIGNS, for a classroom
without network; `python -m helpers.data --check` only reports.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from helpers.sources.terminal import command, imports_may_be_interrupted, say, shown

if __name__ == "__main__":  # torch takes a while
    imports_may_be_interrupted()

import numpy as np
import torch
from torch.utils.data import Dataset
from torchvision import datasets

from helpers.sources.datasets import NAMES, about, prepare, status
from helpers.sources.fetching import DataUnavailable, folder_size
from helpers.sources.folder import data_folder
from helpers.sources.pictures import read
from helpers.sources.writing import expanded

__all__ = ["CIFAR10Binary", "DataUnavailable", "FashionMNIST", "as_tensors", "cifar10"]
__all__ += ["data_folder", "fashion_mnist", "of_classes", "prepare", "read_picture", "status"]


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


def fashion_mnist(train: bool, transform: Callable | None = None) -> FashionMNIST:
    """Return Fashion-MNIST's 60,000 training or 10,000 test pictures, fetched on first use.

    `data` is a uint8 tensor (N, 28, 28) in 0-255, `targets` an int64 tensor (N,) in 0-9; an item
    is a grey PIL picture (or what `transform` makes of it) and an int. Raises what `prepare`
    raises. Source: Xiao, Rasul and Vollgraf, 2017, arXiv:1708.07747.
    """
    _check_train(train)
    prepare("fashion_mnist")
    return FashionMNIST(data_folder(), train=train, transform=transform)


def cifar10(train: bool, transform: Callable | None = None) -> datasets.CIFAR10:
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


def as_tensors(dataset: Dataset, count: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first `count` samples (None: all) of a dataset as two tensors, X and y.

    The dataset is one of this module, or another with `data` and `targets`. X is float32 (count,
    channels, height, width) in 0-1, y int64 (count,). They are read straight from `dataset.data`,
    so the dataset's transform is NOT applied. CIFAR-10's training pictures take 614 MB. Raises
    ValueError for a count that the dataset does not have, and TypeError for something without
    `data` and `targets`, such as a Subset.
    """
    if getattr(dataset, "data", None) is None or getattr(dataset, "targets", None) is None:
        raise TypeError(
            f"this {type(dataset).__name__} has no data and targets to read: pass a whole dataset "
            "with labels, such as fashion_mnist(train=True), and index the tensors that you get"
        )
    if count is not None and not 1 <= count <= len(dataset):
        raise ValueError(f"count is {count}: give 1 to {len(dataset)}, or None for all")
    return _as_tensors(dataset.data[:count], dataset.targets[:count])


def of_classes(dataset: Dataset, names: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the samples of some classes as two tensors, X and y.

    X is as in `as_tensors`. y is int64 (N,), numbered anew in the order of `names`:
    `of_classes(cifar10(True), ["airplane", "bird"])` gives 0 for airplanes and 1 for birds. Raises
    ValueError for a class that the dataset does not have, for one named twice, and for fewer than
    two.
    """
    if isinstance(names, str) or len(set(names)) != len(names) or len(names) < 2:
        raise ValueError(f'names is {names!r}: give two or more classes, such as ["bird", "cat"]')
    if wrong := [name for name in names if name not in dataset.classes]:
        raise ValueError(
            f"there is no class {wrong[0]!r}: choose from {', '.join(dataset.classes)}"
        )
    targets = torch.as_tensor(dataset.targets)
    numbers = torch.tensor([dataset.classes.index(name) for name in names])
    chosen = torch.isin(targets, numbers)
    y = (targets[chosen].unsqueeze(1) == numbers).int().argmax(dim=1)
    return _as_tensors(torch.as_tensor(dataset.data)[chosen], y)


def _as_tensors(pictures, labels):
    X = torch.as_tensor(pictures)
    X = X.unsqueeze(1) if X.ndim == 3 else X.permute(0, 3, 1, 2)  # from (N,H,W) or (N,H,W,C)
    return X.contiguous().float().div_(255), torch.as_tensor(labels, dtype=torch.int64).clone()


def read_picture(path: str | Path) -> np.ndarray:
    """Read a picture file as a uint8 array (H, W, 3) in 0-255, RGB, upright.

    A grey picture gets three equal channels; transparency is dropped. Raises FileNotFoundError or
    ValueError with the file's name, where `cv2.imread` would only return None.
    """
    path = expanded(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}: check the folder and the name")
    return np.array(read(path))


def main(arguments=None) -> int:
    """Prepare the named datasets (default: all), report on them, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers.data", description="Fetch the datasets, and say what is there."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=" or ".join(NAMES))
    parser.add_argument("--check", action="store_true", help="only report; code 1 if not whole")
    options = parser.parse_args(arguments)
    names = options.names or NAMES
    if wrong := [name for name in names if name not in NAMES]:
        say(f"there is no dataset {wrong[0]!r}: choose from {', '.join(NAMES)}")
        return 2
    for name in [] if options.check else names:
        try:
            prepare(name)
        except (RuntimeError, OSError, ValueError, ImportError) as error:
            say(error)
    states = status()
    for name in names:
        title, folder, licence = about(name)
        size = folder_size(folder) / 1e6
        print(shown(f"{title} ({name}): {states[name]}, {size:.1f} MB in {folder}"))
        print(f"  licence: {licence}")
    return int(any(states[name] != "whole" for name in names))


if __name__ == "__main__":
    command(main)
